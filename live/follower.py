"""Follows the log of a space: loads it, then takes each new entry in its turn, and asks whether it is still the same.

One loop per process. What it reads goes to the hub. DESIGN 4.2.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from collections.abc import Callable

from live.errors import HistoryLost
from live.log import NO_REDIS, Entry, Log
from live.memory import Memory, remember

CHECK_S = 5  # without news for so long, Redis is asked for epoch and head
REMEMBERED = 1000  # epochs that are over
logger = logging.getLogger("live")


class Follower:
    """The reading end of the log in this process.

    Shape: `renew(memory)` gets a history loaded anew, `take(memory, entries)` what comes after it, `ahead(head)` the
    newest number in Redis each time it was asked for.
    """

    def __init__(
        self,
        log: Log,
        stopping: threading.Event,
        *,
        read_ms: int,
        clock: Callable[[], float],
        renew: Callable[[Memory], None],
        take: Callable[[Memory, list[Entry]], None],
        ahead: Callable[[int], None],
    ) -> None:
        self._log, self._stopping, self._read_ms, self._clock = log, stopping, read_ms, clock
        self._renew, self._take, self._ahead = renew, take, ahead
        self.memory: Memory | None = None
        self.loaded = threading.Event()
        self._ask_now, self._owing = threading.Event(), threading.Event()
        self._heard_at = 0.0
        self._over: deque[str] = deque(maxlen=REMEMBERED)

    def run(self) -> None:
        """Loads the log and follows it until the process ends; a connection's loop may swallow what it logs."""
        while not self._stopping.is_set():
            try:
                self._follow(self.load())
            except (*NO_REDIS, HistoryLost, KeyError, ValueError, TypeError) as error:
                if not self._stopping.is_set():
                    logger.warning("log: %s: %s", type(error).__name__, error)
                self._stopping.wait(random.uniform(0.1, 1))

    @property
    def epoch(self) -> str:
        return self.memory.epoch if self.memory else ""

    def number(self) -> int:
        return self.memory.n if self.memory else 0

    def heard_lately(self) -> bool:
        """Redis has answered not long ago."""
        return self._clock() - self._heard_at < CHECK_S + 2 * self._read_ms / 1000

    def ask_soon(self) -> None:
        """Something may have happened that only Redis knows."""
        self._ask_now.set()

    def owe_resync(self) -> None:
        """An event could not be stored: as soon as Redis answers again, a new epoch resyncs every page."""
        self._owing.set()
        self._ask_now.set()

    def load(self) -> Memory:
        head = self._log.head(self.number())
        if self.memory and head.epoch != self.memory.epoch:
            self._over.append(self.memory.epoch)
        if head.epoch in self._over:
            # A server that was primary before is it again: its history looks complete, and what happened since is not
            # in it. With an outbox the relay knows that by the database; this is for sites without one.
            head = self._log.reset()
        if self._log.throws_away():
            logger.error(
                "Redis throws keys away when it is full (maxmemory-policy allkeys-*): set noeviction"
            )
        memory = remember(head, self._log.load(), self._log.max_events)
        self._renew(memory)
        self._heard()
        self.loaded.set()
        return memory

    def _follow(self, memory: Memory) -> None:
        while not self._stopping.is_set():
            entries = self._log.read(memory.n, self._read_ms)
            if entries:
                self._take(memory, entries)
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
        self._ahead(head.n)

    def _heard(self) -> None:
        self._heard_at = self._clock()
