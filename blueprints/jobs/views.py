"""One's own jobs, the live page of each, and what can be done with it: start, cancel, start again."""

from uuid import uuid4

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from werkzeug.exceptions import RequestEntityTooLarge

from blueprints.jobs import bp, starts
from blueprints.jobs.broadcasts import EVERYBODYS, job_topic, list_topic, log_topic, may_see
from database import db
from work import Job, moves, notes
from work.models import FAILED, PLACES_SAID, STATES

JOBS_PER_PAGE = 20
MAX_PAGE = 100_000
MOST_RETRIES = 1000  # at once
TOO_LARGE = {
    "code": 413,
    "title": "Too large",
    "sentence": "What you sent is too large. Nothing was changed.",
}


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
    return go_to(job, fresh=True)


@bp.get("/jobs/<int:job_id>")
@login_required
def show(job_id):
    job = visible(job_id)
    piece = notes.piece(job.id, request.args.get("until", type=int))
    topics = [job_topic(job.id), *([] if piece.until else [log_topic(job.id)])]
    return render_template("jobs/show.html", job=job, piece=piece, topics=topics, places_said=PLACES_SAID)


@bp.post("/jobs/<int:job_id>/cancellations")
@login_required
def create_cancellation(job_id):
    job = visible(job_id)
    moves.cancel(job)  # where it has ended meanwhile its page says so
    db.session.commit()
    return go_to(job)


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error):
    """Beside the field like any other wrong entry; what is larger still was never read into memory."""
    refused = starts.refuse_large()
    if refused is None:
        template = "_error.html" if request.headers.get("HX-Request") else "error.html"
        return render_template(template, error=TOO_LARGE), 413
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
    state, owner = request.args.get("state"), whose()
    state = state if state in STATES else None
    page = db.paginate(Job.listed(owner, state), page=number, per_page=JOBS_PER_PAGE, error_out=False)
    topic = list_topic(owner.id) if owner else EVERYBODYS
    seen = {
        "page": page,
        "forms": forms,
        "topic": topic,
        "token": _token,
        "states": STATES,
        "chosen": chosen(state),
    }
    failed = Job.failed_by_kind(owner) if state == FAILED else []
    return render_template("jobs/index.html", failed=failed, most_retries=MOST_RETRIES, **seen), status


def whose():
    """Whose jobs the page is about: one's own, or None where an admin asked for everybody's."""
    everybodys = request.args.get("whose") == "everybodys" and current_user.has_role("admin")
    return None if everybodys else current_user


def chosen(state):
    """The filter, as it stands in addresses."""
    return {"state": state, "whose": None if whose() else "everybodys"}


def _token():
    return uuid4().hex


def _refused(kind, form, status):
    if request.headers.get("HX-Request"):
        return render_template("jobs/_start_answer.html", kind=kind, form=form, token=_token), status
    return _page([(each, form if each is kind else empty) for each, empty in starts.startable()], status)


def go_to(job, *, fresh=False):
    """To the page of a job; a fresh one is looked at from another page."""
    path = url_for("jobs.show", job_id=job.id)
    if not request.headers.get("HX-Request"):
        return redirect(path, 303)
    return ("", 201, {"HX-Redirect": path}) if fresh else ("", 204)
