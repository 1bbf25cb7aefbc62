"""What a web process remembers of the log: the newest events without holes, each encoded once."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from live.errors import HistoryLost
from live.event import Encoded
from live.log import Entry
from live.position import Position


class Memory:
    """The contiguous end of one epoch of the log.

    Units: `n` is the newest number held, `floor` the oldest position from which nothing is missing.
    """

    def __init__(self, epoch: str, floor: int, max_events: int) -> None:
        self.epoch, self.n = epoch, floor
        self._events: deque[Encoded] = deque(maxlen=max_events)

    @property
    def floor(self) -> int:
        return self.n - len(self._events)

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.n)

    def add(self, entry: Entry) -> Encoded:
        """Takes the next entry.

        Errors: HistoryLost when it is of another epoch or not the next.
        """
        if entry.epoch != self.epoch or entry.n != self.n + 1:
            raise HistoryLost(f"expected {self.epoch}-{self.n + 1}, found {entry.epoch}-{entry.n}")
        self.n = entry.n
        encoded = Encoded(entry.event, entry.n, str(self.position))
        self._events.append(encoded)
        return encoded

    def after(self, n: int) -> Iterator[Encoded]:
        """The events after a number that is not below the floor, oldest first."""
        # From the new end: whoever comes back has missed little of the ten thousand.
        return reversed(list(islice(reversed(self._events), max(0, self.n - n))))

    def proves(self, position: Position | None) -> bool:
        """Whether nothing can be missing between the position and the newest event.

        A position ahead of this process passes: another process was faster; the hub asks Redis about it.
        """
        return position is not None and position.epoch == self.epoch and position.n >= self.floor


def remember(head: Position, entries: Iterable[Entry], max_events: int) -> Memory:
    """The memory of a log just loaded.

    Errors: HistoryLost when it got another epoch while it was read.
    """
    entries = list(entries)
    memory = Memory(head.epoch, entries[0].n - 1 if entries else head.n, max_events)
    for entry in entries:
        if (
            entry.epoch == head.epoch and entry.n != memory.n + 1
        ):  # an entry is gone: nothing before it can be proven
            memory = Memory(head.epoch, entry.n - 1, max_events)
        memory.add(entry)
    return memory
