"""What the hub does with sockets it owns: on the wire, byte by byte, against the real server."""

import json
import os
import re
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from live.event import Event
from live.log import new_uuid
from live.sockets import NOBODY, _write_all
from live.subscription import MAX_BUFFER_BYTES
from live.testing import Parser, SocketClient, StreamClient, connection
from live.transports.handover import UNSENT_BYTES
from tests.faults.limits import in_time
from tests.live.conftest import Site

GONE_S = 1  # how soon a closed peer is noticed


def counters(site):
    return json.loads(site.ask("GET", "/readers")[2])


def until(condition, limit_s=10):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"


class Wire:
    """A stream read by hand: it may stop reading, and sees each byte."""

    def __init__(self, site, address, headers, method="GET", receive_bytes=None):
        self.plug = socket.socket()
        if receive_bytes:
            self.plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.plug.settimeout(10)
        self.plug.connect(("127.0.0.1", site.port))
        lines = [f"{method} {address} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in headers.items())]
        self.plug.sendall("\r\n".join([*lines, "", ""]).encode())
        self._parser, self.waiting = Parser(), []
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self.plug.recv(1)

    def events(self):
        """Those that arrive until the end of the connection."""
        while True:
            while self.waiting:
                yield self.waiting.pop(0)
            try:
                data = self.plug.recv(65536)
            except ConnectionResetError:
                return
            if not data:
                return
            self.waiting += self._parser.feed(data)

    def until(self, *names):
        """The events up to the first of these names."""
        got = []
        for event in self.events():
            got.append(event)
            if event.name in names:
                break
        return got


@pytest.fixture(scope="session")
def both(sites):
    return sites("gevent"), sites("gthread")


@pytest.fixture(scope="module")
def patient(live_redis, tmp_path_factory):
    """A site whose polls wait as long as they ask."""
    site = Site(live_redis, tmp_path_factory.mktemp("patient") / "gunicorn.log", LIVE_POLL_WAIT_S=25)
    yield site
    site.stop()


@pytest.fixture
def dial(site, topic):
    """dial(): a stream of ada's on the wire; its own topic unless others are named."""
    wires = []

    def open_it(*topics, kind="stream", page=None, **options):
        html, headers = page or site.page(*(topics or [topic]))
        wires.append(Wire(site, connection(html).address(kind), headers, **options))
        return wires[-1]

    yield open_it
    for wire in wires:
        wire.plug.close()


def test_the_head_ends_with_the_connection_and_is_not_chunked(dial):
    head = dial().head.decode().lower()
    assert head.startswith("http/1.1 200 ok\r\n")
    assert "connection: close" in head
    assert "transfer-encoding" not in head
    assert "content-length" not in head


def test_where_a_generator_writes_it_writes_the_same_bytes(both, writer, topic):
    html, headers = both[0].page(topic)
    publish(writer, [Event(topic, f"<b>ä\n{n}</b>", "", "#a", "k" * (n % 2)) for n in range(20)])
    writer.refresh(topic, "#a")
    writer.signal(topic, "end", {"x": [1, "é"]})
    first, second = (blocks(Wire(site, connection(html).address("stream"), headers)) for site in both)
    assert len(first) > 10
    assert first == second


def blocks(wire):
    """What is written up to the signal `end`, block by block, without what tells the time."""
    data = b""
    with wire.plug:
        while b"event: live:end" not in data or not data.endswith(b"\n\n"):
            data += wire.plug.recv(65536)
            if b"chunked" in wire.head and data.endswith(b"\r\n"):
                data = re.sub(rb"(?m)^[0-9a-f]+\r\n|\r\n", b"", data)
    return [each for each in data.split(b"\n\n") if b"live:beat" not in each and b"live:open" not in each]


def test_the_head_carries_what_the_hooks_added(site, dial):
    assert b"X-Hook: yes\r\n" in dial().head
    assert b"X-Hook: yes\r\n" in dial(kind="poll").head


def test_a_head_request_is_answered_and_leaves_no_reader(site, dial):
    before = counters(site)["readers"]
    for kind in ("stream", "poll"):
        wire = dial(kind=kind, method="HEAD")
        assert wire.head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert counters(site)["readers"] == before


@pytest.mark.parametrize("kind", ["stream", "poll", "socket"])
def test_a_closed_peer_is_noticed_within_a_second(patient, topic, kind):
    site = patient
    before = counters(site)["readers"]
    plugs = [opened(site, topic, kind) for _ in range(3)]
    until(lambda: counters(site)["readers"] == before + 3)
    for plug in plugs:
        plug.close()
    until(lambda: counters(site)["readers"] == before, in_time(GONE_S))


def opened(site, topic, kind):
    """A connection that waits."""
    if kind == "poll":
        return asked(site, topic, 20)
    html, headers = site.page(topic)
    if kind == "stream":
        return Wire(site, connection(html).address(kind), headers).plug
    return SocketClient(site.url, headers).connect(connection(html))


def asked(site, topic, wait_s):
    """A poll that was sent, and not answered yet."""
    html, headers = site.page(topic)
    lines = [f"GET {connection(html).address('poll')}&wait={wait_s} HTTP/1.1", "Host: x"]
    plug = socket.create_connection(("127.0.0.1", site.port), timeout=10)
    plug.sendall("\r\n".join([*lines, f"Cookie: {headers['Cookie']}", "", ""]).encode())
    return plug


def test_a_short_poll_does_not_wait_behind_a_long_one(patient, topic):
    with asked(patient, topic, 20), asked(patient, topic, 0) as short:
        short.settimeout(10)
        assert short.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("kind", ["stream", "poll", "socket"])
def test_an_open_connection_costs_no_greenlet_and_one_descriptor(patient, topic, kind):
    site = patient
    until(lambda: counters(site)["readers"] == 0)
    plugs = [opened(site, topic, kind)]
    until(lambda: counters(site)["readers"] == 1)
    before, files = counters(site), site.worker.num_fds()
    plugs += [opened(site, topic, kind) for _ in range(10)]
    until(lambda: counters(site)["readers"] == before["readers"] + 10)
    until(lambda: counters(site)["greenlets"] <= before["greenlets"] + 2)  # requests that come and go
    assert site.worker.num_fds() <= files + 10 + 2
    for plug in plugs:
        plug.close()


def test_the_access_line_is_written_at_the_end_and_without_the_query(site, dial):
    before = site.log_path.read_text().count("/live/stream")
    wire = dial()
    wire.plug.close()
    until(lambda: site.log_path.read_text().count("/live/stream") > before)
    line = [line for line in site.log_path.read_text().splitlines() if "/live/stream" in line][-1]
    assert re.fullmatch(r'127\.0\.0\.1 "GET /live/stream HTTP/1\.1" 200 \d+ \d+ms', line), line


def test_two_readers_at_once_are_told_apart_when_one_of_them_goes(writer, dial, topic):
    first, second = dial(), dial()
    first.plug.close()
    third = dial()  # it may have the descriptor that the first one had
    writer.signal(topic, "n", 1)
    for wire in (second, third):
        assert wire.until("live:n")[-1].data == "1"


def publish(writer, events):
    for start in range(0, len(events), 100):
        writer.log.publish([(new_uuid(), event) for event in events[start : start + 100]])


def fill(writer, topic, quick):
    """Until the buffers in both kernels are full: what comes now waits in the hub. One by one, or it would be one."""
    for _ in range(12):
        publish(writer, [Event(topic, "x" * 60_000, "live:stuff", "", "stuff")])
        quick.until("live:stuff")


def test_a_slow_reader_gets_the_newest_of_a_key_and_ids_that_rise(site, writer, dial, topic):
    slow, quick = dial(receive_bytes=4096), dial()
    fill(writer, topic, quick)
    publish(writer, [Event(topic, str(n), "live:n", "", "k") for n in range(1000)])
    writer.signal(topic, "end")
    assert quick.until("live:end")[-1].name == "live:end"
    got = slow.until("live:end", "live:bye")
    numbers = [int(event.data) for event in got if event.name == "live:n"]
    ids = [int(event.id.partition("-")[2]) for event in got if event.id]
    assert (numbers[-1], got[-1].name) == (999, "live:end")
    assert len(numbers) == 1
    assert ids == sorted(ids)


def test_the_kernel_keeps_little_of_what_a_reader_has_not_read(site, writer, dial, topic):
    slow, quick = dial(receive_bytes=4096), dial()  # a window so small that a segment hardly counts
    size = 2_400
    for n in range(UNSENT_BYTES // size * 4):
        publish(writer, [Event(topic, str(n).ljust(size), f"live:{n}")])
        quick.until(f"live:{n}")
    _, own_port = slow.plug.getsockname()
    assert UNSENT_BYTES - size < in_the_kernel(site.port, own_port) < UNSENT_BYTES + 2 * size


def in_the_kernel(port, to_port):
    """How many bytes of a connection of ours are not acknowledged, as Linux says it: hexadecimal, in a table."""
    ends = [f":{number:04X}" for number in (port, to_port)]
    for line in Path("/proc/net/tcp").read_text().splitlines():
        _, local, remote, _, queues, *_ = line.split()
        if local.endswith(ends[0]) and remote.endswith(ends[1]):
            return int(queues.partition(":")[0], 16)
    raise AssertionError("there is no such connection")


def test_a_reader_over_the_bound_is_sent_away_and_nobody_else_waits(site, writer, dial, topic):
    slow, quick = dial(receive_bytes=4096), dial()
    fill(writer, topic, quick)
    publish(writer, [Event(topic, "y" * 10_000, "live:n") for _ in range(MAX_BUFFER_BYTES // 10_000 + 5)])
    begun = time.monotonic()
    writer.signal(topic, "end")
    assert quick.until("live:end")[-1].name == "live:end"
    assert time.monotonic() - begun < in_time(2)
    last = list(slow.events())[-1]
    assert (last.name, json.loads(last.data)["reason"]) == ("live:bye", "slow")


def test_what_waits_of_a_topic_that_is_revoked_is_thrown_away(site, writer, dial, topic):
    other = topic + "x"
    slow, quick = dial(page=site.page(topic, other), receive_bytes=4096), dial()
    fill(writer, topic, quick)
    writer.signal(other, "secret")
    writer.signal(topic, "mine")
    writer.revoke(topic=other)
    writer.signal(topic, "end")
    quick.until("live:end")
    names = [event.name for event in slow.until("live:end") if event.name not in ("live:beat", "live:stuff")]
    assert names == ["live:open", "live:mine", "live:revoked", "live:end"]


def test_a_long_replay_is_paced_and_arrives_whole_at_a_slow_reader(site, writer, dial, topic):
    page = site.page(topic)
    publish(writer, [Event(topic, f"{n} " + "z" * 5000, "live:n") for n in range(400)])
    head = str(writer.log.head())
    until(lambda: connection(site.page(topic)[0]).position == head)
    slow = dial(page=page, receive_bytes=4096)
    writer.signal(topic, "end")
    got = [event for event in slow.until("live:end", "live:bye") if event.name != "live:beat"]
    assert [int(event.data.partition(" ")[0]) for event in got if event.name == "live:n"] == list(range(400))
    assert got[-1].name == "live:end"


def test_a_burst_goes_out_together(site, writer, topic):
    html, headers = site.page(topic, user="burst")
    streams = [StreamClient(site.url, headers).connect(connection(html)) for _ in range(15)]
    try:
        for stream in streams:
            stream.next()
        before = counters(site)
        publish(writer, [Event(topic, str(n), "live:n") for n in range(100)])
        for stream in streams:
            assert [event.data for event in stream.events(100)] == [str(n) for n in range(100)]
        after = counters(site)
    finally:
        for stream in streams:
            stream.close()
    delivered = after["deliveries"] - before["deliveries"]
    assert delivered >= 1500
    assert (after["sends"] - before["sends"]) * 2 <= delivered


def test_a_reader_that_is_full_or_gone_keeps_nothing_from_the_others():
    first, full, gone, last = (os.pipe() for _ in range(4))
    with suppress(BlockingIOError):
        os.set_blocking(full[1], False)
        while os.write(full[1], b"x" * 4096):
            pass
    os.close(gone[0])
    assert _write_all([first[1], full[1], gone[1], last[1]], b"data: x") == [7, 0, NOBODY, 7]
    assert [os.read(end[0], 99) for end in (first, last)] == [b"data: x"] * 2
    for fd in (*first, *full, gone[1], *last):
        os.close(fd)
