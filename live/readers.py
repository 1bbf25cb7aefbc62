"""Who is connected to this process: by audience, by topic, and how many of each user and address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from live.audience import Audience
from live.subscription import Subscription


class Readers:
    """The open readers. Changed under the hub's lock; the lists it gives are the caller's own.

    `has_presence` says of a topic whether its readers are told who is here; it is asked once, when somebody follows it.
    """

    def __init__(self, has_presence: Callable[[str], bool] = lambda _topic: False) -> None:
        self._has_presence = has_presence
        self._readers: dict[Subscription, Audience] = {}  # in the order of their coming
        self._audiences: dict[tuple[frozenset[str], bool], Audience] = {}
        self._by_topic: dict[str, set[Audience]] = {}
        self._present: set[str] = set()  # of these topics those with presence
        self._of_user: dict[str, dict[Subscription, None]] = {}
        self._of_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._readers)

    def all(self) -> list[Subscription]:
        return list(self._readers)

    def audiences(self) -> list[Audience]:
        return list(self._audiences.values())

    def following(self, topic: str) -> list[Audience]:
        return list(self._by_topic.get(topic, ()))

    def places(self) -> set[tuple[str, str]]:
        """The topics with presence, each with each user who follows it."""
        return {
            (topic, str(reader.identity.user_id))
            for topic in self._present
            for audience in self._by_topic[topic]
            for reader in (*audience.takers, *audience.plugged)
        }

    def with_presence(self, topics: frozenset[str]) -> frozenset[str]:
        """Those of an open reader's topics whose readers are told who is here."""
        return topics & self._present

    def of_user(self, user_id: Any) -> list[Subscription]:
        return list(self._of_user.get(str(user_id), ()))

    def count_of_user(self, user_id: Any) -> int:
        return len(self._of_user.get(str(user_id), ()))

    def of_address(self, address: str) -> int:
        return self._of_address[address]

    def add(self, reader: Subscription) -> None:
        audience = self._readers[reader] = self._audience(reader.topics, reader.socket)
        self._of_user.setdefault(str(reader.identity.user_id), {})[reader] = None
        self._of_address[reader.address] += 1
        audience.add(reader)

    def remove(self, reader: Subscription) -> None:
        """A second call does nothing."""
        audience = self._readers.pop(reader, None)  # not by its topics: it may have ended while they changed
        if audience is None:
            return
        self._forget_user(reader)
        _count_down(self._of_address, reader.address)
        audience.remove(reader)
        self._tidy(audience)

    def move(self, reader: Subscription) -> None:
        """To the audience of the topics that it has now."""
        old = reader.audience
        if old is None:
            return
        plugged = reader in old.plugged
        old.remove(reader)
        new = self._readers[reader] = self._audience(reader.topics, reader.socket)
        new.add(reader)
        if plugged:
            new.plug(reader)
        self._tidy(old)

    def _forget_user(self, reader: Subscription) -> None:
        user_id = str(reader.identity.user_id)
        self._of_user[user_id].pop(reader)
        if not self._of_user[user_id]:
            del self._of_user[user_id]

    def _audience(self, topics: frozenset[str], socket: bool) -> Audience:
        audience = self._audiences.get((topics, socket))
        if audience is None:
            audience = self._audiences[topics, socket] = Audience(topics, socket)
            for topic in topics:
                self._follow(topic, audience)
        return audience

    def _follow(self, topic: str, audience: Audience) -> None:
        if topic not in self._by_topic:
            self._by_topic[topic] = set()
            if self._has_presence(topic):
                self._present.add(topic)
        self._by_topic[topic].add(audience)

    def _tidy(self, audience: Audience) -> None:
        key = audience.topics, audience.socket
        if not audience.empty or self._audiences.get(key) is not audience:
            return
        del self._audiences[key]
        for topic in audience.topics:
            followers = self._by_topic.get(topic, set())
            followers.discard(audience)
            if not followers:
                self._by_topic.pop(topic, None)
                self._present.discard(topic)


def _count_down(counts: Counter[Any], key: Any) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
