"""What a worker knows of a job that it can no longer run: said at once, so that nobody waits for the lease to end."""

import logging

from sqlalchemy.exc import SQLAlchemyError

from database import db
from work import moves
from work.models import Job

KILLED = "The process that ran it was ended from outside, most likely for want of memory."
DEPLOY = "The site was restarted in the middle of it."
log = logging.getLogger(__name__)


def note(app, rq_name, message, *, free=False):
    """The attempt of that name in RQ is lost. What cannot be written down the watcher finds by itself."""
    found = _numbers(rq_name)
    if found is None:
        return
    job_id, attempt = found
    try:
        with app.app_context():
            job = Job.find(job_id)
            if job and moves.lose(job, attempt, message, free=free):
                db.session.commit()
    except SQLAlchemyError as error:
        log.warning("job %s: its end was not noted: %s", job_id, error)
    finally:
        forget_connections(app)


def forget_connections(app):
    """Before a fork: two processes must never share a connection."""
    with app.app_context():
        db.engine.dispose()


def _numbers(rq_name):
    parts = (rq_name or "").split("-")
    return (int(parts[1]), int(parts[2])) if len(parts) == 3 and parts[0] == "job" else None
