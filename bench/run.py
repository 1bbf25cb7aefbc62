"""`make bench`: Levain beside its peers in one run, same client, same events; writes var/bench.json and the page.

QUICK=1 takes 100 and 1,000 readers once; else also 5,000 and 10,000, each figure a median of rounds.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench import report
from bench.servers import KINDS, ROOT, VAR, Publisher, fetch, pin, request_of, running
from embedded_redis import EmbeddedRedis

EVENT_BYTES = 125
SINGLES = 10  # one event at a time, each awaited
BURST = 100
LIMIT_S = 110 if os.environ.get("QUICK") else 840
SIZES = (1000, 100) if os.environ.get("QUICK") else (100, 1000, 5000, 10_000)
ROUNDS = 1 if os.environ.get("QUICK") else 3


class Client:
    """The load client: a C program on the other core."""

    def __init__(self, port, kind, readers, request):
        take, self._commands = os.pipe()
        command = [*pin(1), str(VAR / "bench-bin" / "client"), "127.0.0.1", str(port), str(readers), "200"]
        if kind.transport == "socket":
            command += ["ws", kind.hello]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[take],
            env=os.environ | {"COMMANDS": str(take), "SILENT": "1" if kind.silent else ""},
        )
        os.close(take)
        self.process.stdin.write(request)
        self.process.stdin.close()
        self.opened = json.loads(self.process.stdout.readline())

    def ask(self, command):
        os.write(self._commands, f"{command}\n".encode())
        return json.loads(self.process.stdout.readline())

    def await_deliveries(self, count, limit_s):
        """The report, as soon as so many deliveries have arrived, or none comes any more."""
        deadline, before = time.monotonic() + limit_s, -1
        while (got := self.ask("report"))["deliveries"] < count and time.monotonic() < deadline:
            time.sleep(0.05 if got["deliveries"] != before else 0.2)
            before = got["deliveries"]
        return got

    def close(self):
        os.close(self._commands)
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def connected(port, kind, readers):
    client = Client(port, kind, readers, request_of(kind, port))
    try:
        yield client
    finally:
        client.close()


def event():
    return f"T={time.monotonic_ns()};".ljust(EVENT_BYTES, "x")


def use_of(process):
    """CPU seconds and resident bytes of a server's processes; to the nanosecond, the usual clock ticks in 10 ms."""
    all_of_it = [process, *process.children(recursive=True)]
    spent = sum(
        int(path.read_text().split()[0])
        for each in all_of_it
        for path in Path(f"/proc/{each.pid}/task").glob("*/schedstat")
    )
    return spent / 1e9, sum(each.memory_info().rss for each in all_of_it)


def measure(kind, readers, redis_url, folder):
    """One row: a server with so many readers."""
    with running(kind, redis_url, folder) as (port, process):
        _warm(port)
        _, empty = use_of(process)
        with connected(port, kind, readers) as client, Publisher(port, "/publish") as publisher:
            time.sleep(0.5)
            _, full = use_of(process)
            row = {
                "server": kind.server,
                "version": kind.version,
                "transport": kind.transport,
                "processes": 1,
                "readers": client.opened["open"],
                "opened_per_s": round(client.opened["open"] / max(client.opened["seconds"], 1e-6)),
                "kb_per_idle_reader": round((full - empty) / 1024 / max(client.opened["open"], 1), 2),
            }
            singles = median_of(
                [one_by_one(client, process, publisher, row["readers"]) for _ in range(ROUNDS)]
            )
            bursts = median_of(
                [burst(kind, client, (port, publisher), row["readers"]) for _ in range(ROUNDS)]
            )
            return row | singles | bursts


def _warm(port):
    with Publisher(port, "/publish") as publisher:
        publisher.publish(event())


def one_by_one(client, process, publisher, readers):
    """Ten events, each awaited by all: what a delivery costs, and how long it takes."""
    client.ask("reset")
    began, cpu, load = time.monotonic(), use_of(process)[0], client.ask("report")["cpu_s"]
    for number in range(1, SINGLES + 1):
        publisher.publish(event())
        got = client.await_deliveries(number * readers, 10)
    took, spent = time.monotonic() - began, use_of(process)[0] - cpu
    return {
        "cpu_us_per_delivery": round(spent * 1e6 / max(got["deliveries"], 1), 2),
        "p50_ms": got["p50_ms"],
        "p99_ms": got["p99_ms"],
        "max_ms": got["max_ms"],
        "client_cpu_share": round((got["cpu_s"] - load) / took, 3),
    }


def burst(kind, client, to, readers):
    """A hundred events as fast as they can be published."""
    port, publisher = to
    client.ask("reset")
    before = _sends(kind, port)
    for _ in range(BURST):
        publisher.publish(event())
    got = client.await_deliveries(BURST * readers, 20)
    sends = _sends(kind, port) - before
    return {
        "deliveries_per_s": round(got["deliveries"] / max(got["seconds"], 1e-6)),
        "burst_complete": round(got["deliveries"] / max(BURST * readers, 1), 4),
        "sends_per_delivery": round(sends / max(got["deliveries"], 1), 3)
        if kind.server == "levain"
        else None,
    }


def _sends(kind, port):
    return json.loads(fetch(port, "GET", "/counters"))["sends"] if kind.server == "levain" else 0


def median_of(rounds):
    return {
        name: round(statistics.median(values), 3) if None not in values else None
        for name, values in ((name, [each[name] for each in rounds]) for name in rounds[0])
    }


def main():
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    began, rows, missing = time.monotonic(), [], []
    with tempfile.TemporaryDirectory() as folder, EmbeddedRedis(Path(folder) / "redis", aof=False) as redis:
        for readers in SIZES:
            for kind in KINDS:
                if not kind.version:
                    missing.append(f"{kind.server}: not installed")
                elif readers > kind.most or readers + 500 > hard:
                    missing.append(
                        f"{kind.server} with {readers} readers: more than it, or the file limit, takes"
                    )
                elif time.monotonic() - began > LIMIT_S:
                    missing.append(f"{kind.server} {kind.transport} with {readers} readers: no time left")
                else:
                    rows += tried(kind, readers, redis.url, Path(folder), missing)
    VAR.mkdir(exist_ok=True)
    (VAR / "bench.json").write_text(json.dumps(rows, indent=1))
    report.write(rows, sorted(set(missing)), time.monotonic() - began, ROOT)


def tried(kind, readers, redis_url, folder, missing):
    try:
        row = measure(kind, readers, redis_url, folder)
    except (OSError, RuntimeError, ValueError, TypeError, psutil.Error) as error:
        missing.append(
            f"{kind.server} {kind.transport} with {readers} readers: {type(error).__name__}: {error}"
        )
        return []
    print(json.dumps(row), flush=True)
    return [row]


if __name__ == "__main__":
    sys.exit(main())
