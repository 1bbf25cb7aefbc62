"""The WebSocket: all topics of the page in envelopes, and commands back, acknowledged and safe to repeat.

flask-sock accepts; this module sees to it that frames leave whole (simple-websocket's `send` neither locks
nor notices a partial write, STACK 1.1 a, b), that nobody fills the memory, and that the reader may be here.
"""

import re
import threading
from contextlib import suppress
from typing import Any

from flask import Flask, request
from simple_websocket import ConnectionClosed
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException

from live.frames import CLOSE_CODES
from live.gate import same_origin
from live.line import Line
from live.subscription import Subscription
from live.transports.commands import Command, Commands
from live.transports.handover import hand_over, plain_socket
from live.transports.incoming import Incoming, bound_pieces, reading_thread, take_over
from live.transports.opening import Opening, open_subscription

MAX_MESSAGE_BYTES = 64 * 1024  # FAULTS 3.6
MAX_UNREAD_MESSAGES = 64
PING_S = 20  # as connections.py does where the hub owns the socket
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")  # 16 bytes (RFC 6455 section 4.1)


class WholeFrames:
    """Stands in for the connection's socket: what the library sends goes out whole."""

    def __init__(self, server: Any) -> None:
        self._server, self._socket, self._lock = server, server.sock, threading.Lock()

    def send(self, data: bytes) -> int:
        with self._lock:
            self._socket.sendall(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        # Its inbox is a list without a bound: whoever sends faster than we read is cut off (STACK 1.1 d).
        return b"" if len(self._server.input_buffer) > MAX_UNREAD_MESSAGES else self._socket.recv(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def init_app(app: Flask) -> None:
    """Sets flask-sock's limits and asks the handshake's questions before it answers 101."""
    options = app.config.setdefault("SOCK_SERVER_OPTIONS", {})
    options.setdefault("max_message_size", MAX_MESSAGE_BYTES)
    options.setdefault("ping_interval", PING_S)
    options.setdefault("thread_class", reading_thread)
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
    """Serves one connection: events out, commands in.

    Where the hub can own the connection this returns at once, and the request's greenlet ends; else at its end.
    """
    plug = plain_socket(request.environ)
    is_ours = plug is not None and take_over(ws)  # before anything here waits
    ws.sock = WholeFrames(ws)
    bound_pieces(ws)
    try:
        opening = open_subscription(socket=True)
        descriptor = hand_over(plug) if plug and is_ours else -1
    except HTTPException as refusal:
        # After 101 there is no status left; the page reads the close code.
        ws.close(4401 if refusal.code == 401 else 4403 if refusal.code in (400, 403) else 1013, refusal.name)
        return
    except OSError:  # no descriptor left
        ws.close(1013, "Too many connections")
        return
    commands = Commands(opening.reader, command)
    if is_ours:
        _hand_over(ws, descriptor, opening, commands)
    else:
        _converse(ws, opening, commands)


def _hand_over(ws: Any, descriptor: int, opening: Opening, commands: Commands) -> None:
    reader = opening.join()
    reader.incoming = Incoming(ws, reader, commands)
    what = f'"GET {request.path} {request.environ["SERVER_PROTOCOL"]}" 101'
    opening.hub.adopt(descriptor, reader, Line(reader.address, what))


def _converse(ws: Any, opening: Opening, commands: Commands) -> None:
    """With threads: the library's reads, one of ours writes, and this one obeys."""
    reader = opening.join()
    writer = threading.Thread(target=_write, args=(ws, reader), name="live-socket", daemon=True)
    writer.start()
    try:
        while not reader.reason:
            message = ws.receive()
            if message is not None:
                commands.obey(message)
    finally:
        opening.hub.leave(reader)
        writer.join()


def _write(ws: Any, reader: Subscription) -> None:
    with suppress(ConnectionClosed, OSError):
        while (messages := reader.take()) is not None:
            for message in messages:
                ws.send(message.decode())
        ws.close(CLOSE_CODES.get(reader.reason, 1000), reader.reason)
    ws.event.set()
