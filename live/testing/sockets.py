"""The WebSocket client of the test kit; like the others, and it also sends commands."""
# ruff: noqa: S101 - a test kit asserts

import json
import socket
from contextlib import suppress
from typing import Any, Self

import simple_websocket

from live.testing.clients import ANSWER_S, Ended, LiveClient, Refused
from live.testing.page import Connection
from live.testing.stream import Received, read_envelope


class SocketClient(LiveClient):
    """The WebSocket, which also carries commands."""

    kind = "socket"
    _socket: "_Client | None" = None
    _waiting: list[Received]

    def connect(self, page: Connection) -> Self:
        url = f"ws://{self.host}:{self.port}{page.address('socket')}"
        try:
            self._socket = _Client(url, headers={"Origin": self.origin} | self.headers)
        except simple_websocket.ConnectionError as error:
            raise Refused(error.status_code) from None
        self._waiting = []
        try:
            self._waiting.append(self.next())
        except Ended as end:  # after 101 a refusal is a close code
            self.close()
            raise Refused(end.code) from None
        return self

    def next(self, timeout_s: float = ANSWER_S) -> Received:
        assert self._socket
        if self._waiting:
            return self._waiting.pop(0)
        try:
            message = self._socket.receive(timeout=max(timeout_s, 0))
        except simple_websocket.ConnectionClosed as closed:
            raise Ended(closed.reason) from None
        if message is None:
            raise TimeoutError("no event in time")
        return read_envelope(message)

    def command(self, name: str, fields: dict[str, Any], token: str) -> None:
        """Sends a command; its answer is an event `live:ack` with the same id."""
        self.send(json.dumps({"id": token, "do": name, "fields": fields}))

    def send(self, text: str) -> None:
        """Sends any text as a message."""
        assert self._socket
        with suppress(simple_websocket.ConnectionClosed):  # what the server said to that is still to be read
            self._socket.send(text)

    def close(self) -> None:
        if self._socket:
            self._socket.end()


class _Client(simple_websocket.Client):  # type: ignore[misc]
    """The library's client, which forgets what came together with the handshake's answer, and leaves its thread."""

    host: str

    def handshake(self) -> None:
        self.host = f"{self.host}:{self.port}"  # as a browser's Host, with which an Origin is compared
        try:
            super().handshake()
        except BaseException:
            self.sock.close()
            raise
        self._handle_events()
        self.connected = True  # a close that came along is told by `receive`, when the thread sees the end

    def end(self) -> None:
        with suppress(simple_websocket.ConnectionClosed, OSError):
            super(simple_websocket.Client, self).close()
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread, which a close alone does not
        self.thread.join(ANSWER_S)
        self.sock.close()
