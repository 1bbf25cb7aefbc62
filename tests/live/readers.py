"""A hub's reader without a connection, and what is published to it."""

import time

from live.event import Event
from live.gate import Identity
from live.log import new_uuid
from live.position import read
from live.subscription import Subscription
from live.testing import Parser

ANSWER_S = 20
TOPIC = "a:b"


class Reader:
    """A subscription, read like a stream."""

    def __init__(self, hub, position, topics=(TOPIC,), user="ada"):
        self.position = str(position)
        self.subscription = Subscription(Identity(f"{user}-1", user, 1, user), topics)
        self._parser, self._events = Parser(), []
        hub.join(self.subscription, read(str(position)), hub.number())

    def event(self):
        deadline = time.monotonic() + ANSWER_S
        while True:
            while self._events:
                event = self._events.pop(0)
                if event.name not in ("live:open", "live:beat"):
                    return event
            blocks = self.subscription.take(deadline - time.monotonic())
            assert blocks, "no event in time, or the reader has ended"
            self._events += self._parser.feed(b"".join(blocks))

    def texts(self, count):
        return [self.event().data for _ in range(count)]


def publish(log, *texts, topic=TOPIC, known=0):
    return log.publish([(new_uuid(), Event(topic, text)) for text in texts], known)
