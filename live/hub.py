"""The hub: one per web process. It reads the log, remembers it, and puts each event to the readers it is for.

It knows subscriptions; what writes to their sockets is in sockets.py, and a transport that has no socket to give
takes from them. Four loops run beside the requests: the log, the volatile channel, the beats, and the question
whether everybody may still read. DESIGN 4.3, 4.5.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

from live.catching_up import CatchingUp
from live.event import RIGHTS, Encoded, Event
from live.follower import Follower
from live.latest import Latest
from live.log import Entry, Log
from live.memory import Memory
from live.position import NONE, Position
from live.presence import Place, Presence
from live.rates import Rates
from live.readers import Readers
from live.rights import Rights
from live.subscription import Subscription
from live.topics import Topics

if TYPE_CHECKING:
    from live.line import Line
    from live.relay import Relay  # it needs SQLAlchemy, which a site may not have
    from live.sockets import Sockets  # it needs gevent

READ_BLOCK_MS = 1000  # how long one XREAD waits; also how soon a stop or a question is noticed
STOP_S, STOP_LOOK_S = 2, 0.02
RECHECK_AT_ONCE, RECHECK_PAUSE_S = (
    100,
    0.01,
)  # thousands in one answer would keep all others waiting for a second
MAX_LAG_S = 5  # an older row in the outbox: the pages are told that they are behind (FAULTS 3.1)
FIRST_LOAD_S = 1.0  # a first page waits so long for the history, then goes out with position "none"
logger = logging.getLogger("live")


class Hub:
    """The readers of this process and what they are told.

    `clock` gives monotonic seconds; `topics` knows presence and rates;
    `still_valid` gets the open readers every `recheck_s`, some at a time, and ends those it must.
    """

    def __init__(
        self,
        log: Log,
        *,
        build: str,
        beat_s: float,
        recheck_s: float,
        still_valid: Callable[[list[Subscription]], None],
        topics: Topics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self.build, self._still_valid = log, build, still_valid
        self._beat_s, self._recheck_s = beat_s, recheck_s
        topics = topics or Topics()
        self.presence = Presence(log, self.places)
        self.relay: Relay | None = None
        self._lock = threading.RLock()
        self.open = Readers(topics.has_presence)
        self.rates = Rates(topics.rate, self._release)
        self._stopping = threading.Event()
        self.follower = Follower(
            log,
            self._stopping,
            read_ms=READ_BLOCK_MS,
            clock=clock,
            renew=self._renew,
            take=self._take,
            ahead=self._settle_ahead,
        )
        self._latest = Latest(
            log,
            self._stopping,
            self._volatile,
            self.follower.ask_soon,
            self._call_relay,
            read_s=READ_BLOCK_MS / 1000,
        )
        self._threads: list[threading.Thread] = []
        self._started_at, self._clock = 0.0, clock
        self._has_sockets = False
        self._catching_up = CatchingUp(
            self.open, self.rates, lambda: self.follower, lambda: self._latest, self._change_rights
        )
        self._rights = Rights(self.open, self._catching_up)

    def start(self) -> None:
        """Starts the loops; a later call only waits, as the first does, for the history to be there."""
        if not self._threads:  # asked by each request, which should not wait for a round
            with self._lock:
                if not self._threads:
                    self._start_loops()
        if not self.follower.loaded.is_set():
            self.follower.loaded.wait(max(0.0, self._started_at + FIRST_LOAD_S - self._clock()))

    def _start_loops(self) -> None:
        loops = [self.follower.run, self._latest.listen, self._beats, self._rechecks]
        loops += [partial(each.run, self._stopping) for each in (self.presence, self.rates)]
        self._started_at = self._clock()
        self._threads = [threading.Thread(target=loop, name="live-hub", daemon=True) for loop in loops]
        for thread in self._threads:
            thread.start()
        if self.relay:
            self.relay.start()

    def stop(self) -> None:
        """Sends every reader away, each with a time to come back at, and ends the loops."""
        self._stopping.set()
        self.send_away()
        if self._has_sockets:
            self.sockets.drain(STOP_S)
        if self.relay:
            self.relay.stop()
        self._end_loops()

    def _end_loops(self) -> None:
        self.rates.wake()
        pool, until = self._log.client.connection_pool, self._clock() + STOP_S
        while self._clock() < until and (alive := [each for each in self._threads if each.is_alive()]):
            pool.disconnect()  # whoever waits for Redis waits no longer; again, because the client tries once more
            alive[0].join(timeout=STOP_LOOK_S)
        pool.disconnect()  # their last words opened some again

    def send_away(self) -> None:
        """Each reader there is now gets a time to come back at, and before that what was held back."""
        self.rates.let_go()
        for reader in self.readers():
            reader.bye("restart", retry_ms=self._catching_up.spread_ms())

    def owe_resync(self) -> None:
        """An event could not be stored: as soon as Redis answers again, a new epoch resyncs every page."""
        self.follower.owe_resync()

    def position(self) -> str:
        """Everything up to here is in this process; a page that reads the database now has it all."""
        memory = self.follower.memory
        return str(memory.position) if memory else NONE

    def number(self) -> int:
        return self.follower.number()

    def readers(self) -> list[Subscription]:
        return self.open.all()

    def places(self) -> set[Place]:
        """Which users follow which of the topics with presence by a connection of this process."""
        with self._lock:
            return self.open.places()

    def counters(self) -> dict[str, int]:
        """How many readers there are, and how many `send` calls wrote how many deliveries to their sockets."""
        sockets = self.sockets if self._has_sockets else None
        return {
            "readers": len(self.open),
            "sends": sockets.sends if sockets else 0,
            "deliveries": sockets.deliveries if sockets else 0,
        }

    def join(self, reader: Subscription, position: Position | None, asked_at: int) -> None:
        """Lets a reader in: history first, then live, nothing lost between.

        Units: `asked_at` is the hub's number from before the rules were asked; a right that ended since is ended.
        """
        with self._lock:
            self.open.add(reader)
            self.presence.note(self.open.with_presence(reader.topics), str(reader.identity.user_id))
            reader.greet(_opened(self.build, self._latest.seen_ms))
            self._catching_up.begin(reader, position, asked_at)

    def adopt(self, descriptor: int, reader: Subscription, line: Line) -> None:
        """Takes over a connection of a reader that has joined: the one door between requests and sockets."""
        with self._lock:
            self._has_sockets = True
            if not reader.finite and reader.audience:
                reader.audience.plug(reader)
        self.sockets.adopt(descriptor, reader, line)

    def leave(self, reader: Subscription) -> None:
        """Forgets a reader; a second call does nothing."""
        with self._lock:
            self.open.remove(reader)
            self._catching_up.forget(reader)
        reader.close()

    def drop(self, reader: Subscription, topic: str) -> None:
        """Takes a topic away from a reader; what was on its way of its other topics still arrives, in order."""
        with self._lock:
            self._rights.drop(reader, topic)

    def _renew(self, memory: Memory) -> None:
        with self._lock:
            old, self.follower.memory = self.follower.memory, memory
            self.rates.renew(memory.after(memory.floor))
            self._catching_up.renew(old.n if old else memory.n, memory)

    def _settle_ahead(self, head: int) -> None:
        with self._lock:
            self._catching_up.settle_ahead(head, self.number())

    def _take(self, memory: Memory, entries: list[Entry]) -> None:
        with self._lock:  # of both: nobody sees an entry in the history that was not delivered
            for entry in entries:
                self._deliver(memory.add(entry))

    def _deliver(self, encoded: Encoded) -> None:
        if encoded.event.name in RIGHTS:
            self._rights.change_all(encoded.event)
            return
        if not self.rates.holds(encoded):
            self._hand_out(encoded)

    def _release(self, encoded: Encoded) -> None:
        with self._lock:
            self._hand_out(encoded)

    def _hand_out(self, encoded: Encoded) -> None:
        for audience in self.open.following(encoded.topic):
            for reader in list(audience.takers):
                self._catching_up.offer(reader, encoded)
            if audience.plugged:
                self.sockets.hand_out(audience, encoded)

    def _change_rights(self, reader: Subscription, event: Event) -> None:
        self._rights.change(reader, event)

    @cached_property
    def sockets(self) -> Sockets:
        # Here, because a site that is not served by gevent does not need the package.
        from live.sockets import Sockets

        return Sockets(offer=self._catching_up.offer, beat_to=self.beat_to, leave=self.leave)

    def _volatile(self, event: Event) -> None:
        with self._lock:
            self._deliver(Encoded(event, None))

    def _call_relay(self) -> None:
        if self.relay:
            self.relay.called()

    def _beats(self) -> None:
        while not self._stopping.wait(self._beat_s):
            self.beat()

    def beat(self) -> None:
        """Tells every reader that the page is as true as this process knows, and how far that reaches."""
        self._latest.forget_old()
        with self._lock:
            beat = self._newest_beat()
            for audience in self.open.audiences():
                for reader in list(audience.takers):
                    if not reader.finite:  # a long-poll gets its one beat at its end
                        self._catching_up.offer(reader, beat)
                if audience.plugged:
                    self.sockets.hand_out(audience, beat)

    def beat_to(self, reader: Subscription) -> None:
        """The one beat of a long-poll."""
        with self._lock:
            self._catching_up.offer(reader, self._newest_beat())

    def _newest_beat(self) -> Encoded:
        """It carries the hub's own number, behind everything before it; the newest unsent one is enough."""
        memory, fresh = self.follower.memory, self._fresh()
        data = json.dumps({"fresh": fresh, "seen": self._latest.seen_ms})
        event = Event("", data, "live:beat", key="beat")
        return Encoded(event, memory.n, str(memory.position)) if memory and fresh else Encoded(event, None)

    def _fresh(self) -> bool:
        lag_s = self.relay.lag_s if self.relay else 0
        return self.follower.memory is not None and self.follower.heard_lately() and lag_s < MAX_LAG_S

    def _rechecks(self) -> None:
        while not self._stopping.wait(self._recheck_s):
            readers = self.readers()
            for start in range(0, len(readers), RECHECK_AT_ONCE):
                self._still_valid(readers[start : start + RECHECK_AT_ONCE])
                self._stopping.wait(RECHECK_PAUSE_S)


@lru_cache(maxsize=1)
def _opened(build: str, seen_ms: int) -> Encoded:
    """The first word to everybody who comes before the next event."""
    return Encoded(Event("", json.dumps({"build": build, "seen": seen_ms}), "live:open"), None)
