"""A page's connection without a page: one client for each transport, over a real socket to a real server.

All three give the same events in the same way, so that one test can be run on each.
"""
# ruff: noqa: S101 - a test kit asserts

import http.client
import json
import queue
import select
import socket
import threading
import time
from contextlib import closing, suppress
from typing import ClassVar, Self
from urllib.parse import urlsplit

from live.testing.page import Connection
from live.testing.stream import Parser, Received

ANSWER_S = 10  # a server that says nothing for so long is broken
QUIET = ("live:open", "live:beat")  # they say that all is well


class Refused(Exception):
    """The server said no: `status` is its HTTP status, or the WebSocket close code that stands for it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused: {status}")
        self.status = status


class Ended(Exception):
    """The connection is over and everything in it was read; `code` is a WebSocket's close code, else 0."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(f"the connection ended: {code}")
        self.code = code


class LiveClient:
    """What is the same for all transports: `connect`, `next`, `event`, `close`.

    Shape: `headers` are sent with every request, cookies among them.
    """

    kind: ClassVar[str]

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        parts = urlsplit(url)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        self.origin = f"http://{parts.netloc}"
        self.headers = headers or {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self, page: Connection) -> Self:
        """Asks for the events of a page after its position.

        Errors: Refused, as soon as the server says no.
        """
        raise NotImplementedError

    def next(self, timeout_s: float = ANSWER_S) -> Received:
        """The next event, whatever it is.

        Errors: TimeoutError when none came in time, Ended when none can come any more.
        """
        raise NotImplementedError

    def event(self, timeout_s: float = ANSWER_S) -> Received:
        """The next event that is news: no `live:open`, no `live:beat`; errors as for `next`."""
        deadline = time.monotonic() + timeout_s
        while (event := self.next(deadline - time.monotonic())).name in QUIET:
            pass
        return event

    def events(self, count: int, timeout_s: float = ANSWER_S) -> list[Received]:
        """So many news, one after the other; errors as for `next`."""
        deadline = time.monotonic() + timeout_s
        return [self.event(deadline - time.monotonic()) for _ in range(count)]

    def close(self) -> None:
        """Ends the connection from this side; a second call does nothing."""
        raise NotImplementedError

    def _request(self, path: str) -> "_Connection":
        connection = _Connection(self.host, self.port, timeout=ANSWER_S)
        try:
            connection.request("GET", path, headers={"Accept": "text/event-stream"} | self.headers)
        except BaseException:
            connection.close()
            raise
        return connection


def _accepted(connection: "_Connection") -> http.client.HTTPResponse:
    try:
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise Refused(response.status)
    except BaseException:
        connection.close()
        raise
    return response


class _Connection(http.client.HTTPConnection):
    """One that remembers its socket: it gives it away to an answer that ends with it (`Connection: close`)."""

    plug: socket.socket

    def connect(self) -> None:
        super().connect()
        self.plug = self.sock


class StreamClient(LiveClient):
    """`text/event-stream` that stays open; a thread reads it, because a file that timed out cannot be read on."""

    kind = "stream"
    _http: "_Connection | None" = None

    def connect(self, page: Connection) -> Self:
        http = self._request(page.address("stream"))
        response = _accepted(http)
        self._http, self._socket = http, http.plug
        self._socket.settimeout(None)
        self._queue: queue.SimpleQueue[Received | None] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._read, args=(response,), name="live-test-stream", daemon=True
        )
        self._thread.start()
        return self

    def next(self, timeout_s: float = ANSWER_S) -> Received:
        try:
            event = self._queue.get(timeout=max(timeout_s, 0))
        except queue.Empty:
            raise TimeoutError("no event in time") from None
        if event is None:
            self._queue.put(None)
            raise Ended
        return event

    def close(self) -> None:
        if self._http:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join(ANSWER_S)
            self._http.close()

    def _read(self, response: http.client.HTTPResponse) -> None:
        parser = Parser()
        with response, suppress(OSError, http.client.HTTPException):
            while data := response.read1(65536):
                for event in parser.feed(data):
                    self._queue.put(event)
        self._queue.put(None)


class PollClient(LiveClient):
    """The long-poll: asks again with the position of the newest event taken, until it is sent away."""

    kind = "poll"
    _asking: "_Connection | None" = None

    def connect(self, page: Connection) -> Self:
        self.close()
        self._page, self._waiting, self._over = page, [], False
        self._waiting = self._answer(ANSWER_S)
        return self

    def next(self, timeout_s: float = ANSWER_S) -> Received:
        deadline = time.monotonic() + timeout_s
        while not self._waiting:
            if self._over:
                raise Ended
            self._waiting = self._answer(max(0, deadline - time.monotonic()))
        return self._note(self._waiting.pop(0))

    def close(self) -> None:
        """Between two calls one request may be waiting for its answer."""
        if self._asking:
            self._asking.close()
            self._asking = None

    def _answer(self, timeout_s: float) -> list[Received]:
        """A request that was not answered in time goes on: asked again and again, it would never see its end."""
        asking = self._asking = self._asking or self._ask()
        if not select.select([asking.plug], [], [], timeout_s)[0]:
            raise TimeoutError("no event in time")
        self._asking = None
        response = _accepted(asking)
        with closing(asking):
            answer = response.read()
        assert response.getheader("Content-Length") == str(len(answer)), "an answer of a poll must be finite"
        return Parser().feed(answer)

    def _ask(self) -> "_Connection":
        return self._request(self._page.address("poll"))

    def _note(self, event: Received) -> Received:
        seen = json.loads(event.data)["seen"] if event.name in ("live:open", "live:beat") else self._page.seen
        position = event.id or self._page.position
        self._page = Connection(
            self._page.token, position, self._page.stream, self._page.poll, self._page.socket, str(seen)
        )
        self._over = self._over or event.name in ("live:bye", "live:resync")
        return event
