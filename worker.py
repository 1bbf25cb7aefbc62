"""The RQ worker: waits for jobs, forks for each, gives it the app's context, and is back when Redis is.

It runs nothing but work.runner.run_attempt, called with two numbers as JSON: whatever else lies in the queue is refused
unread, a pickle first of all.
"""

import ctypes
import logging
import os
import resource
import signal
import socket
import sys
import time
from uuid import uuid4

from redis import Redis, RedisError
from rq import Worker
from rq.serializers import JSONSerializer

from app import ConfigError, NotMigrated, create_app, refuse_unmigrated
from work import ending, queue

PR_SET_PDEATHSIG = 1
# A sign of life every five seconds, at work as in idleness: what admins see of a worker is at most that old.
UPKEEP = {"worker_ttl": 20, "maintenance_interval": 60, "job_monitoring_interval": 5}
MEMORY_BYTES = 1 << 30  # of one job: it must fail by itself before the machine picks somebody to kill
BACK_S = 1
log = logging.getLogger("rq.worker")


class AppWorker(Worker):
    """RQ's worker with our app around each job, and with a word in the database when a job was cut short."""

    job_class = queue.OwnJob
    dropped = False
    max_connection_wait_time = 2.0  # RQ would wait up to a minute after Redis is back

    def main_work_horse(self, *arguments):
        if sys.platform == "linux":  # else it would go on beside the second run, which another worker begins
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
        super().main_work_horse(*arguments)

    def perform_job(self, *arguments):
        with self.app.app_context():
            return super().perform_job(*arguments)

    def handle_work_horse_killed(self, job, *what):
        super().handle_work_horse_killed(job, *what)
        ending.note(self.app, job.id, ending.KILLED)

    def unsubscribe(self):
        if not self.dropped:  # RQ would wait a second for the thread that hears commands
            super().unsubscribe()

    def request_force_stop(self, *arguments):
        under_way = self.get_current_job_id() if self.horse_pid else None
        try:
            super().request_force_stop(*arguments)
        except SystemExit:
            self.dropped = True
            ending.note(self.app, under_way, ending.DEPLOY, free=True)
            raise

    @property
    def was_told_to_stop(self):
        return self._shutdown_requested_date is not None


def main():
    AppWorker.app = app = create_app()
    if app.config["LEVAIN_ENV"] == "production":
        refuse_unmigrated(app)
    ending.forget_connections(app)
    while not _work(app):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        time.sleep(BACK_S)


def _work(app):
    """True when somebody told it to stop; RQ's loop also ends when Redis goes away, and then ours begins anew."""
    name, worker = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}", None
    try:
        redis = Redis.from_url(app.config["REDIS_URL"], socket_connect_timeout=2)
        worker = AppWorker([queue.NAME], name, connection=redis, serializer=JSONSerializer, **UPKEEP)
        worker.work()
    except RedisError as error:
        log.warning("no Redis: %s", error)
    return bool(worker and worker.was_told_to_stop)


if __name__ == "__main__":
    try:
        main()
    except (ConfigError, NotMigrated) as refusal:
        sys.exit(f"The worker does not start: {refusal}")
