"""The open connections of a gevent process, without a greenlet for each: one loop writes to all of them.

Only gevent's servers give their sockets away (transports/handover.py asks). The hub hands events out by audience;
a round writes them to its readers with one non-blocking send each. What the kernel does not take waits in the
reader's own buffer until epoll says that there is room. DESIGN 4.5.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import time
from collections import OrderedDict
from collections.abc import Callable

import gevent
from gevent import monkey
from gevent.event import Event as Wake

from live.audience import Audience, Batch
from live.event import Encoded
from live.line import Line
from live.subscription import Subscription

TURN_S = 0.001  # after so long, whoever else wants to run does
SLICE = 32  # readers between two looks at the clock: about a tenth of TURN_S
PIECES = 16  # so many sends to one reader, then it is the others' turn
LINGER_S = 5  # a connection that ended is closed after so long, read or not
# monkey.patch_all takes epoll away, because it would wait without letting others run; ours never waits.
_epoll = monkey.get_original("select", "epoll")
_socket = monkey.get_original("socket", "socket")
_PEER_ENDED, _ROOM = select.EPOLLRDHUP, select.EPOLLOUT
_GONE = select.EPOLLERR | select.EPOLLHUP | _PEER_ENDED
_NEVER = float("inf")
logger = logging.getLogger("live")


class Sockets:
    """The connections of one process.

    Shape: `offer(reader, event)` puts an event to one reader with all the hub's questions, `beat_to(reader)` ends a
    long-poll's answer, `leave(reader)` is told when a connection ends. `sends` and `deliveries` are counters.
    """

    def __init__(
        self,
        *,
        offer: Callable[[Subscription, Encoded], None],
        beat_to: Callable[[Subscription], None],
        leave: Callable[[Subscription], None],
    ) -> None:
        self._offer, self._beat_to, self._leave = offer, beat_to, leave
        self._readers: dict[int, Subscription] = {}
        self._dirty: list[Audience] = []
        self._ready: list[Subscription] = []
        self._polls: OrderedDict[Subscription, float] = OrderedDict()
        self._ending: OrderedDict[Subscription, float] = OrderedDict()
        self.sends = self.deliveries = 0
        self._turn_began = 0.0
        self._wake, self._epoll = Wake(), _epoll()
        self._loop = gevent.get_hub().loop
        self._watcher = self._loop.io(self._epoll.fileno(), 1)
        self._watcher.start(self._wake.set)
        gevent.spawn(self._run)

    def __len__(self) -> int:
        return len(self._readers)

    # -- what the hub tells -----------------------------------------------------------------------------

    def adopt(self, fd: int, reader: Subscription, line: Line) -> None:
        """Takes over a connection: writes to it what waits, watches it, closes it at its end."""
        reader.fd, reader.line, reader.busy = fd, line, True
        self._readers[fd] = reader
        self._epoll.register(fd, _watched(reader))
        reader.on_news = self.ready
        if reader.finite:
            self._polls[reader] = time.monotonic() + line.wait_s
            reader.busy = False
            if reader.has_news:
                self.ready(reader)
            else:
                self._wake.set()
        else:
            reader.rest = line.head
            self._flush(reader)

    def hand_out(self, audience: Audience, encoded: Encoded) -> None:
        """An event for the plugged readers of an audience; those that come while a round runs go out in the next."""
        if not audience.pending:
            self._dirty.append(audience)
            self._wake.set()
        audience.pending.append(encoded)

    def ready(self, reader: Subscription) -> None:
        """Something was put to a reader by itself, or it has ended."""
        if reader.busy and not (reader.ended and reader not in self._ending):
            return  # it is written when there is room
        reader.busy = True
        self._ready.append(reader)
        self._wake.set()

    def drain(self, limit_s: float) -> None:
        """Waits until everybody has been sent what waits for them; not longer than `limit_s`."""
        until = time.monotonic() + limit_s
        while len(self._readers) > len(self._ending) and time.monotonic() < until:
            gevent.sleep(TURN_S)
        while any(reader.busy for reader in list(self._ending)) and time.monotonic() < until:
            gevent.sleep(TURN_S)

    # -- the loop ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Never ends by itself; a connection's loop may swallow what it logs, for the others must be served on."""
        while True:
            self._wake.wait(self._next_s())
            self._wake.clear()
            try:
                self._turn()
            except Exception:
                logger.exception("sockets")

    def _next_s(self) -> float | None:
        due = min(next(iter(queue.values()), _NEVER) for queue in (self._polls, self._ending))
        return None if due == _NEVER else max(0.0, due - time.monotonic())

    def _turn(self) -> None:
        self._turn_began = time.perf_counter()
        for fd, mask in self._epoll.poll(0):
            self._happened(fd, mask)
        ready, self._ready = self._ready, []
        for reader in ready:
            self._write(reader)
            self._let_others_run()
        dirty, self._dirty = self._dirty, []
        for audience in dirty:
            self._round(audience, audience.take_batch())
        self._due(time.monotonic())

    def _happened(self, fd: int, mask: int) -> None:
        reader = self._readers.get(fd)
        if reader is None:
            return
        if mask & _GONE:
            self._gone(reader)
        elif mask & _ROOM:
            self._flush(reader)

    def _let_others_run(self) -> None:
        if time.perf_counter() - self._turn_began > TURN_S:
            # A timer of nothing, and not sleep(0): between two of those no socket of a page would be looked at.
            with self._loop.timer(0.0) as timer:
                gevent.get_hub().wait(timer)
            self._turn_began = time.perf_counter()

    def _due(self, now: float) -> None:
        while self._polls and next(iter(self._polls.values())) <= now:
            self.ready(self._polls.popitem(last=False)[0])
        while self._ending and next(iter(self._ending.values())) <= now:
            self._gone(next(iter(self._ending)))

    # -- a round ----------------------------------------------------------------------------------------

    def _round(self, audience: Audience, batch: Batch) -> None:
        readers = list(audience.plugged)
        for start in range(0, len(readers), SLICE):
            self._write_batch(audience, batch, readers[start : start + SLICE])
            self._let_others_run()

    def _write_batch(self, audience: Audience, batch: Batch, readers: list[Subscription]) -> None:
        """The inner loop of everything: what stands in it is paid for each delivery."""
        data, after, last, size, write = batch.data, batch.after, batch.last, len(batch.data), os.write
        for reader in readers:
            if reader.busy or reader.n > after or reader.audience is not audience:
                self._offer_all(reader, batch)
                continue
            try:
                sent = write(reader.fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._gone(reader)
                continue
            if last:
                reader.n = last
            if sent != size:
                self._keep(reader, batch, sent)
        self.sends += len(readers)
        self.deliveries += len(readers) * len(batch.events)

    def _offer_all(self, reader: Subscription, batch: Batch) -> None:
        if reader.fd >= 0 and not reader.ended:
            for encoded in batch.events:
                self._offer(reader, encoded)

    def _keep(self, reader: Subscription, batch: Batch, sent: int) -> None:
        reader.busy = True
        reader.keep_unsent(batch.events, sent)
        self._wait_for_room(reader)

    # -- one reader -------------------------------------------------------------------------------------

    def _write(self, reader: Subscription) -> None:
        if reader.fd < 0:
            return
        if reader.finite and reader.line and reader.line.head:
            self._answer(reader, reader.line)
        self._flush(reader)

    def _answer(self, reader: Subscription, line: Line) -> None:
        """The whole answer of a long-poll: the length of its body is only known now."""
        self._polls.pop(reader, None)
        blocks = reader.take(0) or []
        if not reader.reason:
            self._beat_to(reader)
        body = b"".join([*blocks, *(reader.take(0) or [])])
        reader.rest = line.head.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(body), 1) + body
        line.head = b""
        reader.on_news = reader.refill = None
        reader.close()

    def _flush(self, reader: Subscription) -> None:
        if reader.ended and reader not in self._ending:
            self._ending[reader] = time.monotonic() + LINGER_S
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
                self._gone(reader)
                return
            self.sends += 1
            reader.wrote(sent)
            if sent < len(data):
                self._wait_for_room(reader)
                return
        self._ready.append(reader)
        self._wake.set()

    def _emptied(self, reader: Subscription) -> None:
        reader.busy = False
        if reader.blocked:
            reader.blocked = False
            self._epoll.modify(reader.fd, _watched(reader))
        if reader.ended and reader.line:
            reader.on_news = None
            self._end(reader)

    def _wait_for_room(self, reader: Subscription) -> None:
        if not reader.blocked:
            reader.blocked = True
            self._epoll.modify(reader.fd, _watched(reader) | _ROOM)

    def _end(self, reader: Subscription) -> None:
        """Nothing more is written; the peer reads the end, closes, and that is when we do."""
        plug = _socket(fileno=reader.fd)
        try:
            plug.shutdown(socket.SHUT_WR)
        except OSError:
            plug.detach()
            self._gone(reader)
        else:
            plug.detach()
            self._ended(reader)

    def _ended(self, reader: Subscription) -> None:
        if reader.line:
            line, reader.line = reader.line, None
            line.end(reader.fd, reader.reason)
        self._leave(reader)

    def _gone(self, reader: Subscription) -> None:
        """The peer is not there any more, or had its time."""
        fd = reader.fd
        if fd < 0:
            return
        self._ending.pop(reader, None)
        self._polls.pop(reader, None)
        reader.on_news = None
        self._ended(reader)
        del self._readers[fd]
        reader.fd = -1
        # By hand: a WebSocket's descriptor is one of two, and epoll would watch on until both are closed.
        self._epoll.unregister(fd)
        os.close(fd)


def _watched(reader: Subscription) -> int:
    # Whoever reads a WebSocket hears its end there, behind the last command; nobody reads the others.
    return 0 if reader.socket else _PEER_ENDED
