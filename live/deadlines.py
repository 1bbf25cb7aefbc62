"""Readers that wait until some moment: polls for their answer, ended connections for the peer, sockets for a ping."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from live.subscription import Subscription

NEVER = float("inf")


class Deadlines:
    """Who is due when; one queue for each length of waiting, so that the first in each is the next of it."""

    def __init__(self) -> None:
        self._queues: dict[float, OrderedDict[Subscription, float]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[Subscription]:
        return iter([reader for queue in self._queues.values() for reader in queue])

    def __contains__(self, reader: Subscription) -> bool:
        return any(reader in queue for queue in self._queues.values())

    def add(self, reader: Subscription, wait_s: float) -> None:
        self._queues.setdefault(wait_s, OrderedDict())[reader] = time.monotonic() + wait_s

    def remove(self, reader: Subscription) -> None:
        """A second call does nothing."""
        for queue in self._queues.values():
            queue.pop(reader, None)

    def next(self) -> float:
        """When the next is due, on the monotonic clock."""
        return min((next(iter(queue.values()), NEVER) for queue in self._queues.values()), default=NEVER)

    def take_due(self, now: float) -> Iterator[Subscription]:
        """Those whose time has come; they wait no longer."""
        for queue in list(self._queues.values()):
            while next(iter(queue.values()), NEVER) <= now:
                yield queue.popitem(last=False)[0]
