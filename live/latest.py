"""What is worthless a second later: the space's channel, and the newest volatile event of each key.

One loop per process listens; what it hears goes to the hub, which puts it to the readers. DESIGN 4.1, 4.2.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import redis

from live.event import Event
from live.log import EPOCH, LATEST_KEPT_S, WAKE, Log
from live.subscription import Subscription

SETTLED_S = 0.02  # events of one millisecond are heard within it
ON_THE_WAY_S, MAX_ON_THE_WAY = 3, 1000  # so long, and so many, what has no key is kept for long-polls
logger = logging.getLogger("live")


class Latest:
    """The channel's listener and what it keeps.

    Shape: `deliver(event)`, `ask()` when another epoch was announced, `wake()` when the relay is called.
    """

    def __init__(
        self,
        log: Log,
        stopping: threading.Event,
        deliver: Callable[[Event], None],
        ask: Callable[[], None],
        wake: Callable[[], None],
        *,
        read_s: float,
    ) -> None:
        self._log, self._stopping, self._read_s = log, stopping, read_s
        self._lock = threading.Lock()
        self._deliver, self._ask, self._wake = deliver, ask, wake
        self._newest: dict[tuple[str, str, str], Event] = {}
        self._passing: deque[Event] = deque(maxlen=MAX_ON_THE_WAY)
        self._newest_ms, self._heard_at = 0, 0.0

    @property
    def seen_ms(self) -> int:
        """The time of the newest event heard; a long-poll brings it back, and is given what is newer."""
        # Another of the same millisecond may be on its way: then this one is rather given twice than that one never.
        return self._newest_ms - (time.monotonic() - self._heard_at < SETTLED_S)

    def after(self, reader: Subscription) -> list[Event]:
        """The newest of each key of its topics that a page has not seen; for a long-poll that comes back also what has
        no key, or whoever polls would hardly hear of it."""
        kept = [event for event in list(self._newest.values()) if event.at_ms > reader.seen_ms]
        if reader.finite and reader.seen_ms:
            since_ms = max(reader.seen_ms, int(time.time() * 1000) - ON_THE_WAY_S * 1000)
            kept += [event for event in list(self._passing) if event.at_ms > since_ms]
        return [event for event in kept if event.topic in reader.topics]

    def forget_old(self) -> None:
        oldest_ms = int(time.time() * 1000) - LATEST_KEPT_S * 1000
        with self._lock:
            self._newest = {slot: event for slot, event in self._newest.items() if event.at_ms > oldest_ms}

    def listen(self) -> None:
        """Follows the channel until the process ends; a connection's loop may swallow what it logs."""
        while not self._stopping.is_set():
            try:
                with self._log.client.pubsub() as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe(self._log.channel)
                    self._hear(channel)
            except (redis.RedisError, KeyError, ValueError, TypeError) as error:
                logger.warning("channel: %s: %s", type(error).__name__, error)
                self._stopping.wait(random.uniform(0.1, 1))

    def _hear(self, channel: Any) -> None:
        while not self._stopping.is_set():
            message = channel.get_message(timeout=self._read_s)
            if message and message["type"] == "subscribe":  # also after a silent reconnection (STACK 1.1 p)
                for event in self._log.latest():
                    self.take(event)
            elif message:
                self._said(message["data"])

    def _said(self, text: str) -> None:
        if text == EPOCH:
            self._ask()
        elif text == WAKE:
            self._wake()
        else:
            self.take(Event.load(text))

    def take(self, event: Event) -> None:
        """Keeps and delivers it, unless a newer one of its key is known, or it was heard before."""
        slot = event.slot
        with self._lock:
            known = self._newest.get(slot) if slot else None
            if known and (known.at_ms > event.at_ms or known == event):
                return
            if slot:
                self._newest[slot] = event
            else:
                self._passing.append(event)
        self._deliver(event)
        # Only now: nobody is told that they have seen what they are yet to get.
        self._newest_ms, self._heard_at = max(self._newest_ms, event.at_ms), time.monotonic()
