"""The open connections of a gevent process, without a greenlet for each: one loop writes to all of them.

Only gevent's servers give their sockets away (transports/handover.py asks). The hub hands events out by audience;
a round writes them to its readers with one non-blocking send each. What the kernel does not take waits in the
reader's own buffer until there is room (connections.py). DESIGN 4.5.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from itertools import repeat

import gevent
from gevent.event import Event as Wake

from live.audience import Audience, Batch
from live.connections import Connections
from live.deadlines import NEVER
from live.event import Encoded
from live.line import Line
from live.subscription import Subscription

TURN_S = 0.001  # after so long, whoever else wants to run does
SLICE = 64  # readers between two looks at the clock: on a slow machine half of TURN_S
BREATH_S = (
    0.01  # in a burst the next round waits for more: as long as the last one took, and not longer than this
)
NOBODY = -1
logger = logging.getLogger("live")


class Sockets:
    """The connections of one process.

    Shape: `offer(reader, event)` puts an event to one reader with all the hub's questions, `beat_to(reader)` ends a
    long-poll's answer, `leave(reader)` is told when a connection ends. `deliveries` counts what the rounds gave out.
    """

    def __init__(
        self,
        *,
        offer: Callable[[Subscription, Encoded], None],
        beat_to: Callable[[Subscription], None],
        leave: Callable[[Subscription], None],
    ) -> None:
        self._offer = offer
        self._dirty: list[Audience] = []
        self._ready: list[Subscription] = []
        self._turn_began = self._breath_ends = 0.0
        self.deliveries = 0
        self._wake = Wake()
        self._open = Connections(self._wake.set, self._next_turn, beat_to=beat_to, leave=leave)
        gevent.spawn(self._run)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def sends(self) -> int:
        """How many times the kernel was given something."""
        return self._open.sends

    # -- what the hub tells -----------------------------------------------------------------------------

    def adopt(self, fd: int, reader: Subscription, line: Line) -> None:
        """Takes over a connection: writes to it what waits, watches it, closes it at its end."""
        reader.on_news = self.ready
        self._open.adopt(fd, reader, line)
        if reader.finite and reader.has_news:
            self.ready(reader)

    def hand_out(self, audience: Audience, encoded: Encoded) -> None:
        """An event for the plugged readers of an audience; those that come while a round runs go out in the next."""
        if not audience.pending:
            self._dirty.append(audience)
            self._wake.set()
        audience.pending.append(encoded)

    def ready(self, reader: Subscription) -> None:
        """Something was put to a reader by itself, or it has ended."""
        if reader.busy and not (reader.ended and not self._open.is_ending(reader)):
            return  # it is written when there is room
        self._next_turn(reader)

    def drain(self, limit_s: float) -> None:
        """Waits until everybody has been sent what waits for them; not longer than `limit_s`."""
        until = time.monotonic() + limit_s
        while not self._open.drained() and time.monotonic() < until:
            gevent.sleep(TURN_S)

    def _next_turn(self, reader: Subscription) -> None:
        reader.busy = True
        self._ready.append(reader)
        self._wake.set()

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
        due = min(self._open.next_due(), self._breath_ends if self._dirty else NEVER)
        return None if due == NEVER else max(0.0, due - time.monotonic())

    def _turn(self) -> None:
        self._turn_began = time.perf_counter()
        self._open.look()
        ready, self._ready = self._ready, []
        for reader in ready:
            self._open.write(reader)
            self._let_others_run()
        if self._dirty and time.monotonic() >= self._breath_ends:
            self._rounds()
        for reader in self._open.take_due(time.monotonic()):
            self.ready(reader)
            self._let_others_run()

    def _let_others_run(self) -> None:
        if time.perf_counter() - self._turn_began > TURN_S:
            self._open.let_others_run()
            self._turn_began = time.perf_counter()

    # -- a round ----------------------------------------------------------------------------------------

    def _rounds(self) -> None:
        began = time.monotonic()
        dirty, self._dirty = self._dirty, []
        for batch, audiences, readers in _together(dirty):
            for start in range(0, len(readers), SLICE):
                self._write_batch(batch, audiences, readers[start : start + SLICE])
                self._let_others_run()
        if self._dirty:  # more came meanwhile, so it is a burst: let it gather
            now = time.monotonic()
            self._breath_ends = now + min(now - began, BREATH_S)

    def _write_batch(self, batch: Batch, audiences: set[Audience], readers: list[Subscription]) -> None:
        """The inner loop of everything: what stands in it is paid for each delivery.

        First whom it goes to, then nothing but the writing: the kernel's part of it drives Python out of the
        processor's caches, so each line between two writes costs several times what it costs by itself.
        """
        calm, after, last, size = [], batch.after, batch.last, len(batch.data)
        for reader in readers:
            if reader.busy or reader.n > after or reader.audience not in audiences:
                self._offer_all(reader, batch)
                continue
            if last:
                reader.n = last
            calm.append(reader)
        taken = _write_all([reader.fd for reader in calm], batch.data)
        if taken.count(size) < len(taken):
            self._care_for(calm, taken, batch)
        self._open.sends += len(readers)
        self.deliveries += len(readers) * len(batch.events)

    def _care_for(self, readers: list[Subscription], taken: list[int], batch: Batch) -> None:
        """Those of whom the kernel did not take everything."""
        for reader, sent in zip(readers, taken, strict=True):
            if sent == NOBODY:
                self._open.gone(reader)
            elif sent < len(batch.data):
                self._open.keep(reader, batch.events, sent)

    def _offer_all(self, reader: Subscription, batch: Batch) -> None:
        if reader.fd >= 0 and not reader.ended:
            for encoded in batch.events:
                self._offer(reader, encoded)


def _write_all(fds: list[int], data: bytes) -> list[int]:
    """How many bytes the kernel took of each; NOBODY where there is nobody any more."""
    taken: list[int] = []
    while len(taken) < len(fds):
        try:
            taken.extend(
                map(os.write, fds[len(taken) :], repeat(data))
            )  # what was written before an error stays in it
        except BlockingIOError:
            taken.append(0)
        except OSError:
            taken.append(NOBODY)
    return taken


def _together(dirty: list[Audience]) -> list[tuple[Batch, set[Audience], list[Subscription]]]:
    """What is to be written, with its audiences and readers: of many the same events wait, and are joined once."""
    groups: dict[tuple[object, ...], list[Audience]] = {}
    for audience in dirty:
        groups.setdefault((audience.socket, *audience.pending), []).append(audience)
    rounds = []
    for audiences in groups.values():
        batch = Batch(audiences[0].pending, audiences[0].socket)
        rounds.append((batch, set(audiences), [reader for each in audiences for reader in each.plugged]))
    for audience in dirty:
        audience.pending = []
    return rounds
