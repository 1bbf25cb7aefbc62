"""The RQ worker: waits for jobs, forks for each, gives it the app's context.

Jobs are functions in blueprints/*/jobs.py, called with JSON, never pickle: that runs whatever is in Redis.
"""

import ctypes
import signal
import sys

from redis import Redis
from rq import Worker
from rq.serializers import JSONSerializer

from app import ConfigError, NotMigrated, create_app, refuse_unmigrated

PR_SET_PDEATHSIG = 1
# Short, so that a job whose worker was killed is found again within two minutes, not within twelve.
UPKEEP = {"worker_ttl": 30, "maintenance_interval": 10}


class AppWorker(Worker):
    def main_work_horse(self, *arguments):
        if sys.platform == "linux":  # else it would go on beside the second run, which another worker begins
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        super().main_work_horse(*arguments)

    def perform_job(self, *arguments):
        with self.app.app_context():
            return super().perform_job(*arguments)


def main():
    AppWorker.app = app = create_app()
    if app.config["LEVAIN_ENV"] == "production":
        refuse_unmigrated(app)
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()  # two processes must never share a connection
    redis = Redis.from_url(app.config["REDIS_URL"])
    AppWorker(["default"], connection=redis, serializer=JSONSerializer, **UPKEEP).work()


if __name__ == "__main__":
    try:
        main()
    except (ConfigError, NotMigrated) as refusal:
        sys.exit(f"The worker does not start: {refusal}")
