"""Topics that say how often: `max_per_second`, the newest of a key wins, and the newest always comes.

What is held back arrives without its number, for newer numbers have gone out meanwhile; so that nobody who comes
back by a number misses it, the newest numbered event of each key of these topics is given to everybody who joins. A
long-poll joins again and again: it is given what it can have missed since the one before.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from live.event import Encoded

REMEMBERED = 10_000  # topics whose rate is known by heart, and topics whose newest events are
MAX_KEYS = 1000  # of one topic, whose newest event is known; the page itself shows older ones
POLL_GAP_S = 1  # between two long-polls of a page, which asks again after half a second

_Slot = tuple[str, str, str]


class _Window:
    """One topic's: nothing goes out before `until`, then what is held does, and the next window begins."""

    __slots__ = ("held", "until")

    def __init__(self) -> None:
        self.until, self.held = 0.0, dict[_Slot, Encoded]()


class Rates:
    """What is held back in this process.

    Shape: `rate_of(topic)` is how many a second it wants, None for all; `release(encoded)` gets what was held.
    """

    def __init__(
        self,
        rate_of: Callable[[str], float | None],
        release: Callable[[Encoded], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate_of, self._release, self._clock = rate_of, release, clock
        self._rates: dict[str, float | None] = {}
        self._windows: dict[str, _Window] = {}
        self._newest = OrderedDict[str, OrderedDict[_Slot, tuple[float, Encoded]]]()
        self._lock, self._holding = threading.Lock(), threading.Event()

    def holds(self, encoded: Encoded) -> bool:
        """Whether the event must wait; it then goes out by itself, unless a newer one of its key comes before."""
        rate = self._rate(encoded.topic)
        slot = encoded.slot
        if rate is None or (slot is None and encoded.n is not None):  # without a key each of them counts
            return False
        slot = slot or (encoded.topic, encoded.event.target, encoded.event.name)
        with self._lock:
            self._note(slot, encoded)
            window = self._windows.setdefault(encoded.topic, _Window())
            now = self._clock()
            if now >= window.until and not window.held:
                window.until = now + 1 / rate
                return False
            window.held.pop(slot, None)  # the newer one goes to the end
            window.held[slot] = encoded
        self._holding.set()
        return True

    def newest(self, topics: Iterable[str], n: int, *, polls: bool = False) -> list[Encoded]:
        """The newest event of each key of the topics, as far as somebody at number `n` may have missed it."""
        with self._lock:
            known = [each for topic in topics for each in self._noted(topic, polls)]
        return [_bare(each) for each in known if each.n is not None and each.n <= n]

    def _noted(self, topic: str, polls: bool) -> list[Encoded]:
        rate = self._rate(topic)
        if topic not in self._newest or not rate:
            return []
        since = self._clock() - 1 / rate - POLL_GAP_S if polls else 0
        return [encoded for heard_at, encoded in self._newest[topic].values() if heard_at >= since]

    def _note(self, slot: _Slot, encoded: Encoded) -> None:
        if encoded.n is None:
            return
        slots = self._newest.setdefault(encoded.topic, OrderedDict())
        slots[slot] = self._clock(), encoded
        slots.move_to_end(slot)
        self._newest.move_to_end(encoded.topic)
        if len(slots) > MAX_KEYS:
            slots.popitem(last=False)
        if len(self._newest) > REMEMBERED:
            self._newest.popitem(last=False)

    def renew(self, history: Iterable[Encoded]) -> None:
        """Another history, or one with events in it that were not heard one by one."""
        with self._lock:
            self._newest.clear()
            for encoded in history:
                if encoded.slot and self._rate(encoded.topic):
                    self._note(encoded.slot, encoded)

    def let_go(self) -> None:
        """All that is held goes out, for whoever waits for it is about to be sent away."""
        with self._lock:
            due = [encoded for window in self._windows.values() for encoded in window.held.values()]
            self._windows.clear()
        for encoded in due:
            self._release(_bare(encoded))

    def run(self, stopping: threading.Event) -> None:
        """Lets go what is due, until it is told to stop."""
        while not stopping.is_set():
            self._holding.wait(1)
            stopping.wait(min(1.0, self.turn()))

    def wake(self) -> None:
        """Whoever waits in `run` looks at once whether it is to stop."""
        self._holding.set()

    def turn(self) -> float:
        """Lets go what is due now; the seconds until the next is, 0 when nothing is held."""
        due, now, next_at = list[Encoded](), self._clock(), float("inf")
        with self._lock:
            self._holding.clear()
            for topic, window in list(self._windows.items()):
                if window.until <= now:
                    due += self._open(topic, window, now)
                if window.held or window.until > now:
                    next_at = min(next_at, window.until)
                    if window.held:
                        self._holding.set()
        for encoded in due:
            self._release(_bare(encoded))
        return max(0.0, next_at - now) if next_at != float("inf") else 0.0

    def _open(self, topic: str, window: _Window, now: float) -> list[Encoded]:
        held, window.held = list(window.held.values()), {}
        rate = self._rate(topic)
        if held and rate:
            window.until = now + 1 / rate
        else:
            del self._windows[topic]
        return held

    def _rate(self, topic: str) -> float | None:
        if topic not in self._rates:
            if len(self._rates) >= REMEMBERED:
                self._rates.clear()
            self._rates[topic] = self._rate_of(topic)
        return self._rates[topic]


def _bare(encoded: Encoded) -> Encoded:
    return encoded if encoded.n is None else Encoded(encoded.event, None)
