"""One server with its readers, and what a row of the result says of them."""

import json
import statistics
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.client import Client
from bench.servers import Publisher, fetch, request_of, running

EVENT_BYTES = 125
# So many one by one, the same for all. After a pause Linux acknowledges 16 segments at once (TCP_MAX_QUICKACKS in
# net/ipv4/tcp_input.c), on loopback in the time of whoever sends; later ones when they are read, in the time of the
# load client. In a given time, whoever is fastest would have the smallest share of the first ones.
SINGLES, SINGLES_MANY, SINGLES_POLLED = 30, 10, 3
LONGEST_S = 15  # but not longer than that
BURST, BURST_MANY, MANY = 100, 20, 2000  # fewer events to more than MANY readers, who all get each


class Cell:
    """A running server, its readers, and one connection to publish on."""

    def __init__(self, kind, port, processes, client, publisher):
        self.kind, self.port, self.processes = kind, port, processes
        self.client, self.publisher, self.readers = client, publisher, client.opened["open"]
        self.rounds, self.process_mb = [], 0.0

    def measure(self):
        """One more round."""
        self.rounds.append(one_by_one(self) | burst(self))

    def row(self):
        """The medians of the rounds, and what was measured once."""
        names = self.rounds[0]
        middle = {name: _median([each[name] for each in self.rounds]) for name in names}
        return {
            "server": self.kind.server,
            "version": self.kind.version,
            "transport": self.kind.transport,
            "processes": self.kind.processes,
            "readers": self.readers,
            **self.opening,
            **middle,
        }


@contextmanager
def opened(kind, readers, redis_url, folder):
    """A server of the kind with so many readers, all connected and quiet."""
    with ExitStack() as stack:
        port, processes = stack.enter_context(running(kind, redis_url, folder))
        publisher = stack.enter_context(Publisher(port, "/publish"))
        request = request_of(kind, port)
        _warm(kind, port, publisher, request)
        empty = memory_of(processes)
        client = stack.enter_context(Client(port, readers, kind.how, [request], kind.hello))
        cell = Cell(kind, port, processes, client, publisher)
        if not cell.readers:
            raise RuntimeError("no reader could connect")
        time.sleep(0.5)
        idle = memory_of(processes)
        cell.process_mb = max(each.memory_info().rss for each in _family(processes)) / 1e6
        # Of a poll that waits, and of who sends no head before its first event, only the question is seen.
        seen = kind.how not in ("poll", "silent")
        cell.opening = {
            "opened_per_s": round(cell.readers / max(client.opened["seconds"], 1e-6)) if seen else None,
            "kb_per_idle_reader": round((idle - empty) / 1024 / cell.readers, 2),
        }
        yield cell


def _warm(kind, port, publisher, request):
    """What the first request, reader and event load is no reader's: they come and go before anything is measured."""
    with Client(port, 1, kind.how, [request], kind.hello):
        publisher.publish(event())


def event():
    return f"T={time.monotonic_ns()};".ljust(EVENT_BYTES, "x")


def one_by_one(cell):
    """Events that each wait until all have the one before: what a delivery costs, and how long it takes."""
    before = cell.client.reset()
    began, cpu = time.monotonic(), cpu_of(cell.processes)
    for number in range(1, _singles(cell) + 1):
        cell.publisher.publish(event())
        got = cell.client.wait_for(number * cell.readers, 5)
        if time.monotonic() - began > LONGEST_S or got["deliveries"] < number * cell.readers:
            break
    took, spent = time.monotonic() - began, cpu_of(cell.processes) - cpu
    if not got["deliveries"]:
        raise RuntimeError("no event arrived")
    return {
        "cpu_us_per_delivery": spent * 1e6 / got["deliveries"],
        "p50_ms": got["p50_ms"],
        "p99_ms": got["p99_ms"],
        "max_ms": got["max_ms"],
        "client_cpu_share": (got["cpu_s"] - before["cpu_s"]) / took,
    }


def _singles(cell):
    if cell.kind.transport == "poll":
        return SINGLES_POLLED
    return SINGLES if cell.readers <= MANY else SINGLES_MANY


def burst(cell):
    """Events as fast as they can be published; the rate counts what arrived, so who drops some is not slower for it."""
    count = BURST if cell.readers <= MANY else BURST_MANY
    cell.client.reset()
    before = _sends(cell)
    for _ in range(count):
        cell.publisher.publish(event())
    got = cell.client.wait_for(count * cell.readers, LONGEST_S)
    sends = _sends(cell)
    counted = None if sends is None else (sends - before) / max(got["deliveries"], 1)
    return {
        "sends_per_delivery": counted,
        "deliveries_per_s": got["deliveries"] / max(got["seconds"], 1e-6),
        "arrived": got["deliveries"] / (count * cell.readers),
    }


def _sends(cell):
    """How often Levain has called `send` so far; the others do not say."""
    if cell.kind.server != "levain" or cell.kind.processes > 1:
        return None
    return json.loads(fetch(cell.port, "GET", "/counters"))["sends"]


def cpu_of(processes):
    """CPU seconds of processes and all they started; to the nanosecond, the usual clock ticks in 10 ms."""
    tasks = (
        path for each in _family(processes) for path in Path(f"/proc/{each.pid}/task").glob("*/schedstat")
    )
    return sum(int(path.read_text().split()[0]) for path in tasks) / 1e9


def memory_of(processes):
    """Resident bytes of processes and all they started."""
    return sum(each.memory_info().rss for each in _family(processes))


def _family(processes):
    return [each for process in processes for each in (process, *process.children(recursive=True))]


def _median(values):
    return None if None in values else round(statistics.median(values), 3)
