"""How long from a commit to its event in the log: `python -m tests.faults.commit_to_xadd`. Printed, not judged.

One writer, SQLite in a temporary folder, a Redis of its own. First the process that commits holds the relay's lease,
then another process holds it and has to be woken through Redis.
"""

import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from embedded_redis import EmbeddedRedis, die_with_parent
from tests.faults.dying import BATCH, Shop

COMMITS = 500
EVERY_S = 0.02


def measure(shop):
    """Milliseconds from the return of each commit to the moment a reader of the log has its last event."""
    committed, seen, done = {}, {}, threading.Event()

    def read():
        n = shop.log.head().n
        while not done.is_set():
            for entry in shop.log.read(n, 500):
                n, seen[int(entry.event.data)] = entry.n, time.monotonic()
                if len(seen) == COMMITS * BATCH:
                    done.set()

    reader = threading.Thread(target=read)
    reader.start()
    first = (
        shop.session.scalar(shop.notes.select().with_only_columns(shop.notes.c.id).order_by(-shop.notes.c.id))
        or 0
    )
    shop.session.commit()
    for number in range(COMMITS):
        start = first + 1 + number * BATCH
        shop.write(start, with_job=False)
        committed[start + BATCH - 1] = time.monotonic()
        done.wait(EVERY_S)
    done.wait(30)
    reader.join()
    return sorted(1000 * (seen[last] - at) for last, at in committed.items())


def report(name, times):
    p99 = times[int(len(times) * 0.99)]
    print(f"{name}: p50 {statistics.median(times):.1f} ms, p99 {p99:.1f} ms, {len(times)} commits")  # noqa: T201


def other_process(url, redis_url):
    pid = os.fork()
    if pid == 0:
        die_with_parent()
        shop = Shop(url, redis_url, "bench")
        shop.relay.start()
        with shop.log.client.pubsub() as channel:  # what a hub does for its relay
            channel.subscribe(shop.log.channel)
            for _message in channel.listen():
                shop.relay.wake()
    return pid


def main():
    with tempfile.TemporaryDirectory() as folder, EmbeddedRedis(Path(folder) / "redis") as redis:
        url = f"sqlite:///{folder}/shop.db"
        shop = Shop(url, redis.url, "bench")
        shop.metadata.create_all(shop.engine)
        shop.engine.dispose()
        pid = other_process(url, redis.url)  # forked before this process has threads
        shop.write(-BATCH, with_job=False)  # a first one, so that the lease is taken
        shop.log.read(0, 5000)
        shop.outbox._wake = shop.log.wake_relay
        report("relay in another process", measure(shop))
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        shop.relay.start()
        shop.outbox._wake = shop.relay.wake
        report("relay in the same process", measure(shop))
        shop.relay.stop()


if __name__ == "__main__":
    main()
