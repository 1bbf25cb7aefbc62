"""One's own jobs, the live page of each, and what can be done with it: start, cancel, start again."""

from uuid import uuid4

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from werkzeug.exceptions import RequestEntityTooLarge

from blueprints.jobs import bp, starts
from blueprints.jobs.broadcasts import EVERYBODYS, LINE, job_topic, list_topic, may_see
from database import db
from work import Job, moves
from work.models import STATES, WAITING

JOBS_PER_PAGE = 20
MAX_PAGE = 100_000


@bp.get("/jobs/")
@login_required
def index():
    return _page(starts.startable())


@bp.post("/jobs/")
@login_required
def create():
    kind, form = starts.chosen()
    if not form.validate():
        return _refused(kind, form, 422)
    job = starts.start(kind, form)
    db.session.commit()
    return _go_to(job)


@bp.get("/jobs/<int:job_id>")
@login_required
def show(job_id):
    job = visible(job_id)
    topics = [job_topic(job.id), *([LINE] if job.state == WAITING else [])]
    return render_template("jobs/show.html", job=job, topics=topics)


@bp.post("/jobs/<int:job_id>/cancellations")
@login_required
def create_cancellation(job_id):
    job = visible(job_id)
    moves.cancel(job)  # where it has ended meanwhile its page says so
    db.session.commit()
    return _go_to(job)


@bp.post("/jobs/<int:job_id>/retries")
@login_required
def create_retry(job_id):
    job = visible(job_id)
    moves.retry(job)
    db.session.commit()
    return _go_to(job)


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error):
    """Beside the field like any other wrong entry; what is larger still was never read into memory."""
    refused = starts.refuse_large()
    if refused is None:
        return "", 413
    starts.drain()
    return _refused(*refused, 413)


def visible(job_id):
    """The job; 404 for what is not yours as for what is not there."""
    job = Job.find(job_id)
    if job is None or not may_see(current_user, job):
        abort(404)
    return job


def _page(forms, status=200):
    number = min(max(request.args.get("page", 1, type=int), 1), MAX_PAGE)
    state, everybodys = _filter()
    query = Job.listed(None if everybodys else current_user, state)
    page = db.paginate(query, page=number, per_page=JOBS_PER_PAGE, error_out=False)
    topic = EVERYBODYS if everybodys else list_topic(current_user.id)
    chosen = {"state": state, "whose": "everybodys" if everybodys else None}
    return render_template(
        "jobs/index.html", page=page, forms=forms, topic=topic, chosen=chosen, token=_token, states=STATES
    ), status


def _filter():
    state = request.args.get("state")
    everybodys = request.args.get("whose") == "everybodys" and current_user.has_role("admin")
    return state if state in STATES else None, everybodys


def _token():
    return uuid4().hex


def _refused(kind, form, status):
    if request.headers.get("HX-Request"):
        return render_template("jobs/_start_answer.html", kind=kind, form=form, token=_token), status
    return _page([(each, form if each is kind else empty) for each, empty in starts.startable()], status)


def _go_to(job):
    path = url_for("jobs.show", job_id=job.id)
    if not request.headers.get("HX-Request"):
        return redirect(path, 303)
    return ("", 201, {"HX-Redirect": path}) if request.endpoint == "jobs.create" else ("", 204)
