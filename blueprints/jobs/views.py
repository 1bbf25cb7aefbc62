"""One's own jobs, starting a sales report, and the live page of each job."""

from datetime import timedelta

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required

from blueprints.jobs import bp
from blueprints.jobs.broadcasts import job_created, job_topic, owner_topic
from blueprints.jobs.forms import PeriodForm
from blueprints.jobs.models import Job
from blueprints.jobs.queue import enqueue
from database import db, utcnow

JOBS_PER_PAGE = 20
MAX_PAGE = 100_000
USUAL_PERIOD = timedelta(days=30)


@bp.get("/jobs/")
@login_required
def index():
    today = utcnow().date()
    return _page(PeriodForm(since=today - USUAL_PERIOD, until=today))


@bp.post("/jobs/")
@login_required
def create():
    form = PeriodForm(request.form)
    if not form.validate():
        return _refused(form)
    job = Job.create(current_user, "sales_report", form.arguments)
    job_created(job)
    enqueue(job)
    db.session.commit()
    path = url_for("jobs.show", job_id=job.id)
    return ("", 201, {"HX-Redirect": path}) if request.headers.get("HX-Request") else redirect(path, 303)


@bp.get("/jobs/<int:job_id>")
@login_required
def show(job_id):
    job = db.session.get(Job, job_id)
    if job is None or job.user_id != current_user.id:
        abort(404)  # not yours and not there look the same
    return render_template("jobs/show.html", job=job, topic=job_topic(job.id))


def _page(form, status=200):
    number = min(max(request.args.get("page", 1, type=int), 1), MAX_PAGE)
    page = db.paginate(Job.of_owner(current_user), page=number, per_page=JOBS_PER_PAGE, error_out=False)
    topic = owner_topic(current_user.id)
    return render_template("jobs/index.html", page=page, form=form, topic=topic), status


def _refused(form):
    if request.headers.get("HX-Request"):
        return render_template("jobs/_start_answer.html", form=form), 422
    return _page(form, 422)
