"""How long from a commit to its event in the log: `python -m tests.faults.commit_to_xadd`. Printed, not judged.

The notes site in real gunicorns, on SQLite and on PostgreSQL, both with the durability of production. First the process
that commits also holds the relay's lease, then another one holds it and has to be woken through Redis.
"""

import statistics
import tempfile
import threading
import time
from pathlib import Path

from embedded_redis import EmbeddedRedis
from tests.faults.conftest import notes_config
from tests.faults.notes_server import NotesServer
from tests.support.shared import postgres_programs, start_postgres, stop_postgres

COMMITS = 500
EVERY_S = 0.02
DURABLE = "-c listen_addresses=''"


def report(name, site):
    """Milliseconds from the return of each commit to the moment a reader of the log has its event."""
    committed, seen, done = {}, {}, threading.Event()
    log = site.app.live.log

    def read():
        n = log.head().n
        started.set()
        while not done.is_set():
            for entry in log.read(n, 500):
                n, seen[entry.n] = entry.n, time.monotonic()

    site.post()  # a first one, so that the lease is taken and every connection made
    time.sleep(1)
    started = threading.Event()
    reader = threading.Thread(target=read)
    reader.start()
    started.wait()
    begin = log.head().n
    for number in range(1, COMMITS + 1):
        committed[begin + number] = site.post_at()
        done.wait(EVERY_S)
    give_up = time.monotonic() + 30
    while len(seen) < COMMITS and time.monotonic() < give_up:
        done.wait(EVERY_S)
    done.set()
    reader.join()
    times = sorted(1000 * (seen[n] - at) for n, at in committed.items())
    p99 = times[int(len(times) * 0.99)]
    print(f"{name}: p50 {statistics.median(times):.1f} ms, p99 {p99:.1f} ms, {len(times)} commits")  # noqa: T201


def measure(name, folder, **database):
    with EmbeddedRedis(folder / "redis") as redis:
        config = notes_config(folder, redis.url, LIVE_SPACE=name, LIVE_BEAT_S=5, LIVE_RECHECK_S=20) | database
        first = NotesServer(config, folder / "first.log")
        report(f"{name}, relay in the process that commits", first)
        second = NotesServer(config, folder / "second.log")
        report(f"{name}, relay in another process", second)
        second.end()
        first.end()


def main():
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        folder.chmod(0o711)
        for name in ("sqlite", "postgresql"):
            (folder / name).mkdir()
        measure("sqlite", folder / "sqlite")
        if postgres_programs():
            url = start_postgres(folder, DURABLE)
            try:
                measure("postgresql", folder / "postgresql", DATABASE_URL=url)
            finally:
                stop_postgres(folder)


if __name__ == "__main__":
    main()
