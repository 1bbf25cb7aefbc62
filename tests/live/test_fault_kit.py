"""The fault kit itself: each fault of the proxy does what it says, seen on the wire, and nothing else."""

import contextlib
import socket
import threading
import time

import psutil
import pytest

from live.testing.faults import BAD_GATEWAY, Proxy, asleep, kill

BODY = b"0123456789" * 20
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


class Upstream:
    """Answers each connection with the same bytes and keeps what it was asked; `gate` holds the second half back."""

    def __init__(self):
        self.asked, self.gate = [], threading.Event()
        self.gate.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    @property
    def address(self):
        return self.listener.getsockname()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                with client, contextlib.suppress(OSError):
                    self.asked.append(client.recv(65536))
                    client.sendall(ANSWER[:100])
                    self.gate.wait(10)
                    client.sendall(ANSWER[100:])

    def end(self):
        self.gate.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def upstream():
    server = Upstream()
    yield server
    server.end()


@pytest.fixture
def proxy(upstream):
    with Proxy(upstream.address) as proxy:
        yield proxy


def dial(proxy):
    plug = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
    plug.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nLast-Event-ID: e-1\r\nConnection: keep-alive\r\n\r\n")
    return plug


def answer(proxy, plug=None):
    """All bytes up to the end of the connection, however it ends, and in how many pieces they came."""
    data, pieces = b"", 0
    with plug or dial(proxy) as plug, contextlib.suppress(ConnectionResetError):
        while piece := plug.recv(65536):
            data, pieces = data + piece, pieces + 1
    return data, pieces


def test_without_a_fault_it_passes_on_what_there_is(proxy, upstream):
    assert answer(proxy)[0] == ANSWER
    (asked,) = upstream.asked
    assert b"Last-Event-ID: e-1" in asked
    assert b"keep-alive" not in asked  # each request is a connection of its own


@pytest.mark.parametrize("count", [0, 1, 57, len(ANSWER) - 1])
def test_it_cuts_after_so_many_bytes(proxy, count):
    proxy.cut_after_bytes = count
    assert answer(proxy)[0] == ANSWER[:count]


def test_it_sends_in_pieces_and_late(proxy):
    proxy.chunk_bytes, proxy.delay_s = 1, 0.002
    begun = time.monotonic()
    data, pieces = answer(proxy)
    assert data == ANSWER
    assert pieces > 20
    assert time.monotonic() - begun >= 0.002 * len(ANSWER)


def test_it_holds_everything_back_until_the_end(proxy, upstream):
    proxy.hold = True
    upstream.gate.clear()
    with dial(proxy) as plug:
        plug.settimeout(0.2)
        with pytest.raises(TimeoutError):
            plug.recv(1)
        upstream.gate.set()
        plug.settimeout(10)
        assert answer(proxy, plug)[0] == ANSWER


def test_it_falls_silent_and_closes_nothing(proxy):
    proxy.silent = True
    with dial(proxy) as plug:
        plug.settimeout(0.2)
        with pytest.raises(TimeoutError):
            plug.recv(1)


def test_it_strips_headers_and_answers_for_itself(proxy, upstream):
    proxy.strip = frozenset({"last-event-id"})
    assert answer(proxy)[0] == ANSWER
    assert b"Last-Event-ID" not in upstream.asked[0]
    proxy.answer = BAD_GATEWAY
    assert answer(proxy)[0] == BAD_GATEWAY
    assert len(upstream.asked) == 1


def test_it_cuts_everybody_off_and_is_away(proxy, upstream):
    upstream.gate.clear()
    with dial(proxy) as plug:
        assert plug.recv(100) == ANSWER[:100]
        with proxy.away():
            assert answer(proxy, plug)[0] == b""
            assert answer(proxy)[0] == b""
        upstream.gate.set()
        assert answer(proxy)[0] == ANSWER


def test_it_goes_round_and_leaves_out_an_upstream_that_is_down(upstream):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        down = nobody.getsockname()
    with Proxy(down, upstream.address) as proxy:
        assert [answer(proxy)[0] for _ in range(4)] == [ANSWER] * 4


def is_stopped(process, wanted):
    """As soon as the kernel says so."""
    give_up = time.monotonic() + 10
    while (process.status() == psutil.STATUS_STOPPED) != wanted and time.monotonic() < give_up:
        time.sleep(0.001)
    return process.status() == psutil.STATUS_STOPPED


def test_a_process_is_put_to_sleep_and_killed():
    process = psutil.Popen(["sleep", "60"])
    try:
        with asleep(process.pid):
            assert is_stopped(process, True)
        assert not is_stopped(process, False)
    finally:
        kill(process.pid)
    assert process.wait(10) == -9
    kill(process.pid)  # it is gone: nothing happens
