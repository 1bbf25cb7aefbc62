"""The incoming half of a WebSocket whose outgoing half the hub writes: read when there is something, by nobody else.

flask-sock's server begins a thread that reads. Where the hub owns the connection, `serve` takes that thread back
before it has run, and keeps of the library what takes frames apart.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from wsproto.events import Ping

from live.subscription import Subscription
from live.transports.commands import COMMANDS_AT_ONCE, COMMANDS_PER_MINUTE, Allowance, Commands

READ_BYTES = 16 * 1024  # of one connection, then it is the others' turn
# Pings and pieces of messages cost time, too. The largest command comes in 16 pieces: the library reads 4 KiB at once.
PIECES_PER_MINUTE, PIECES_AT_ONCE = COMMANDS_PER_MINUTE * 16, COMMANDS_AT_ONCE * 16


class Incoming:
    """What one page sends.

    Shape: `reading` while somebody reads; the connection's socket to the library, whose answers it sends in their turn.
    """

    __slots__ = ("_commands", "_reader", "_server", "reading")

    def __init__(self, server: Any, reader: Subscription, commands: Commands) -> None:
        self._server, self._reader, self._commands, self.reading = server, reader, commands, False
        _strip(server, self)

    def read(self, descriptor: int) -> bool:
        """Takes what has arrived, some of it, and obeys; False when the peer has gone.

        Errors: OSError when the connection is broken.
        """
        if self._reader.ended:  # after the last word nobody listens any more
            return True
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return True
        if not data:
            return False
        self._server.ws.receive_data(data)
        going = self._server._handle_events()
        messages, self._server.input_buffer = self._server.input_buffer, []
        for message in messages:
            self._commands.obey(message)
        if not going:
            self._reader.close()  # what the library answered to a close still goes out
        return True

    def ping(self) -> bool:
        """Asks whether anybody is there; False when the last question was not answered."""
        if not self._server.pong_received:
            return False
        self._server.pong_received = False
        self.send(self._server.ws.send(Ping()))
        return True

    def send(self, frame: bytes) -> int:
        self._reader.pass_on(frame)
        return len(frame)

    def set(self) -> None:
        """Nobody waits for a message."""


def _strip(server: Any, incoming: Incoming) -> None:
    """Lets go what was only for the handshake and for waiting: three quarters of what a connection would hold."""
    server.ws = server.ws.connection
    server.sock = server.event = incoming
    server.environ = server.thread = None
    server.connected = False  # so that flask-sock does not say goodbye when its route returns


def bound_pieces(server: Any) -> None:
    """Ends the connection of whoever sends too many frames and pieces of messages."""
    connection = server.ws.connection
    events, allowance = connection.events, Allowance(PIECES_PER_MINUTE, PIECES_AT_ONCE)

    def read() -> Iterator[Any]:
        for event in events():
            if not allowance.take():
                raise ConnectionResetError("too many pieces")  # the library's loop ends with it
            yield event

    connection.events = read


class _Soon:
    """The library's thread as a greenlet, which begins when its route waits for the first time."""

    name = ""

    def __init__(self, target: Callable[[], None]) -> None:
        from gevent import Greenlet

        self._target, self._begun = target, False
        self._greenlet = Greenlet(self._run)
        self.start = self._greenlet.start

    def take_back(self) -> bool:
        """Whether it had not begun; then it never will."""
        if not self._begun:
            self._greenlet.kill(block=False)
        return not self._begun

    def _run(self) -> None:
        self._begun = True
        self._target()


def reading_thread(target: Callable[[], None]) -> Any:
    """flask-sock's `thread_class`."""
    patched = sys.modules.get("gevent.monkey")
    if patched and patched.is_module_patched("threading"):
        return _Soon(target)
    return threading.Thread(target=target)


def take_over(server: Any) -> bool:
    """Whether from now on nobody else reads from the connection."""
    return isinstance(server.thread, _Soon) and server.thread.take_back()
