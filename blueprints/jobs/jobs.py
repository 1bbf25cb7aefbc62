"""What RQ runs, named by dotted path, each with the id of its row. The app context comes from worker.py."""

import logging
from datetime import date
from time import monotonic

from blueprints.jobs.broadcasts import job_moved, job_progressed
from blueprints.jobs.models import Job
from blueprints.jobs.sales import days_between, sales_of_day, summary
from database import db

PROGRESS_EVERY_S = 0.2
log = logging.getLogger(__name__)


def sales_report(job_id):
    """Adds up the orders of a period, day by day."""
    run(job_id, _sales_report)


def run(job_id, work):
    """Brings a job from waiting to its end, whatever happens in between."""
    job = db.session.get(Job, job_id)
    if job is None or not job.start():
        return  # gone, or another delivery of the same job was faster
    _announce(job)
    try:
        result = work(job)
    except Exception:  # around a job everything is caught: its page must say that it ended
        log.exception("job %s failed", job_id)
        db.session.rollback()
        job.fail("Something went wrong on our side. It was written down; please try again.")
    else:
        job.finish(result)
    _announce(job)


def _sales_report(job):
    since, until = (date.fromisoformat(job.arguments[end]) for end in ("since", "until"))
    days = days_between(since, until)
    meter = Meter(job, len(days))
    sales = []
    for number, day in enumerate(days, start=1):
        sales.append(sales_of_day(day))
        meter.show(number, f"{day:%-d %B %Y}")
    return summary(sales)


class Meter:
    """How far a job is, told to its viewers five times a second at most, the last value always."""

    def __init__(self, job, total):
        self.job, self.total, self.shown_at = job, total, 0.0

    def show(self, done, message):
        if done < self.total and monotonic() - self.shown_at < PROGRESS_EVERY_S:
            return
        self.shown_at = monotonic()
        self.job.progress(done, self.total, message)
        job_progressed(self.job)
        db.session.commit()


def _announce(job):
    job_moved(job)
    db.session.commit()
