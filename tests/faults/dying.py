"""A process that forks others, each of which writes to a shop and dies at one line of the outbox's road.

The parent stays small and has one thread, so that a fork costs milliseconds. It reads one JSON object per line, whose
"do" is the name of a function of `DO`, and answers each with one number. The hooks that kill stand here alone; the
product has none.
"""

import json
import os
import signal
import sys
import threading
from functools import partial

from sqlalchemy import Column, Integer, MetaData, Table, create_engine, event, insert, select
from sqlalchemy.orm import scoped_session, sessionmaker

import database  # noqa: F401 - its hooks give every engine the site's transactions
from embedded_redis import die_with_parent
from live.event import Event
from live.log import Log, connect
from live.outbox import Outbox
from live.relay import Relay

DEAD = 137
BATCH = 3  # notes in one transaction
TRANSACTIONS = 30
PAUSE_S = 0.01  # between two of them, so that the relay makes many turns and not one
WRITER = ("before flush", "before commit", "before wake")
RELAY = ("before XADD", "before mark", "after mark", "before hand-over", "after hand-over")
POINTS = WRITER + RELAY


class Shop:
    """Notes and the outbox in one database, its relay, and the log that pages would read."""

    def __init__(self, url, redis_url, space):
        self.engine = create_engine(url)
        self.session = scoped_session(sessionmaker(self.engine))
        self.metadata = MetaData()
        self.notes = Table("notes", self.metadata, Column("id", Integer, primary_key=True))
        self.log = Log(connect(redis_url), space, 10_000)
        senders = {"job": self.hand_over}
        self.outbox = Outbox(self.session, self.metadata, senders, self._wake)
        self.relay = Relay(self.outbox, lambda: self.engine, self.log)

    def _wake(self):
        self.relay.wake()

    def write(self, first, *, with_job=True):
        """One transaction: its notes, an event for each, and a job for the first."""
        if with_job:
            self.outbox.put("job", {"id": first})
        for number in range(first, first + BATCH):
            self.session.execute(insert(self.notes).values(id=number))
            self.outbox.put_event(Event("shop:notes:1", str(number)))
        self.session.commit()

    def hand_over(self, _uuid, payload):
        """As a queue of jobs would take it; a job whose row is not there is one too many."""
        with self.engine.connect() as connection:
            found = connection.scalar(select(self.notes.c.id).where(self.notes.c.id == payload["id"]))
        self.log.client.sadd(self.jobs_key, found or -payload["id"])

    @property
    def jobs_key(self):
        return f"{self.log.key}:jobs"


def arm(shop, point, after):
    """Die at the given pass of a point; passes are counted from one."""
    left = [after]

    def strike(*_arguments):
        left[0] -= 1
        if left[0] <= 0:
            os._exit(DEAD)

    hand_over = shop.hand_over
    {
        # Ahead of the outbox, which flushes.
        "before flush": lambda: event.listen(shop.session, "before_commit", strike, insert=True),
        "before commit": lambda: event.listen(shop.engine, "commit", lambda _: writing() and strike()),
        "before wake": lambda: setattr(shop.outbox, "_wake", strike),
        "before XADD": lambda: before(shop.log, "publish", strike),
        "before mark": lambda: before(shop.relay, "_mark_sent", strike),
        "after mark": lambda: behind(shop.relay, "_mark_sent", strike),
        "before hand-over": lambda: put_sender(shop, lambda *row: (strike(), hand_over(*row))),
        "after hand-over": lambda: put_sender(shop, lambda *row: (hand_over(*row), strike())),
    }[point]()


def put_sender(shop, function):
    shop.outbox.senders["job"] = function


def writing():
    """Whether it is the shop that commits; the relay commits its marks in a thread of its own."""
    return threading.current_thread() is threading.main_thread()


def before(owner, name, strike):
    function = getattr(owner, name)
    setattr(owner, name, lambda *args, **options: (strike(), function(*args, **options))[1])


def behind(owner, name, strike):
    function = getattr(owner, name)
    setattr(owner, name, lambda *args, **options: (function(*args, **options), strike())[0])


def write_and_die(point, after, **where):
    shop = Shop(**where)
    arm(shop, point, after)
    shop.relay.start()
    for transaction in range(TRANSACTIONS):
        shop.write(1 + transaction * BATCH)
        threading.Event().wait(PAUSE_S)
    threading.Event().wait(10)  # the relay dies while it works through the rest


def take_over(**where):
    """The next process: it has nothing to write, only to find what the dead one left."""
    Shop(**where).relay.start()
    signal.pause()


def forked(function, **arguments):
    pid = os.fork()
    if pid:
        return pid
    try:
        die_with_parent()
        function(**arguments)
    finally:
        os._exit(1)


def ended(pid):
    """The exit code of a child."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    return ended(pid)


DO = {
    "write_and_die": partial(forked, write_and_die),
    "take_over": partial(forked, take_over),
    "ended": ended,
    "kill": kill,
}


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        print(DO[asked.pop("do")](**asked), flush=True)  # noqa: T201 - so the test hears of it


if __name__ == "__main__":
    main()
