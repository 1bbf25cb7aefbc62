"""Long work as rows: a job is ours, RQ only runs it. Features register kinds here; worker.py and the web run the rest.

This package knows no feature and shows nothing: pages, topics and events are the business of blueprints/jobs, which
hears of every move through `signals`. What may happen to a job is in moves.py, what runs it in runner.py, what
notices that nobody runs it any more in watcher.py. docs/jobs.md is the guide.
"""

from work import queue
from work.kinds import KINDS, Kind, job
from work.models import Attempt, Job, JobFile, Note
from work.run import Cancelled, Fenced, Output, Refused, Run
from work.watcher import Watcher

__all__ = [
    "KINDS",
    "Attempt",
    "Cancelled",
    "Fenced",
    "Job",
    "JobFile",
    "Kind",
    "Note",
    "Output",
    "Refused",
    "Run",
    "init_app",
    "job",
]


def init_app(app):
    """The watcher is only made here; gunicorn.conf.py starts it beside each web process."""
    queue.init_app(app)
    app.extensions["work"] = Watcher(app)
