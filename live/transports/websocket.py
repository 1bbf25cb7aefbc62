"""The WebSocket: all topics of the page in envelopes, and commands back, acknowledged and safe to repeat.

flask-sock accepts; this module sees to it that frames leave whole (simple-websocket's `send` neither locks
nor notices a partial write, STACK 1.1 a, b), that nobody fills the memory, and that the reader may be here.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from flask import Flask, current_app, request
from simple_websocket import ConnectionClosed
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException

from live.errors import CommandRefused
from live.frames import CLOSE_CODES
from live.gate import same_origin
from live.line import Line
from live.subscription import Subscription
from live.transports.handover import hand_over, plain_socket
from live.transports.opening import Opening, open_subscription

MAX_MESSAGE_BYTES = 64 * 1024  # FAULTS 3.6
MAX_UNREAD_MESSAGES = 64
PING_S = 25  # FAULTS 3.7
COMMANDS_PER_MINUTE, COMMANDS_AT_ONCE = 100, 20  # FAULTS 3.6 (OWASP)
# Pings and pieces of messages cost time, too. The largest command comes in 16 pieces: the library reads 4 KiB at once.
PIECES_PER_MINUTE, PIECES_AT_ONCE = COMMANDS_PER_MINUTE * 16, COMMANDS_AT_ONCE * 16
MAX_REFUSED = 200  # so many over the allowance are no page of ours, which repeats 100 at most
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")  # 16 bytes (RFC 6455 section 4.1)
logger = logging.getLogger("live")

Command = Callable[[str, dict[str, Any]], None]


class WholeFrames:
    """Stands in for the connection's socket: what the library sends goes out whole, in its turn among the events."""

    def __init__(self, server: Any) -> None:
        self._server, self._socket, self._lock = server, server.sock, threading.Lock()
        self.reader: Subscription | None = None  # once the hub writes to it

    def send(self, data: bytes) -> int:
        if self.reader:
            self.reader.pass_on(data)
            return len(data)
        with self._lock:
            self._socket.sendall(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        # Its inbox is a list without a bound: whoever sends faster than we read is cut off (STACK 1.1 d).
        return b"" if len(self._server.input_buffer) > MAX_UNREAD_MESSAGES else self._socket.recv(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def bounded(events: Callable[[], Iterator[Any]]) -> Callable[[], Iterator[Any]]:
    """What the library reads, piece by piece, until there were too many."""
    allowance = Allowance(PIECES_PER_MINUTE, PIECES_AT_ONCE)

    def read() -> Iterator[Any]:
        for event in events():
            if not allowance.take():
                raise ConnectionResetError("too many pieces")  # the library's loop ends with it
            yield event

    return read


def init_app(app: Flask) -> None:
    """Sets flask-sock's limits and asks the handshake's questions before it answers 101."""
    app.config.setdefault(
        "SOCK_SERVER_OPTIONS", {"max_message_size": MAX_MESSAGE_BYTES, "ping_interval": PING_S}
    )
    app.before_request(_check_handshake)


def _check_handshake() -> None:
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return
    if not same_origin(request):
        raise Forbidden("This address answers only to pages of this site.")
    key, version = request.headers.get("Sec-WebSocket-Key", ""), request.headers.get("Sec-WebSocket-Version")
    if not _KEY.fullmatch(key) or version != "13":
        raise BadRequest("This is not a WebSocket handshake of version 13.")
    # simple-websocket accepts any compression offered, and with it a bomb of 300 KB that unpacks to 300 MB.
    request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)


def serve(ws: Any, command: Command) -> None:
    """Serves one connection until it ends: events out, commands in.

    `command(name, fields)` does what a form post would do; it raises CommandRefused with a sentence to say no.
    """
    ws.sock, ws.ws.events = WholeFrames(ws), bounded(ws.ws.events)
    try:
        opening = open_subscription(socket=True)
    except HTTPException as refusal:
        # After 101 there is no status left; the page reads the close code.
        ws.close(4401 if refusal.code == 401 else 4403 if refusal.code in (400, 403) else 1013, refusal.name)
        return
    plug, reader = plain_socket(request.environ), opening.join()
    writer = None
    if plug:
        _hand_over(ws, plug, opening)
    else:
        writer = _start_writer(ws, reader)
    try:
        _obey(ws, reader, command)
    finally:
        opening.hub.leave(reader)
        if writer:
            writer.join()


def _hand_over(ws: Any, plug: Any, opening: Opening) -> None:
    """From now on the hub writes; reading stays with the library."""

    def end() -> None:
        ws.connected = False  # the hub has said goodbye
        ws.event.set()  # whoever waits in `receive` sees that it is over, also when the peer is silent

    what = f'"GET {request.path} {request.environ["SERVER_PROTOCOL"]}" 101'
    descriptor = hand_over(plug)
    ws.sock.reader = opening.reader
    opening.hub.adopt(descriptor, opening.reader, Line(opening.reader.address, what, on_end=end))


def _start_writer(ws: Any, reader: Subscription) -> threading.Thread:
    writer = threading.Thread(target=_write, args=(ws, reader), name="live-socket", daemon=True)
    writer.start()
    return writer


def _write(ws: Any, reader: Subscription) -> None:
    with suppress(ConnectionClosed, OSError):
        while (messages := reader.take()) is not None:
            for message in messages:
                ws.send(message.decode())
        ws.close(CLOSE_CODES.get(reader.reason, 1000), reader.reason)
    ws.event.set()


def _obey(ws: Any, reader: Subscription, command: Command) -> None:
    allowance = Allowance(COMMANDS_PER_MINUTE, COMMANDS_AT_ONCE)
    while not reader.reason:
        message = ws.receive()
        if allowance.refused > MAX_REFUSED:
            reader.bye("flood", retry_ms=60_000)
        elif message is not None:
            reader.say("live:ack", json.dumps(_answer(message, command, allowance, reader)))


def _answer(
    message: str | bytes, command: Command, allowance: "Allowance", reader: Subscription
) -> dict[str, Any]:
    """Does one command; the page repeats it until it is answered, so it must be safe to repeat."""
    allowed = allowance.take()  # what is no command takes part of it, too
    try:
        asked = json.loads(message)
        name, fields, token = asked["do"], asked["fields"], asked["id"]
        if not (isinstance(name, str) and isinstance(fields, dict) and isinstance(token, str)):
            raise TypeError
        _refuse_bad_text(fields)
    except (ValueError, KeyError, TypeError, RecursionError):
        return {"error": "This is not a command."}
    if not allowed:
        return {"id": token, "error": "That was too fast. Please wait a moment."}
    return {"id": token, **_done(name, fields, command, reader)}


def _refuse_bad_text(fields: dict[str, Any]) -> None:
    """What no database stores as text, NUL and half surrogates, comes escaped in JSON: ValueError."""
    text = "".join(value for value in fields.values() if isinstance(value, str))
    if "\0" in text:
        raise ValueError
    text.encode()


def _done(name: str, fields: dict[str, Any], command: Command, reader: Subscription) -> dict[str, Any]:
    """{} or {"error": sentence}; a broad catch, because one bad command must not end everybody's room.

    The application context of its own gives the command a fresh database session, and asks anew who this is.
    """
    live = current_app.extensions["live"]
    with current_app.app_context():
        if live.identity() is None:
            reader.bye("signed-out", retry_ms=1000)
            return {"error": "You are signed out."}
        live.release_database()  # the question has read; the command begins a transaction of its own
        try:
            command(name, fields)
        except CommandRefused as refusal:
            return {"error": str(refusal)}
        except Exception:
            logger.exception("command %s failed", name)
            return {"error": "Something went wrong. Please try again.", "again": True}
    return {}


class Allowance:
    """A token bucket: so many a minute, so many at once; `refused` counts those in a row that were too many."""

    def __init__(self, per_minute: int, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_s, self._most, self._clock = per_minute / 60, at_once, clock
        self._left, self._at, self.refused = float(at_once), clock(), 0

    def take(self) -> bool:
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._rate_s)
        self._at = now
        if self._left < 1:
            self.refused += 1
            return False
        self.refused = 0
        self._left -= 1
        return True
