"""The hub: one per web process. It reads the log, remembers it, and puts each event to the readers it is for.

It knows subscriptions, not sockets; the transports take from them. Four loops run beside the requests: the
log, the volatile channel, the beats, and the question whether everybody may still read. DESIGN 4.3, 4.5.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import redis

from live.errors import HistoryLost
from live.event import REVOKE, Encoded, Event
from live.log import EPOCH, LATEST_KEPT_S, WAKE, Log
from live.memory import Memory, remember
from live.position import NONE, Position
from live.presence import Place, Presence, Wanted
from live.subscription import Subscription

if TYPE_CHECKING:
    from live.relay import Relay  # it needs SQLAlchemy, which a site may not have

READ_BLOCK_MS = 1000  # how long one XREAD waits; also how soon a stop or a question is noticed
CHECK_S = 5  # without news for so long, the hub asks Redis for epoch and head
STOP_S = 2
MAX_LAG_S = 5  # an older row in the outbox: the pages are told that they are behind (FAULTS 3.1)
RETURNS_PER_S = 300  # how many readers may come back per second (FAULTS 3.8)
FIRST_LOAD_S = 1.0  # a first page waits so long for the history, then goes out with position "none"
logger = logging.getLogger("live")


class Hub:
    """The readers of this process and what they are told.

    `clock` gives monotonic seconds; `still_valid` gets the open readers every `recheck_s` and ends those it must.
    """

    def __init__(
        self,
        log: Log,
        *,
        build: str,
        beat_s: float,
        recheck_s: float,
        still_valid: Callable[[list[Subscription]], None],
        has_presence: Wanted = lambda _topic: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self.build, self._still_valid, self._clock = log, build, still_valid, clock
        self._beat_s, self._recheck_s = beat_s, recheck_s
        self.presence = Presence(log, has_presence, self.places)
        self.relay: Relay | None = None
        self._lock = threading.RLock()
        self._memory: Memory | None = None
        self._latest: dict[tuple[str, str, str], Event] = {}
        self._seen_ms = 0  # time of the newest volatile event here; a long-poll brings it back
        self._readers: dict[Subscription, Position | None] = {}
        self._by_topic: dict[str, set[Subscription]] = defaultdict(set)
        self._unsettled: set[Subscription] = set()
        self._loaded, self._stopping, self._ask_now = threading.Event(), threading.Event(), threading.Event()
        self._owing = threading.Event()
        self._started_at = self._heard_at = 0.0
        self._threads: list[threading.Thread] = []

    # -- life -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the loops; a later call only waits, as the first does, for the history to be there."""
        with self._lock:
            if not self._threads:
                self._start_loops()
        self._loaded.wait(max(0.0, self._started_at + FIRST_LOAD_S - self._clock()))

    def _start_loops(self) -> None:
        loops = [self._read_log, self._listen, self._beats, self._rechecks, self._presence]
        self._threads = [
            threading.Thread(target=loop, name=f"live{loop.__name__}", daemon=True) for loop in loops
        ]
        self._started_at = self._clock()
        for thread in self._threads:
            thread.start()
        if self.relay:
            self.relay.start()

    def stop(self) -> None:
        """Sends every reader away, each with a time to come back at, and ends the loops."""
        self._stopping.set()
        for reader in self.readers():
            reader.bye("restart", retry_ms=self.spread_ms())
        if self.relay:
            self.relay.stop()
        self._log.client.connection_pool.disconnect()  # whoever waits for Redis waits no longer
        for thread in self._threads:
            thread.join(timeout=STOP_S)

    def owe_resync(self) -> None:
        """An event could not be stored: as soon as Redis answers again, a new epoch resyncs every page."""
        self._owing.set()
        self._ask_now.set()

    # -- readers --------------------------------------------------------------------------------------

    def position(self) -> str:
        """Everything up to here is in this process; a page that reads the database now has it all."""
        memory = self._memory
        return str(memory.position) if memory else NONE

    def number(self) -> int:
        return self._memory.n if self._memory else 0

    def readers(self) -> list[Subscription]:
        with self._lock:
            return list(self._readers)

    def places(self, wanted: Wanted) -> set[Place]:
        """Which users follow which of the wanted topics by a connection of this process."""
        with self._lock:
            return {
                (topic, str(reader.identity.user_id))
                for topic, readers in self._by_topic.items()
                if wanted(topic)
                for reader in readers
                if topic in reader.topics
            }

    def spread_ms(self) -> int:
        """A random time to come back after, so that all readers of this process do not come at once."""
        return random.randint(500, 1000 + 1000 * len(self._readers) // RETURNS_PER_S)

    def join(self, reader: Subscription, position: Position | None, asked_at: int) -> None:
        """Lets a reader in: history first, then live, nothing lost between.

        Units: `asked_at` is the hub's number from before the rules were asked; a right that ended since is ended.
        """
        with self._lock:
            self._readers[reader] = position
            for topic in reader.joined:
                self._by_topic[topic].add(reader)
            self.presence.note(reader.joined, str(reader.identity.user_id))
            reader.say("live:open", json.dumps({"build": self.build, "seen": self._seen_ms}), quiet=True)
            if self._memory is None:
                self._unsettled.add(reader)
            else:
                self._settle(reader, self._memory, asked_at)

    def leave(self, reader: Subscription) -> None:
        """Forgets a reader; a second call does nothing."""
        reader.close()
        with self._lock:
            self._readers.pop(reader, None)
            self._unsettled.discard(reader)
            for topic in reader.joined:
                self._by_topic[topic].discard(reader)
                if not self._by_topic[topic]:
                    del self._by_topic[topic]

    def _settle(self, reader: Subscription, memory: Memory, asked_at: int) -> None:
        position = self._readers[reader]
        if position is None or not memory.proves(position):
            reader.resync(self.spread_ms())
            return
        for encoded in memory.after(min(asked_at, memory.n)):
            if encoded.event.name == REVOKE:
                _end_right(reader, encoded.event)
        reader.n = position.n
        for encoded in memory.after(position.n):
            if encoded.event.name != REVOKE and encoded.event.topic in reader.topics:
                reader.put(encoded, replay=True)
        self._put_latest(reader)
        if position.n > memory.n:  # another process was faster; Redis is asked whether that can be
            self._unsettled.add(reader)
            self._ask_now.set()

    def _put_latest(self, reader: Subscription) -> None:
        for event in self._latest.values():
            if event.topic in reader.topics and event.at_ms > reader.seen_ms:
                reader.put(Encoded(event, None))

    # -- the log --------------------------------------------------------------------------------------

    def _read_log(self) -> None:
        """Loads the log and follows it until the process ends; a connection's loop may swallow what it logs."""
        while not self._stopping.is_set():
            try:
                self._follow(self._load())
            except (redis.RedisError, HistoryLost, KeyError, ValueError, TypeError) as error:
                logger.warning("log: %s: %s", type(error).__name__, error)
                self._stopping.wait(random.uniform(0.1, 1))

    def _load(self) -> Memory:
        head = self._log.head(self.number())
        memory = remember(head, self._log.load(), self._log.max_events)
        with self._lock:
            self._adopt(memory)
        self._heard()
        self._loaded.set()
        return memory

    def _adopt(self, memory: Memory) -> None:
        """Takes a memory loaded anew: first the history, then every reader that it cannot prove complete resyncs."""
        known, self._memory = self._memory.n if self._memory else memory.n, memory
        for encoded in memory.after(known):
            if encoded.event.name == REVOKE:  # a right that ended while we were cut off
                self._deliver(encoded)
        for reader in list(self._readers):
            self._catch_up(reader, memory)
        self._unsettled = {reader for reader in self._unsettled if reader.n > memory.n}

    def _catch_up(self, reader: Subscription, memory: Memory) -> None:
        if reader in self._unsettled and reader.n == 0:
            self._settle(reader, memory, asked_at=memory.n)
        elif not memory.proves(Position(self._epoch_of(reader), reader.n)):
            reader.resync(self.spread_ms())
        else:
            for encoded in memory.after(reader.n):
                if encoded.event.name != REVOKE:
                    self._deliver_to(reader, encoded)

    def _epoch_of(self, reader: Subscription) -> str:
        position = self._readers[reader]
        return position.epoch if position else ""

    def _follow(self, memory: Memory) -> None:
        while not self._stopping.is_set():
            entries = self._log.read(memory.n, READ_BLOCK_MS)
            with self._lock:
                for entry in entries:
                    self._deliver(memory.add(entry))
            if entries:
                self._heard()
            if self._ask_now.is_set() or self._clock() - self._heard_at >= CHECK_S:
                self._ask(memory)

    def _ask(self, memory: Memory) -> None:
        """Is it still the same history? And can Redis reach as far as the readers who are ahead of us?"""
        self._ask_now.clear()
        head = self._log.reset() if self._owing.is_set() else self._log.head(memory.n)
        self._owing.clear()
        if head.epoch != memory.epoch:
            raise HistoryLost(f"epoch {memory.epoch} became {head.epoch}")
        self._heard()
        with self._lock:
            for reader in self._unsettled:
                if reader.n > head.n:
                    reader.resync(self.spread_ms())
            self._unsettled = {reader for reader in self._unsettled if memory.n < reader.n <= head.n}

    def _heard(self) -> None:
        self._heard_at = self._clock()

    def _deliver(self, encoded: Encoded) -> None:
        if encoded.event.name == REVOKE:
            for reader in list(self._readers):
                _end_right(reader, encoded.event)
            return
        for reader in list(self._by_topic.get(encoded.event.topic, ())):
            self._deliver_to(reader, encoded)

    def _deliver_to(self, reader: Subscription, encoded: Encoded) -> None:
        if encoded.event.topic in reader.topics and (encoded.n is None or encoded.n > reader.n):
            reader.put(encoded)

    # -- what is worthless a second later ---------------------------------------------------------------

    def _listen(self) -> None:
        """Follows the space's channel; a connection's loop may swallow what it logs."""
        while not self._stopping.is_set():
            try:
                with self._log.client.pubsub() as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe(self._log.channel)
                    self._hear_channel(channel)
            except (redis.RedisError, KeyError, ValueError, TypeError) as error:
                logger.warning("channel: %s: %s", type(error).__name__, error)
                self._stopping.wait(random.uniform(0.1, 1))

    def _hear_channel(self, channel: Any) -> None:
        while not self._stopping.is_set():
            message = channel.get_message(timeout=READ_BLOCK_MS / 1000)
            if message and message["type"] == "subscribe":  # also after a silent reconnection (STACK 1.1 p)
                for event in self._log.latest():
                    self._volatile(event)
            elif message:
                self._heard_on_channel(message["data"])

    def _heard_on_channel(self, text: str) -> None:
        if text == EPOCH:
            self._ask_now.set()
        elif text != WAKE:
            self._volatile(Event.load(text))
        elif self.relay:
            self.relay.wake()

    def _volatile(self, event: Event) -> None:
        with self._lock:
            if event.slot:
                known = self._latest.get(event.slot)
                if known and (known.at_ms > event.at_ms or known == event):  # older, or heard twice
                    return
                self._latest[event.slot] = event
                self._seen_ms = max(self._seen_ms, event.at_ms)
            self._deliver(Encoded(event, None))

    # -- beats and rights -------------------------------------------------------------------------------

    def _beats(self) -> None:
        while not self._stopping.wait(self._beat_s):
            self.beat()

    def beat(self) -> None:
        """Tells every reader that the page is as true as this process knows, and how far that reaches."""
        oldest_ms = int(time.time() * 1000) - LATEST_KEPT_S * 1000
        with self._lock:
            self._latest = {slot: event for slot, event in self._latest.items() if event.at_ms > oldest_ms}
            for reader in self._readers:
                if not reader.finite:  # a long-poll gets its one beat at its end
                    self.beat_to(reader)

    def beat_to(self, reader: Subscription) -> None:
        """A beat carries the hub's own number, behind everything before it, unless the reader is ahead of it."""
        with self._lock:
            memory, fresh = self._memory, self._fresh()
            position = ""
            if fresh and memory and reader.n <= memory.n and reader not in self._unsettled:
                reader.n, position = memory.n, str(memory.position)
            reader.say("live:beat", json.dumps({"fresh": fresh}), position=position)

    def _fresh(self) -> bool:
        lag_s = self.relay.lag_s if self.relay else 0
        heard = self._clock() - self._heard_at < CHECK_S + 2 * READ_BLOCK_MS / 1000
        return self._memory is not None and heard and lag_s < MAX_LAG_S

    def _presence(self) -> None:
        self.presence.run(self._stopping)

    def _rechecks(self) -> None:
        while not self._stopping.wait(self._recheck_s):
            readers = self.readers()
            if readers:
                self._still_valid(readers)


def _end_right(reader: Subscription, event: Event) -> None:
    """Ends what a revocation names: a topic of somebody or of everybody, or all connections of a user or session."""
    what = json.loads(event.data)
    user_id, session_id, topic = what.get("user_id"), what.get("session_id"), what.get("topic")
    if user_id is not None and str(user_id) != str(reader.identity.user_id):
        return
    if session_id is not None and session_id != reader.identity.session_id:
        return
    if topic is None:
        reader.bye("signed-out", retry_ms=1000)
    elif topic in reader.topics:
        reader.drop_topic(topic)
