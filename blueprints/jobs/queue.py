"""Handing a job to RQ, by the outbox: once its row is committed, and however often Redis is away meanwhile.

JSON only: RQ's own default, pickle, would run whatever lies in Redis.
"""

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from blueprints.jobs import bp
from extensions import live

QUEUE = "default"
JOB_TIMEOUT_S = 600
_redis = {}


def enqueue(job):
    """Call it in the transaction that writes the row."""
    live.send("job", {"id": job.id, "kind": job.kind})


@live.sender("job")
def hand_over(uuid, payload):
    # May be called twice for one row; the job itself then finds that it has been started already.
    with Redis.from_url(_redis["url"]) as redis:
        queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer)
        path = f"blueprints.jobs.jobs.{payload['kind']}"
        queue.enqueue(path, payload["id"], job_id=uuid, job_timeout=JOB_TIMEOUT_S)


@bp.record
def _remember_redis(state):
    # The outbox sends from a thread of its own, outside any app context.
    _redis["url"] = state.app.config["REDIS_URL"]
