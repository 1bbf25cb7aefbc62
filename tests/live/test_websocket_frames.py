"""Frames that no browser sends: each ends its own connection, with the code that says why, and nobody else's."""

import struct
import time

import pytest

from live.testing import connection
from tests.live.test_websocket import handshake

TEXT, BINARY, CLOSE, PING, PONG, MORE = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0
FINAL = 0x80
PROTOCOL, NO_UTF8, TOO_BIG = 1002, 1007, 1009


def frame(opcode, data=b"", *, final=True, masked=True, reserved=0, length=None):
    size = len(data) if length is None else length
    head = struct.pack("!B", opcode | (FINAL if final else 0) | reserved << 4)
    mask = 0x80 if masked else 0
    if size < 126:
        head += struct.pack("!B", mask | size)
    elif size < 1 << 16:
        head += struct.pack("!BH", mask | 126, size)
    else:
        head += struct.pack("!BQ", mask | 127, size)
    return head + (b"\0\0\0\0" if masked else b"") + data


BAD = {
    "not masked": (frame(TEXT, b"{}", masked=False), {PROTOCOL}),
    "a reserved bit": (frame(TEXT, b"{}", reserved=4), {PROTOCOL}),
    "all reserved bits": (frame(TEXT, b"{}", reserved=7), {PROTOCOL}),
    "an unknown kind of data": (frame(0x3, b"{}"), {PROTOCOL}),
    "an unknown control frame": (frame(0xB), {PROTOCOL}),
    "the rest of nothing": (frame(MORE, b"x"), {PROTOCOL}),
    "a beginning within a message": (frame(TEXT, b"a", final=False) + frame(TEXT, b"b"), {PROTOCOL}),
    "a ping in pieces": (frame(PING, b"x", final=False), {PROTOCOL}),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), {PROTOCOL}),
    "a close of one byte": (frame(CLOSE, b"x"), {PROTOCOL}),
    "a close with a code of nobody": (frame(CLOSE, struct.pack("!H", 999)), {PROTOCOL}),
    "a close with a reserved code": (frame(CLOSE, struct.pack("!H", 1005)), {PROTOCOL}),
    "a close whose reason is no text": (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), {PROTOCOL, NO_UTF8}),
    "no text": (frame(TEXT, b"\xff\xfe"), {NO_UTF8}),
    "half a letter at the end": (frame(TEXT, b"\xc3"), {NO_UTF8}),
    "half a surrogate": (frame(TEXT, b"\xed\xa0\x80"), {NO_UTF8}),
    "more than can be": (frame(TEXT, b"x" * 70_000, length=1 << 62), {TOO_BIG}),
    "a length with the highest bit": (frame(TEXT, length=1 << 63), {TOO_BIG, PROTOCOL}),
    "too much in pieces": (
        frame(TEXT, b"x" * 40_000, final=False) + frame(MORE, b"x" * 40_000),
        {TOO_BIG},
    ),
}


@pytest.fixture
def dial(site, topic):
    """dial(): a handshake that went well."""
    plugs = []

    def open_it():
        html, cookie = site.page(topic)
        plug, head = handshake(site, connection(html).address("socket"), cookie)
        assert head.startswith("HTTP/1.1 101")
        plugs.append(plug)
        return plug

    yield open_it
    for plug in plugs:
        plug.close()


def ending(plug, limit_s=10):
    """The close code; 0 when it ends without one. Whatever came before is read over."""
    plug.settimeout(limit_s)
    with plug.makefile("rb") as stream:
        try:
            while head := stream.read(2):
                first, size = head
                if size >= 126:
                    (size,) = struct.unpack(
                        *(("!H", stream.read(2)) if size == 126 else ("!Q", stream.read(8)))
                    )
                payload = stream.read(size)
                if first & 0xF == CLOSE:
                    return struct.unpack("!H", payload[:2])[0] if payload else 0
        except ConnectionResetError:
            pass
    return 0


@pytest.mark.parametrize("name", BAD)
def test_a_bad_frame_ends_its_connection_with_the_right_code(site, dial, name):
    sent, codes = BAD[name]
    plug = dial()
    plug.sendall(sent)
    assert ending(plug) in codes
    assert site.ask("GET", "/plain")[0] == 404


def test_a_good_close_is_answered_alike_and_pings_are_answered(dial):
    plug = dial()
    plug.sendall(frame(PING, b"are you there"))
    stream = plug.makefile("rb")
    while (head := stream.read(2))[0] != FINAL | PONG:
        size = head[1] if head[1] < 126 else struct.unpack("!H", stream.read(2))[0]
        stream.read(size)
    assert stream.read(head[1]) == b"are you there"
    stream.close()
    plug.sendall(frame(CLOSE, struct.pack("!H", 1000) + b"bye"))
    assert ending(plug) == 1000


FLOODS = {
    "pings": frame(PING, b"x" * 125) * 400,
    "empty pieces": frame(MORE, final=False) * 8000,
    "tiny pieces": frame(MORE, b"x", final=False) * 8000,
    "empty messages": frame(TEXT) * 8000,
}


@pytest.mark.long
@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_small_frames_is_cut_off_and_costs_no_memory(site, dial, name):
    """The client never reads."""
    plug, before = dial(), site.worker.memory_info().rss
    sent, give_up = 0, time.monotonic() + 20
    plug.settimeout(20)
    if "pieces" in name:
        plug.sendall(frame(TEXT, b"[", final=False))
    with pytest.raises(ConnectionError):  # noqa: PT012 - a reset or a broken pipe, whichever comes first
        while time.monotonic() < give_up:
            plug.sendall(FLOODS[name])
            sent += len(FLOODS[name])
    assert site.worker.memory_info().rss - before < 40_000_000
    assert sent < 64_000_000
    assert site.ask("GET", "/plain")[0] == 404
