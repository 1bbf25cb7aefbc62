"""What a reader has missed and gets first: its replay, the newest volatile values, or a resync where nothing proves it.

The hub calls it under its lock. Whether an event is for a reader at all is decided here, in one place. DESIGN 4.3.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from live.audience import Audience
from live.event import RIGHTS, Encoded, Event
from live.follower import Follower
from live.latest import Latest
from live.memory import Memory
from live.position import Position
from live.rates import Rates
from live.readers import Readers
from live.subscription import PIECE_BYTES, Subscription

RETURNS_PER_S = 300  # how many readers may come back per second (FAULTS 3.8)
# A repair costs the site a whole page, some 40 ms of CPU; more at once would only wait in line and then in vain.
REPAIRS_PER_S, REPAIRS_WITHIN_S = 20, 10


class CatchingUp:
    """The readers that do not have everything yet, and how they get it.

    `change_rights(reader, event)` does what a line about rights says.
    """

    def __init__(
        self,
        readers: Readers,
        rates: Rates,
        follower: Callable[[], Follower],
        latest: Callable[[], Latest],
        change_rights: Callable[[Subscription, Event], None],
    ) -> None:
        self._rates = rates
        self._readers, self._follower, self._latest = readers, follower, latest
        self._change_rights = change_rights
        self._unsettled: dict[Subscription, Position | None] = {}
        self._repair_at = 0.0  # when the last one that was sent to repair its page does it, monotonic

    def spread_ms(self) -> int:
        """A random time to come back after, so that all readers of this process do not come at once."""
        return random.randint(500, 1000 + 1000 * len(self._readers) // RETURNS_PER_S)

    def _repair_ms(self) -> int:
        """When the next reader may fetch its page: one after the other, and of very many some in between."""
        now = time.monotonic()
        end = now + REPAIRS_WITHIN_S
        self._repair_at = max(now, self._repair_at) + 1 / REPAIRS_PER_S
        if self._repair_at > end:
            self._repair_at = end
            return random.randint(0, 1000 * REPAIRS_WITHIN_S)
        return round(1000 * (self._repair_at - now))

    def begin(self, reader: Subscription, position: Position | None, asked_at: int) -> None:
        """A reader has joined at its position; it waits when the history is not here yet."""
        memory = self._follower().memory
        if memory is None:
            self._unsettled[reader] = position
        else:
            self._settle(reader, position, memory, asked_at)

    def forget(self, reader: Subscription) -> None:
        self._unsettled.pop(reader, None)

    def offer(self, reader: Subscription, encoded: Encoded) -> None:
        """Puts an event, or a beat, to a reader if it is for it, and not known to it or coming by a replay."""
        n = encoded.n
        if not encoded.topic:  # a beat: its number is only true for whoever has everything before it
            ahead = n is not None and (n < reader.n or reader.refill is not None)
            reader.put(Encoded(encoded.event, None) if ahead else encoded)
        elif encoded.topic in reader.topics and (n is None or (n > reader.n and not reader.refill)):
            reader.put(encoded)

    def renew(self, known: int, memory: Memory) -> None:
        """A history loaded anew: every reader that it cannot prove complete resyncs; `known` was the newest before."""
        for encoded in memory.after(known):
            if encoded.event.name in RIGHTS:  # what changed while we were cut off
                for reader in self._readers.all():
                    self._change_rights(reader, encoded.event)
        for reader in self._readers.all():
            if not reader.epoch and reader in self._unsettled:
                self._settle(reader, self._unsettled.pop(reader), memory, asked_at=memory.n)
            elif not reader.refill:  # a replay sees for itself
                self._catch_up(reader, memory)
        self._wait_for_those_ahead(memory.n)

    def settle_ahead(self, head: int, n: int) -> None:
        """Readers ahead of this process (at `n`) are waited for as far as Redis reaches; the others resync."""
        for reader in self._unsettled:
            if reader.n > head:
                reader.resync(self._repair_ms())
        self._wait_for_those_ahead(n)

    def hurry(self, reader: Subscription, audience: Audience) -> None:
        """Puts what the reader would get with the rounds of an audience that it leaves."""
        memory = self._follower().memory
        pending = [encoded for encoded in audience.pending if encoded.n is None and encoded.topic]
        if memory and not reader.refill:
            self._catch_up(reader, memory)
        for encoded in pending:
            self.offer(reader, encoded)

    def _wait_for_those_ahead(self, n: int) -> None:
        self._unsettled = {
            reader: position
            for reader, position in self._unsettled.items()
            if reader.n > n and not reader.ended
        }

    def _settle(self, reader: Subscription, position: Position | None, memory: Memory, asked_at: int) -> None:
        if position is None or not memory.proves(position):
            reader.resync(self._repair_ms())
            return
        for encoded in memory.after(min(asked_at, memory.n)):
            if encoded.event.name in RIGHTS:
                self._change_rights(reader, encoded.event)
        reader.n, reader.epoch = position.n, position.epoch
        self._tell_all(reader)
        if position.n > memory.n:  # another process was faster; Redis is asked whether that can be
            self._unsettled[reader] = position
            self._follower().ask_soon()

    def _tell_all(self, reader: Subscription) -> None:
        """What came while it was away: that somebody types, what they wrote, and then the newest values."""
        for event in self._latest().passing(reader):
            reader.put(Encoded(event, None))
        newest = self._rates.newest(reader.topics, reader.n, polls=reader.finite)
        self._replay(reader)
        for encoded in [*newest, *(Encoded(event, None) for event in self._latest().after(reader))]:
            reader.put(encoded)

    def _replay(self, reader: Subscription) -> None:
        """Puts the next part of the history; the reader asks for the one after it when this is written."""
        memory, size, reader.refill = self._follower().memory, 0, None
        if memory is None or not memory.proves(Position(reader.epoch, reader.n)):
            reader.resync(self._repair_ms())  # the window has moved on meanwhile
            return
        for encoded in memory.after(reader.n):
            if size >= PIECE_BYTES:
                reader.refill = self._replay
                return
            if encoded.topic in reader.topics and encoded.event.name not in RIGHTS:
                reader.put(encoded, replay=True)
                size += len(encoded.sse)
            elif encoded.n is not None:
                reader.n = encoded.n

    def _catch_up(self, reader: Subscription, memory: Memory) -> None:
        if not memory.proves(Position(reader.epoch, reader.n)):
            reader.resync(self._repair_ms())
            return
        for encoded in memory.after(reader.n):
            if encoded.event.name not in RIGHTS:
                self.offer(reader, encoded)
