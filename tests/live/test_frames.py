"""What leaves is whole, whatever the reader does: one that stops, over WebSockets and streams, served both ways.

Frames of 20 KB and one of 8 MB, for a second each time; for six in the long tests.
"""

import json
import re
import socket
import struct
import time

import pytest

from live.connections import LINGER_S
from live.event import Event
from live.log import new_uuid
from live.testing import SocketClient, connection
from tests.live.test_sockets import Wire
from tests.live.test_websocket import handshake

FRAMES, FRAME_CHARS = 400, 20_000
SLOW_READS = 8  # of one answer, each of them with a pause
pytestmark = pytest.mark.parametrize("stops_s", [1, pytest.param(6, marks=pytest.mark.long)])
served_both_ways = pytest.mark.parametrize("site", ["gevent", "gthread"], indirect=True, scope="session")


@pytest.fixture
def other(site, topic):
    """Another page of the same topic, which reads all the while."""
    html, headers = site.page(topic)
    with SocketClient(site.url, headers).connect(connection(html)) as client:
        yield client


def stop(other, seconds):
    """What others are told meanwhile says that time goes by, and that they do not wait."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert other.next(5).name in ("live:open", "live:beat")


def read_frames(plug, count):
    """The texts of so many frames of a server; a torn one would not be a frame or not JSON."""
    stream = plug.makefile("rb") if isinstance(plug, socket.socket) else plug
    texts = []
    while len(texts) < count:
        first, size = stream.read(2)
        if size == 126:
            (size,) = struct.unpack("!H", stream.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", stream.read(8))
        payload = stream.read(size)
        assert first in (0x81, 0x89), (first, payload[:200], len(texts))
        if first == 0x81:
            texts.append(json.loads(payload))
    return texts


def numbers(texts):
    """Of the frames that were sent; each must have come whole."""
    sent = [text["data"].partition(":") for text in texts if "event" not in text]
    assert {len(rest) for _, _, rest in sent} == {FRAME_CHARS}
    return [int(number) for number, _, _ in sent]


def publish(writer, topic, other):
    """Ten at a time, as soon as the other has those before: who reads is not made to wait by who does not."""
    for start in range(0, FRAMES, 10):
        texts = [f"{n}:" + "x" * FRAME_CHARS for n in range(start, start + 10)]
        writer.log.publish([(new_uuid(), Event(topic, text)) for text in texts])
        assert numbers([{"data": event.data} for event in other.events(10)]) == list(range(start, start + 10))


@served_both_ways
def test_400_frames_of_20_kb_are_whole_and_in_order_at_a_reader_that_stops(site, writer, topic, stops_s):
    html, cookie = site.page(topic)
    writer.log.publish([(new_uuid(), Event(topic, f"{n}:" + "x" * FRAME_CHARS)) for n in range(FRAMES)])
    head = str(writer.log.head())
    while connection(later := site.page(topic)[0]).position != head:
        pass  # the server has not read them all; what it reads after the handshake is bounded
    plug, answer = handshake(site, connection(html).address("socket"), cookie)
    with plug:
        assert answer.startswith("HTTP/1.1 101")
        with SocketClient(site.url, cookie).connect(connection(later)) as other:
            stop(other, stops_s)
        got = numbers(read_frames(plug, FRAMES + 5))
    assert got == list(range(len(got)))
    assert len(got) >= FRAMES - 5


@served_both_ways
def test_the_answer_of_a_long_poll_is_whole_at_a_slow_reader(site, writer, other, topic, stops_s):
    html, headers = site.page(topic)
    writer.log.publish([(new_uuid(), Event(topic, "z" * 60_000)) for _ in range(2)])
    other.events(2)
    wire = Wire(site, connection(html).address("poll"), headers, receive_bytes=4096)
    length, body = int(re.search(rb"(?i)content-length: (\d+)", wire.head)[1]), b""
    assert length > 100_000
    with wire.plug, wire.plug.makefile("rb") as answer:
        for _ in range(SLOW_READS):
            body += answer.read(length // SLOW_READS)
            stop(other, 2 * stops_s / SLOW_READS)
        body += answer.read()
    assert len(body) == length


@served_both_ways
def test_one_frame_of_8_mb_is_whole_at_a_reader_that_stops_and_nobody_waits(site, writer, topic, stops_s):
    html, cookie = site.page(topic)
    writer.log.publish([(new_uuid(), Event(topic, "y" * 8_000_000))])
    head = str(writer.log.head())
    while connection(later := site.page(topic)[0]).position != head:
        pass
    plug, _ = handshake(site, connection(html).address("socket"), cookie)
    with plug, SocketClient(site.url, cookie).connect(connection(later)) as other:
        stop(other, stops_s)
        writer.signal(topic, "n", 1)
        assert other.event().name == "live:n"
        assert eight_megabytes(plug)


def test_so_is_one_that_the_hub_writes_as_it_happens(site, writer, other, topic, stops_s):
    html, cookie = site.page(topic)
    plug, _ = handshake(site, connection(html).address("socket"), cookie)
    with plug:
        writer.log.publish([(new_uuid(), Event(topic, "y" * 8_000_000))])
        writer.signal(topic, "n", 1)
        assert [event.name for event in other.events(2)] == ["", "live:n"]
        stop(other, stops_s)
        assert eight_megabytes(plug)


def eight_megabytes(plug):
    with plug.makefile("rb") as stream:
        while (got := read_frames(stream, 1)[0]).get("event") in ("live:open", "live:beat"):
            pass
    return got["data"] == "y" * 8_000_000


@served_both_ways
def test_frames_to_a_reader_that_is_sent_away_end_with_a_whole_goodbye(site, writer, other, topic, stops_s):
    html, cookie = site.page(topic)
    plug, _ = handshake(site, connection(html).address("socket"), cookie)
    with plug, plug.makefile("rb") as stream:
        publish(writer, topic, other)
        stop(other, min(stops_s, LINGER_S / 2))  # who has not read its goodbye after LINGER_S is cut
        texts = []
        while not texts or texts[-1].get("event") != "live:bye":
            texts += read_frames(stream, 1)
        assert json.loads(texts[-1]["data"])["reason"] == "slow"
        assert stream.read(1)[0] == 0x88  # the close frame, and nothing torn before it
    got = numbers(texts)
    assert got == list(range(len(got)))


@served_both_ways
def test_blocks_of_a_stream_are_whole_and_in_order_at_a_reader_that_stops(
    site, writer, other, topic, stops_s
):
    html, cookie = site.page(topic)
    wire = Wire(site, connection(html).address("stream"), cookie, receive_bytes=4096)
    with wire.plug:
        publish(writer, topic, other)
        stop(other, stops_s)
        events = list(wire.events())
    got = numbers([{"data": event.data} for event in events if not event.name])
    assert got == list(range(len(got)))
