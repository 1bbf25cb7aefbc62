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
from dataclasses import replace
from typing import Any

from live.event import Event
from live.log import EPOCH, LATEST_KEPT_S, NO_REDIS, WAKE, Log
from live.subscription import Subscription

SETTLED_S = 0.02  # events of one millisecond are heard within it
# Who is older than the one before by more than that was made after a clock was set back: no channel is so late.
SET_BACK_MS = 60_000
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
        self._heard: dict[tuple[str, str, str], float] = {}  # when, in monotonic seconds
        self._passing: deque[tuple[float, Event]] = deque(maxlen=MAX_ON_THE_WAY)
        self._newest_ms, self._heard_at = 0, 0.0

    @property
    def seen_ms(self) -> int:
        """The time of the newest event heard; a long-poll brings it back, and is given what is newer."""
        # Another of the same millisecond may be on its way: then this one is rather given twice than that one never.
        return self._newest_ms - (time.monotonic() - self._heard_at < SETTLED_S)

    def after(self, reader: Subscription) -> list[Event]:
        """The newest of each key of its topics that a page has not seen."""
        seen_ms, newest = self._seen_by(reader), list(self._newest.values())
        return [event for event in newest if event.at_ms > seen_ms and event.topic in reader.topics]

    def passing(self, reader: Subscription) -> list[Event]:
        """What has no key and came while a long-poll was on its way back, or whoever polls would hardly hear of it."""
        seen_ms = self._seen_by(reader)
        if not reader.finite or not seen_ms:
            return []
        heard_since = time.monotonic() - ON_THE_WAY_S
        since_ms = max(seen_ms, self._newest_ms - ON_THE_WAY_S * 1000)
        came = [event for heard, event in list(self._passing) if heard > heard_since]
        return [event for event in came if event.at_ms > since_ms and event.topic in reader.topics]

    def _seen_by(self, reader: Subscription) -> int:
        """0 for what cannot be: the clocks were set back since."""
        return reader.seen_ms if reader.seen_ms <= self._newest_ms + SET_BACK_MS else 0

    def forget_old(self) -> None:
        # By when it was heard: whose clock made it may be an hour off.
        oldest = time.monotonic() - LATEST_KEPT_S
        with self._lock:
            self._heard = {slot: at for slot, at in self._heard.items() if at > oldest}
            self._newest = {slot: event for slot, event in self._newest.items() if slot in self._heard}

    def listen(self) -> None:
        """Follows the channel until the process ends; a connection's loop may swallow what it logs."""
        while not self._stopping.is_set():
            try:
                with self._log.client.pubsub() as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe(self._log.channel)
                    self._hear(channel)
            except (*NO_REDIS, KeyError, ValueError, TypeError) as error:
                if not self._stopping.is_set():
                    logger.warning("channel: %s: %s", type(error).__name__, error)
                self._stopping.wait(random.uniform(0.1, 1))

    def _hear(self, channel: Any) -> None:
        while not self._stopping.is_set():
            message = channel.get_message(timeout=self._read_s)
            if message and message["type"] == "subscribe":  # also after a silent reconnection (STACK 1.1 p)
                for event in self._log.latest():
                    self.take(event, kept=True)
            elif message:
                self._said(message["data"])

    def _said(self, text: str) -> None:
        if text == EPOCH:
            self._ask()
        elif text == WAKE:
            self._wake()
        else:
            self.take(Event.load(text))

    def take(self, event: Event, *, kept: bool = False) -> None:
        """Keeps and delivers it, unless a newer one of its key is known, or it was heard before."""
        slot = event.slot
        with self._lock:
            known = self._newest.get(slot) if slot else None
            behind_ms = (known.at_ms if known else 0 if slot else self._newest_ms) - event.at_ms
            if known and (known == event or (behind_ms > 0 and (kept or behind_ms < SET_BACK_MS))):
                return
            if behind_ms >= SET_BACK_MS:
                self._set_back(event.at_ms)
            if slot:
                self._newest[slot], self._heard[slot] = event, time.monotonic()
            else:
                self._passing.append((time.monotonic(), event))
        self._deliver(event)
        # Only now: nobody is told that they have seen what they are yet to get.
        self._newest_ms, self._heard_at = max(self._newest_ms, event.at_ms), time.monotonic()

    def _set_back(self, now_ms: int) -> None:
        """Nothing that is kept may look newer than what is made from now on."""
        kept = self._newest.items()
        self._newest = {slot: replace(event, at_ms=min(event.at_ms, now_ms)) for slot, event in kept}
        self._newest_ms = now_ms
