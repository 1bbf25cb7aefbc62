"""The way into RQ and out of it, by the outbox: a job is handed over once its row is committed, however often Redis is
away meanwhile. JSON only: RQ's own default, pickle, would run whatever lies in Redis.
"""

import os
from datetime import timedelta

from redis import Redis
from rq import Queue
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from extensions import live
from work import kinds

NAME = "default"
RUN = "work.runner.run_attempt"  # the only function that a worker of ours calls
STOP_GRACE = timedelta(seconds=8)  # for a job that was asked to stop; then it is stopped
_redis = {}  # "url", and the "line" that jobs are handed over to


class NotOurs(Exception):
    """Something in the queue that none of us put there."""


class OwnJob(RqJob):
    """An RQ job of which nothing is believed but two numbers: no function, no callback, no address to call."""

    success_callback = failure_callback = stopped_callback = None

    def _execute(self):
        if self.func_name != RUN or self.kwargs or [type(each) for each in self.args] != [int, int]:
            raise NotOurs(f"refused: {self.func_name!r}")
        from work.runner import run_attempt  # here: the web hands jobs over and never runs one

        return run_attempt(*self.args, leave=_leave)

    def send_webhooks(self, *_arguments, **_options):
        return None


def _leave():
    """The process of one job ends at once: its attempt is somebody else's now, or out of time."""
    os._exit(1)


def init_app(app):
    # The outbox sends from a thread of its own, outside any app context.
    _redis["url"] = app.config["REDIS_URL"]
    _redis["line"] = line(connect())


def connect(**options):
    return Redis.from_url(_redis["url"], socket_connect_timeout=1, socket_timeout=2, **options)


def line(redis):
    return Queue(NAME, connection=redis, serializer=JSONSerializer, job_class=OwnJob)


def rq_id(job_id, attempt):
    return f"job-{job_id}-{attempt}"


def enqueue(job):
    """Call it in the transaction that makes the job wait."""
    live.send("job", {"id": job.id, "attempt": job.attempt + 1, "timeout_s": kinds.of(job.kind).timeout_s})


@live.sender("job")
def hand_over(_uuid, payload):
    """May be called twice for one attempt, which then finds that it was started already."""
    name = rq_id(payload["id"], payload["attempt"])
    _redis["line"].enqueue_call(
        RUN,
        args=(payload["id"], payload["attempt"]),
        job_id=name,
        description=name,
        timeout=payload["timeout_s"],
        result_ttl=60,  # the row is what counts; Redis need not remember
        failure_ttl=24 * 3600,
    )


def stop(job_id, attempt):
    """Ends the process that runs the attempt, wherever it is."""
    with connect() as redis:
        try:
            send_stop_job_command(redis, rq_id(job_id, attempt), serializer=JSONSerializer)
        except (InvalidJobOperation, NoSuchJobError):
            return False  # it has ended, or nobody runs it
        return True


def names_in_line():
    """The RQ ids that wait in Redis."""
    with connect() as redis:
        return set(line(redis).get_job_ids())
