"""Who works, what waits, and when each was last heard of: read from Redis for the eyes of admins, never believed."""

from dataclasses import dataclass
from datetime import UTC, datetime

from work import queue

WORKERS, WORKER = "rq:workers", "rq:worker:"
SILENT_S = 30  # three signs missed


@dataclass(frozen=True)
class Worker:
    """A worker as it last said of itself."""

    name: str
    state: str
    seen_at: datetime | None
    job: str
    done: int
    failed: int

    @property
    def silent(self):
        return self.seen_at is None or (datetime.now(UTC) - self.seen_at).total_seconds() > SILENT_S


def workers():
    """All that RQ knows, by name. Read as plain texts: RQ's own way would import and run what it finds."""
    with queue.connect(decode_responses=True) as client:
        keys = sorted(client.smembers(WORKERS))
        return [_worker(key, client.hgetall(key), client) for key in keys]


def lines():
    """[(name, how many wait)] of each queue."""
    with queue.connect(decode_responses=True) as client:
        names = sorted({*client.smembers("rq:queues"), f"rq:queue:{queue.NAME}"})
        return [(name.removeprefix("rq:queue:"), client.llen(name)) for name in names]


def _worker(key, said, client):
    running = sorted(client.smembers(f"{key}:executions") or [])
    return Worker(
        name=key.removeprefix(WORKER),
        state=said.get("state", "gone"),
        seen_at=_moment(said.get("last_heartbeat")),
        job=running[0].partition(":")[0] if running else "",
        done=int(said.get("successful_job_count", 0)),
        failed=int(said.get("failed_job_count", 0)),
    )


def _moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
