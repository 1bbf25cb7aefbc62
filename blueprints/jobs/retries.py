"""Starting again what failed: one job at once, or all of a kind by a job of its own, which begins after eight seconds
in which it can be undone (UX J9)."""

from collections import Counter
from datetime import timedelta

from flask import abort, render_template, request
from flask_login import current_user, login_required

from blueprints.auth import User
from blueprints.jobs import bp
from blueprints.jobs.views import MOST_RETRIES, chosen, go_to, visible, whose
from database import db, utcnow
from work import KINDS, Job, job, kinds, moves
from work.models import CANCELLED, FAILED

UNDO = timedelta(seconds=8)


@bp.post("/jobs/<int:job_id>/retries")
@login_required
def create_retry(job_id):
    again = visible(job_id)
    if again.state in (FAILED, CANCELLED) and (why := refusal(again, current_user)):
        abort(403, f"It was not started again: {why}.")
    moves.retry(again)  # where it was started meanwhile its page says so
    db.session.commit()
    return go_to(again)


@bp.post("/jobs/retries")
@login_required
def create_retries():
    kind = KINDS.get(request.args.get("kind", "")) or abort(404)
    failed = Job.listed(whose(), FAILED).where(Job.kind == kind.name)
    ids = db.session.scalars(failed.with_only_columns(Job.id).order_by(None).order_by(Job.id)).all()
    if len(ids) != request.form.get("count", type=int) or not ids:
        return _changed(kind, len(ids)), 409
    arguments = {"failed_jobs": ids[:MOST_RETRIES], "of": kind.title}
    made = moves.create("retry_failed", arguments, user=current_user, due_at=utcnow() + UNDO)
    db.session.commit()
    return go_to(made, fresh=True)


@job("retry_failed", "Retry of failed jobs", unit="jobs", result="jobs/_retries.html", may_start=kinds.nobody)
def retry_failed(run, failed_jobs, of):
    refused = Counter()
    for number, job_id in enumerate(failed_jobs, start=1):
        with run.transaction() as session:
            why = _retry(session.get(Job, job_id), session.get(User, run.user_id))
        if why:
            refused[why] += 1
            run.say(f"Job {job_id}: {why}.")
        run.progress(number, len(failed_jobs), f"{number - refused.total():,} retried")
    return {"of": of, "retried": len(failed_jobs) - refused.total(), "refused": refused.most_common()}


def refusal(job, user):
    """Why this person may not start the job again, in words, or None."""
    if job.kind not in KINDS:
        return "there are no jobs of its kind any more"
    if job.sort.may_start is not kinds.nobody and not job.sort.may_start(user):
        return "you may not start jobs of its kind"
    return None


def _retry(job, user):
    if job is None:
        return "it is no longer kept"
    if job.state != FAILED:
        return f"it has not failed any more, it is {job.state}"
    return refusal(job, user) or (None if moves.retry(job) else "somebody else was faster")


def _changed(kind, count):
    problem = f"That has changed: {count:,} have failed now. Nothing was started; please look again."
    if not request.headers.get("HX-Request"):
        abort(409, problem)
    shown = {"kind": kind, "count": count, "chosen": chosen(FAILED), "most_retries": MOST_RETRIES}
    return render_template("jobs/_bulk_answer.html", problem=problem, **shown)
