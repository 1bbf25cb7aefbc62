"""The checker: everything that was acknowledged against everything that was shown."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass
class Seen:
    """What one page was shown, in the order in which it was.

    Shape: `positions` are those of the events as they were applied, `arrived` the items that an event, not a
    repair, put into the page, `items` all that ever stood in it; `topic` names what the page follows, and `since`
    the newest item that it was born with.
    """

    topic: str
    since: int = 0
    positions: list[str] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)
    items: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Verdict:
    """How often the promise was broken; all zero is kept."""

    acknowledged: int
    missing: int
    twice: int
    out_of_order: int
    foreign: int


def check(acknowledged: dict[int, str], pages: Iterable[Seen]) -> Verdict:
    """Compares what was answered with success (item: its topic, items rising in the order of their commits) with pages.

    Shape: an item is missing where it is newer than the page and never stood in it; twice where one position was
    applied twice; out of order where an event brought it after a newer one; foreign where it belongs to another topic.
    """
    missing = twice = disorder = foreign = 0
    for page in pages:
        mine = {item for item, topic in acknowledged.items() if topic == page.topic and item > page.since}
        missing += len(mine - page.items)
        twice += len(page.positions) - len(set(page.positions))
        foreign += sum(acknowledged.get(item, page.topic) != page.topic for item in page.items)
        disorder += sum(later < earlier for earlier, later in pairwise(page.arrived))
    return Verdict(len(acknowledged), missing, twice, disorder, foreign)
