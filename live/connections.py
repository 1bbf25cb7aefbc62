"""The sockets that the hub owns, each by itself: taken over, written when there is room, read, ended.

What goes to many at once is written by the rounds of sockets.py; what happens here is about one connection.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator

import gevent
from gevent import monkey

from live.deadlines import Deadlines
from live.event import Encoded
from live.line import Line
from live.readiness import GONE, NEWS, PEER_ENDED, ROOM, Readiness
from live.subscription import Subscription

PIECES = 16  # so many sends to one reader, then it is the others' turn
LINGER_S = 5  # a connection that ended is closed when for so long nothing of it was read
PING_S = 20  # a page behind a proxy is only seen by its answer; two of these are within 45 s (FAULTS 3.7)
_socket = monkey.get_original("socket", "socket")
_close = monkey.get_original(
    "os", "close"
)  # the patched one waits for a turn of gevent's loop, which knows no socket of ours
logger = logging.getLogger("live")


class Connections:
    """Readers by descriptor.

    Shape: `wake()` is called when somebody must `look`; `next_turn(reader)` has a reader written again soon.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        next_turn: Callable[[Subscription], None],
        *,
        beat_to: Callable[[Subscription], None],
        leave: Callable[[Subscription], None],
    ) -> None:
        self._wake, self._next_turn, self._beat_to, self._leave = wake, next_turn, beat_to, leave
        self._readers: dict[int, Subscription] = {}
        self._polls, self._ending, self._pings = Deadlines(), Deadlines(), Deadlines()
        self._readiness = Readiness(wake)
        self.let_others_run = self._readiness.let_others_run
        self.sends = 0

    def __len__(self) -> int:
        return len(self._readers)

    def is_ending(self, reader: Subscription) -> bool:
        """Its last words are on their way."""
        return reader in self._ending

    def drained(self) -> bool:
        """Everybody has ended and was sent all that waited."""
        everybody_ended = len(self._readers) <= len(self._ending)
        return everybody_ended and not any(reader.busy for reader in self._ending)

    def adopt(self, fd: int, reader: Subscription, line: Line) -> None:
        """Takes over a descriptor."""
        reader.fd, reader.line, reader.busy = fd, line, not reader.finite
        self._readers[fd] = reader
        self._readiness.watch(fd, _watched(reader))
        if reader.finite:
            self._polls.add(reader, line.wait_s)
            self._wake()
            return
        if reader.incoming:
            self._pings.add(reader, PING_S)
        reader.rest, line.head = line.head, b""
        self.flush(reader)

    # -- what happens -----------------------------------------------------------------------------------

    def look(self) -> None:
        """Serves those to which something has happened."""
        for fd, mask in self._readiness.happened():
            reader = self._readers.get(fd)
            if reader is not None:
                self._happened(reader, mask)

    def _happened(self, reader: Subscription, mask: int) -> None:
        if mask & GONE:
            self.gone(reader)
            return
        if mask & ROOM:
            self.flush(reader)
        if mask & NEWS and reader.incoming:
            reader.incoming.reading = True
            self._watch(reader)
            gevent.spawn(self._read, reader)

    def next_due(self) -> float:
        """When `take_due` is to be called, on the monotonic clock."""
        return min(self._polls.next(), self._ending.next(), self._pings.next())

    def take_due(self, now: float) -> Iterator[Subscription]:
        """Those that have something to be written now: polls that waited long enough, sockets to be pinged."""
        yield from self._polls.take_due(now)
        for reader in self._ending.take_due(now):
            self.gone(reader)
        for reader in self._pings.take_due(now):
            if reader.incoming and reader.incoming.ping():
                self._pings.add(reader, PING_S)
                yield reader
            else:
                self.gone(reader)

    # -- writing ----------------------------------------------------------------------------------------

    def write(self, reader: Subscription) -> None:
        """Writes what waits for a reader."""
        if reader.fd < 0:
            return
        if reader.finite and reader.line and reader.line.head:
            self._answer(reader, reader.line)
        self.flush(reader)

    def keep(self, reader: Subscription, events: list[Encoded], sent: int) -> None:
        """Of events that were written together the kernel took only so many bytes."""
        reader.busy = True
        reader.keep_unsent(events, sent)
        self._wait_for_room(reader)

    def _answer(self, reader: Subscription, line: Line) -> None:
        """The whole answer of a long-poll: the length of its body is only known now."""
        self._polls.remove(reader)
        blocks = reader.take(0) or []
        if not reader.reason:
            self._beat_to(reader)
        body = b"".join([*blocks, *(reader.take(0) or [])])
        reader.rest = line.head.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(body), 1) + body
        line.head = b""
        reader.on_news = reader.refill = None
        reader.close()

    def flush(self, reader: Subscription) -> None:
        """Writes until the kernel takes no more, nothing is left, or it is the others' turn."""
        if reader.ended and reader not in self._ending:
            self._ending.add(reader, LINGER_S)
            self._watch(reader)
        for _ in range(PIECES):
            data = reader.piece()
            if not data:
                self._emptied(reader)
                return
            try:
                sent = os.write(reader.fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.gone(reader)
                return
            self._took(reader, sent)
            if sent < len(data):
                self._wait_for_room(reader)
                return
        self._next_turn(reader)

    def _took(self, reader: Subscription, sent: int) -> None:
        self.sends += 1
        reader.wrote(sent)
        if sent and reader.ended:  # its time begins anew, for its way may be slow
            self._ending.remove(reader)
            self._ending.add(reader, LINGER_S)

    def _emptied(self, reader: Subscription) -> None:
        reader.busy = False
        if reader.blocked:
            reader.blocked = False
            self._watch(reader)
        if reader.ended and reader.line:
            reader.on_news = None
            self._end(reader)

    def _wait_for_room(self, reader: Subscription) -> None:
        if not reader.blocked:
            reader.blocked = True
            self._watch(reader)

    def _watch(self, reader: Subscription) -> None:
        self._readiness.change(reader.fd, _watched(reader))

    # -- what a WebSocket's page sends ------------------------------------------------------------------

    def _read(self, reader: Subscription) -> None:
        """One piece of what has arrived, in a greenlet of its own: a command may wait for the database."""
        incoming = reader.incoming
        if incoming is None:
            return
        try:
            there = incoming.read(reader.fd)
        except OSError:
            there = False
        except Exception:  # a connection's loop: what it cannot bear ends this connection, and no other
            logger.exception("socket of user %s", reader.identity.user_id)
            there = False
        incoming.reading = False
        if reader.fd < 0:
            return
        if there:
            self._watch(reader)
        else:
            self.gone(reader)

    # -- the end ----------------------------------------------------------------------------------------

    def _end(self, reader: Subscription) -> None:
        """Nothing more is written; the peer reads the end, closes, and that is when we do."""
        plug = _socket(fileno=reader.fd)
        try:
            plug.shutdown(socket.SHUT_WR)
        except OSError:
            plug.detach()
            self.gone(reader)
        else:
            plug.detach()
            self._ended(reader)

    def _ended(self, reader: Subscription) -> None:
        if reader.line:
            line, reader.line = reader.line, None
            line.end(reader.fd, reader.reason)
        self._leave(reader)

    def gone(self, reader: Subscription) -> None:
        """The peer is not there any more, or had its time."""
        fd = reader.fd
        if fd < 0:
            return
        for waiting in (self._ending, self._polls, self._pings):
            waiting.remove(reader)
        reader.on_news = reader.incoming = None
        self._ended(reader)
        del self._readers[fd]
        reader.fd = -1
        self._readiness.forget(fd)
        _close(fd)


def _watched(reader: Subscription) -> int:
    room = ROOM if reader.blocked else 0
    if reader.incoming is None or reader.ended:
        return room | PEER_ENDED
    # Its end is heard by reading, behind the last command.
    return room if reader.incoming.reading else room | NEWS
