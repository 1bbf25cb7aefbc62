"""What only the WebSocket has: the handshake's questions, commands, frames that leave whole, floods that end."""

import base64
import errno
import json
import os
import socket
import struct
import time
from unittest.mock import Mock

import pytest
from flask import Flask

from live.testing import Ended, Refused, SocketClient, connection
from live.transports import websocket
from live.transports.commands import COMMANDS_AT_ONCE, Allowance
from live.transports.websocket import MAX_MESSAGE_BYTES

NONE_LEFT = OSError(errno.EMFILE, "Too many open files")
FRAMES, FRAME_CHARS = 400, 20_000


@pytest.fixture
def dial(site, topic):
    """dial(): a page of ada's with its WebSocket open, closed after the test."""
    clients = []

    def open_it(**headers):
        html, cookie = site.page(topic)
        clients.append(SocketClient(site.url, cookie | headers))
        return clients[-1].connect(connection(html))

    yield open_it
    for client in clients:
        client.close()


def handshake(site, path, cookie, **changes):
    """A handshake written by hand; a header that is None is left out. The socket and the head of the answer."""
    headers = (
        {
            "Host": f"127.0.0.1:{site.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Origin": site.url,
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
        }
        | cookie
        | {name.replace("_", "-"): value for name, value in changes.items()}
    )
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    plug = socket.create_connection(("127.0.0.1", site.port), timeout=10)
    plug.sendall("\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := plug.recv(1)):
        head += byte
    return plug, head.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"Origin": None},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "evil.example"},
        {"Sec_WebSocket_Key": None},
        {"Sec_WebSocket_Key": ""},
        {"Sec_WebSocket_Version": None},
        {"Sec_WebSocket_Version": "8"},
        {"Sec_WebSocket_Version": "x"},
        {"Sec_WebSocket_Key": "short"},
        {"Upgrade": "h2c"},
        {"Upgrade": None},
        {"Connection": None},
        {"Connection": "close"},
    ],
)
def test_a_bad_handshake_is_the_clients_fault(site, topic, changes):
    html, cookie = site.page(topic)
    plug, head = handshake(site, connection(html).address("socket"), cookie, **changes)
    plug.close()
    assert head.startswith("HTTP/1.1 4"), head


def test_a_good_handshake_is_accepted_and_compression_is_not(site, topic):
    html, cookie = site.page(topic)
    offer = "permessage-deflate; client_max_window_bits"
    plug, head = handshake(site, connection(html).address("socket"), cookie, Sec_WebSocket_Extensions=offer)
    plug.close()
    assert head.startswith("HTTP/1.1 101")
    assert "deflate" not in head


def test_a_command_is_done_and_acknowledged(dial, topic):
    client = dial()
    client.command("say", {"topic": topic, "text": "hello"}, "t1")
    got = {event.name: json.loads(event.data) for event in client.events(2)}
    assert got == {"live:ack": {"id": "t1"}, "live:said": "hello"}


def test_a_refused_command_says_why(dial):
    client = dial()
    client.command("dance", {}, "t1")
    assert json.loads(client.event().data) == {"id": "t1", "error": "Nobody here can dance."}


def test_a_command_that_breaks_does_not_end_the_connection(dial, topic):
    client = dial()
    client.command("break", {}, "t1")
    answer = json.loads(client.event().data)
    assert (answer["id"], answer["again"]) == ("t1", True)
    client.command("dance", {}, "t2")
    assert json.loads(client.event().data)["id"] == "t2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "{",
        "[]",
        "1",
        "null",
        '"x"',
        "{}",
        '{"id": 1, "do": "say", "fields": {}}',
        '{"id": "x", "do": [], "fields": {}}',
        '{"id": "x", "do": "say", "fields": []}',
        '{"do": "say", "fields": {}}',
        "[" * 50_000,
        "NaN",
        '{"id": "\\ud800"}',
    ],
)
def test_what_is_no_command_is_answered_and_ends_nothing(dial, text):
    client = dial()
    client.send(text)
    assert "error" in json.loads(client.event().data)
    client.command("dance", {}, "after")
    assert json.loads(client.event().data)["id"] == "after"


def test_a_command_of_an_ended_session_is_not_done(site, topic):
    html, cookie = site.page(topic, session_id=f"ada-{topic}")
    with SocketClient(site.url, cookie).connect(connection(html)) as client:
        site.change(end=[f"ada-{topic}"])
        client.command("say", {"topic": topic, "text": "too late"}, "t1")
        assert json.loads(client.event().data)["reason"] == "signed-out"
        with pytest.raises(Ended) as ended:
            client.event()
    assert ended.value.code == 4401


def test_commands_come_at_a_bounded_rate(dial):
    client = dial()
    for number in range(COMMANDS_AT_ONCE + 10):
        client.command("dance", {}, str(number))
    errors = [json.loads(event.data)["error"] for event in client.events(COMMANDS_AT_ONCE + 10)]
    assert sum("too fast" in error for error in errors) in (9, 10)


def test_an_allowance_fills_up_again_with_time():
    now = [0.0]
    allowance = Allowance(60, 3, clock=lambda: now[0])
    assert [allowance.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.99
    assert not allowance.take()
    now[0] = 2.0
    assert [allowance.take() for _ in range(3)] == [True, True, False]
    now[0] = 1000
    assert [allowance.take() for _ in range(4)] == [True, True, True, False]


def test_who_goes_on_over_the_allowance_is_noticed_however_slowly():
    now = [0.0]
    allowance = Allowance(60, 3, clock=lambda: now[0])
    for now[0] in (n / 4 for n in range(400)):  # four a second, of which one is allowed
        allowance.take()
    assert allowance.refused > 150
    for now[0] in range(100, 400):  # one a second is what it may
        assert allowance.take()
    assert allowance.refused == 0


def test_a_message_may_be_64_kib_and_not_one_more(dial):
    client = dial()
    client.send("x" * MAX_MESSAGE_BYTES)
    assert "error" in json.loads(client.event().data)
    client.send("x" * (MAX_MESSAGE_BYTES + 1))
    with pytest.raises(Ended) as ended:
        client.event()
    assert ended.value.code == 1009


def frame(data):
    """One masked text frame of a client (RFC 6455, section 5.2)."""
    size = struct.pack("!BBH", 0x81, 0x80 | 126, len(data))
    return size + b"\0\0\0\0" + data


def test_a_flood_is_cut_off_and_the_server_serves_on(site, topic):
    html, cookie = site.page(topic)
    plug, _ = handshake(site, connection(html).address("socket"), cookie)
    before = site.worker.memory_info().rss
    flood = frame(b"x" * 60_000) * 10
    sent, deadline = 0, time.monotonic() + 40
    with pytest.raises(OSError), plug:  # noqa: PT012 - a reset or a broken pipe, whichever comes first
        plug.settimeout(1)
        while time.monotonic() < deadline:
            plug.sendall(flood)
            sent += len(flood)
    assert site.worker.memory_info().rss - before < 40_000_000
    assert sent < 64_000_000
    assert site.ask("GET", "/plain")[0] == 404


def test_a_refusal_in_the_handshake_leaves_no_reader(site, topic):
    html, cookie = site.page(topic)
    before = readers(site)
    for _ in range(3):
        with pytest.raises(Refused):
            SocketClient(site.url, cookie | {"Origin": "null"}).connect(connection(html))
    assert readers(site) == before


def readers(site):
    return json.loads(site.ask("GET", "/readers")[2])["readers"]


def test_where_no_descriptor_is_left_the_page_is_told_to_come_back_later(monkeypatch):
    for name in ("plain_socket", "take_over", "bound_pieces", "open_subscription"):
        monkeypatch.setattr(websocket, name, Mock())
    monkeypatch.setattr(websocket, "hand_over", Mock(side_effect=NONE_LEFT))
    with Flask("site").test_request_context("/socket"):
        websocket.serve(ws := Mock(), Mock())
    assert ws.close.call_args.args[0] == 1013
