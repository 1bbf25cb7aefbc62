"""An audience: the readers that follow exactly the same topics in the same form, so what they are told is joined once.

The hub keeps one for each set of topics that is followed; what waits in `pending` goes out in the next round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from live.event import Encoded

if TYPE_CHECKING:
    from live.subscription import Subscription

_ANY = 1 << 62


class Audience:
    """Readers of one set of topics.

    Shape: `takers` have a thread or greenlet that takes from their buffer, or are long-polls; `plugged` are
    those whose sockets the hub writes to.
    """

    __slots__ = ("pending", "plugged", "socket", "takers", "topics")

    def __init__(self, topics: frozenset[str], socket: bool) -> None:
        self.topics, self.socket = topics, socket
        self.takers: set[Subscription] = set()
        self.plugged: set[Subscription] = set()
        self.pending: list[Encoded] = []

    def add(self, reader: Subscription) -> None:
        self.takers.add(reader)
        reader.audience, reader.topics = self, self.topics

    def plug(self, reader: Subscription) -> None:
        """From now on the hub writes to it."""
        self.takers.discard(reader)
        self.plugged.add(reader)

    def remove(self, reader: Subscription) -> None:
        """A second call does nothing."""
        self.takers.discard(reader)
        self.plugged.discard(reader)
        reader.audience = None

    @property
    def empty(self) -> bool:
        return not self.takers and not self.plugged


class Batch:
    """Events that go out together.

    Shape: `data` is all of them as bytes; a reader may be given it as it is when its number is at most
    `after`, and has then read up to `last` (0: nothing with a number).
    """

    __slots__ = ("after", "data", "events", "last")

    def __init__(self, events: Sequence[Encoded], socket: bool) -> None:
        numbers = [(event.n, event.topic) for event in events if event.n is not None]
        self.last = max((n for n, _ in numbers), default=0)
        # A beat repeats the newest number, an event has one of its own.
        self.after = numbers[0][0] - bool(numbers[0][1]) if numbers else _ANY
        self.events = newest_of_each(events)
        blocks = [event.frame if socket else event.sse for event in self.events]
        self.data = blocks[0] if len(blocks) == 1 else b"".join(blocks)


def newest_of_each(events: Iterable[Encoded]) -> list[Encoded]:
    """Of each slot the newest event only, at its place; all events without one."""
    kept: dict[object, Encoded] = {}
    for event in events:
        key = event.slot or event
        kept.pop(key, None)
        kept[key] = event
    return list(kept.values())
