"""What a line about rights in the log does to the readers it names. The hub calls it under its lock. DESIGN 4.6.

A revocation ends a topic of somebody or of all, or all connections of a user or a session; a grant lets the open pages
of a user follow one topic more, at exactly that place in the history.
"""

import json
from functools import lru_cache
from typing import Any

from live.catching_up import CatchingUp
from live.event import GRANT, Event
from live.readers import Readers
from live.subscription import Subscription


class Rights:
    """The topics of the open readers, as they change."""

    def __init__(self, readers: Readers, catching_up: CatchingUp) -> None:
        self._readers, self._catching_up = readers, catching_up

    def change_all(self, event: Event) -> None:
        """Does what the line says to all open readers that it means."""
        user_id = _read(event.data).get("user_id")
        for reader in self._readers.all() if user_id is None else self._readers.of_user(user_id):
            self.change(reader, event)

    def change(self, reader: Subscription, event: Event) -> None:
        """Does to a reader what the line says, if it is meant."""
        what = _read(event.data)
        user_id, session_id, topic = what.get("user_id"), what.get("session_id"), what.get("topic")
        if user_id is not None and str(user_id) != str(reader.identity.user_id):
            return
        if session_id is not None and session_id != reader.identity.session_id:
            return
        if event.name == GRANT:
            self.grant(reader, topic)
        elif topic is None:
            reader.bye("signed-out", retry_ms=1000)
        else:
            self.drop(reader, topic)

    def drop(self, reader: Subscription, topic: str) -> None:
        """Takes a topic away from a reader; what was on its way of its other topics still arrives, in order."""
        if topic in reader.topics and not reader.ended:
            self._let_arrive(reader)
            reader.drop_topic(topic)
            self._readers.move(reader)

    def grant(self, reader: Subscription, topic: str) -> None:
        """From here on the reader gets what is published to the topic, too."""
        if topic not in reader.topics and not reader.ended:
            self._let_arrive(reader)
            reader.topics |= {topic}
            self._readers.move(reader)

    def _let_arrive(self, reader: Subscription) -> None:
        audience = reader.audience
        if audience and reader in audience.plugged:
            self._catching_up.hurry(reader, audience)


@lru_cache(maxsize=64)
def _read(data: str) -> Any:
    """What a line says; asked for each of thousands of readers, under the hub's lock."""
    return json.loads(data)
