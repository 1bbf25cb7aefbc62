"""What was really published: read from the log and the channel in Redis, as another process would."""
# ruff: noqa: S101 - a test kit asserts

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from live.event import GRANT, REVOKE, RIGHTS, Event
from live.extension import Live
from live.log import EPOCH, WAKE
from live.position import Position

ANSWER_S = 5


class Captured:
    """The events published since `capture` began, numbered ones first, then volatile ones; each in its order."""

    def __init__(self, live: Live, channel: Any) -> None:
        self._log, self._channel = live.log, channel
        self._begin: Position = live.log.head()
        self._numbered: list[Event] = []
        self._volatile: list[Event] = []
        self._open = True

    @property
    def events(self) -> list[Event]:
        """Everything so far that goes to pages, and after the block what was there at its end; nothing about rights."""
        self._look()
        return [event for event in self._numbered if event.name not in RIGHTS] + self._volatile

    @property
    def revoked(self) -> list[Event]:
        """The rights that were ended so far."""
        self._look()
        return [event for event in self._numbered if event.name == REVOKE]

    @property
    def granted(self) -> list[Event]:
        """The topics that open pages were given so far."""
        self._look()
        return [event for event in self._numbered if event.name == GRANT]

    def close(self) -> None:
        """Looks for the last time."""
        self._look()
        self._open = False

    def _look(self) -> None:
        if self._open:
            self._numbered = self._entries()
            self._hear()

    def _entries(self) -> list[Event]:
        head = self._log.head(self._begin.n)
        assert head.epoch == self._begin.epoch, "the history was lost while its events were captured"
        return [entry.event for entry in self._log.load() if entry.n > self._begin.n]

    def _hear(self) -> None:
        """Takes what the channel said up to now, which a mark of our own behind it makes certain."""
        mark = uuid4().hex
        self._log.client.publish(_own(self._log.channel), mark)
        while (text := _next(self._channel)) != mark:
            if text not in (EPOCH, WAKE):
                self._volatile.append(Event.load(text))


@contextmanager
def capture(live: Live) -> Iterator[Captured]:
    """Everything that is published inside the block, by whichever process."""
    channel: Any
    with live.log.client.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
        channel.subscribe(live.log.channel, _own(live.log.channel))
        captured = Captured(live, channel)
        captured.revoked  # noqa: B018  (its mark comes back: the subscription stands)
        yield captured
        captured.close()


def assert_published(
    events: Captured | Iterable[Event],
    topic: str,
    *,
    name: str | None = None,
    target: str | None = None,
    contains: str = "",
    times: int = 1,
) -> list[Event]:
    """That a topic got exactly so many events of that name, to that target, with that text in them; gives them back."""
    published = events.events if isinstance(events, Captured) else list(events)
    found = [
        event
        for event in published
        if event.topic == topic
        and name in (None, event.name)
        and target in (None, event.target)
        and contains in event.data
    ]
    wanted = f"{topic} name={name!r} target={target!r} contains={contains!r}"
    seen = "\n".join(f"  {event}" for event in published) or "  nothing"
    assert len(found) == times, f"{len(found)} of {times} events like {wanted}; published:\n{seen}"
    return found


def _own(channel: str) -> str:
    return f"{channel}:capture"


def _next(channel: Any) -> str:
    deadline = time.monotonic() + ANSWER_S
    while not (message := channel.get_message(timeout=ANSWER_S)):  # None also stands for a subscription
        assert time.monotonic() < deadline, f"Redis did not answer for {ANSWER_S} s"
    return str(message["data"])
