"""A site with nothing but an outbox, for the tests of the outbox and its relay."""

from uuid import uuid4

from sqlalchemy import MetaData, create_engine, select
from sqlalchemy.orm import scoped_session, sessionmaker

from live.event import Event
from live.log import Log, connect
from live.outbox import EPOCH, Outbox
from live.relay import Relay


class Shop:
    """`announce` is its only feature, `numbers` what its pages were told."""

    def __init__(self, url, redis_url):
        self.engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        self.session = scoped_session(sessionmaker(self.engine))
        self.senders, self.woken = {}, []
        self.outbox = Outbox(self.session, MetaData(), self.senders, lambda: self.woken.append(True))
        self.log = Log(connect(redis_url), f"outbox-{uuid4().hex}", 1000)
        self.relay = self.new_relay()

    def new_relay(self):
        relay = Relay(self.outbox, lambda: self.engine, self.log)
        relay.bind()
        return relay

    def announce(self, number, topic="shop:counter:1"):
        self.outbox.put_event(Event(topic, str(number)))

    def commit(self, *numbers):
        for number in numbers:
            self.announce(number)
        self.session.commit()

    @property
    def numbers(self):
        return [int(entry.event.data) for entry in self.log.load() if entry.event.name == ""]

    def rows(self, *columns):
        """What was announced; not the row in which the relay keeps the epoch."""
        table = self.outbox.table
        query = select(*(table.c[name] for name in columns)).where(table.c.kind != EPOCH).order_by("id")
        with self.engine.connect() as connection:
            return connection.execute(query).all()

    def close(self):
        self.session.remove()
        self.engine.dispose()
        self.log.client.close()
