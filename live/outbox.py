"""The outbox: what a transaction announces waits in a table of the same database, and goes out if, and only if,
it commits. This module writes the rows; relay.py moves them to where they go, in order. DESIGN 4.2.
"""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, insert, text
from sqlalchemy import event as sqlalchemy_event

from live.event import Event
from live.log import new_uuid

TABLE = "live_outbox"
EVENT, RESET, EPOCH = (
    "event",
    "reset",
    "epoch",
)  # the kinds of the core itself; a site adds others with `sender`
_WAITING = "live_waiting"

Sender = Callable[[str, dict[str, Any]], None]


class Waiting(NamedTuple):
    """A row to be: it belongs to the savepoint in which it was announced, or to none."""

    row: dict[str, Any]
    savepoint: Any


def table(metadata: MetaData) -> Table:
    """The outbox's table in a site's metadata, so that the site's migrations know it."""
    if TABLE in metadata.tables:
        return metadata.tables[TABLE]
    return Table(
        TABLE,
        metadata,
        # Ever rising: the ids must not start again when the table empties.
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("uuid", String(32), nullable=False, unique=True),
        Column("kind", String(40), nullable=False),
        Column("topic", String(200), nullable=False),
        Column("payload", Text, nullable=False),
        Column("made_at", Float, nullable=False),  # seconds since 1970
        Column("sent_at", Float),
        Column("sent_epoch", String(32)),
        Column("tries", Integer, nullable=False, default=0),
        Column("parked_at", Float),
        Index("ix_live_outbox_unsent", "sent_at", "id"),
        sqlite_autoincrement=True,
    )


class Outbox:
    """Puts rows into the table as part of the site's own transactions.

    `wake` is called after each commit that left something; it must be quick and must not raise.
    """

    def __init__(
        self, session: Any, metadata: MetaData, senders: dict[str, Sender], wake: Callable[[], None]
    ) -> None:
        self.session, self.table, self.senders, self._wake = session, table(metadata), senders, wake
        sqlalchemy_event.listen(session, "before_commit", self._write)
        sqlalchemy_event.listen(session, "after_commit", self._committed)
        sqlalchemy_event.listen(session, "after_soft_rollback", self._rolled_back)

    def put(self, kind: str, payload: dict[str, Any]) -> None:
        """Announces something for a registered kind, to be sent when the transaction commits."""
        self._put(kind, json.dumps(payload), "")

    def put_event(self, event: Event) -> None:
        """Announces an event, to be sent when the transaction commits."""
        self._put(EVENT, event.dump(), event.topic)

    def _put(self, kind: str, payload: str, topic: str) -> None:
        current = self.session()
        if not current.in_transaction():
            current.begin()  # so that a rollback is one, and takes this with it
        row = {"uuid": new_uuid(), "kind": kind, "topic": topic, "payload": payload, "made_at": time.time()}
        current.info.setdefault(_WAITING, []).append(Waiting(row, current.get_nested_transaction()))

    def _write(self, session: Any) -> None:
        """Writes the rows last, after the flush of what they announce."""
        if session.in_nested_transaction() or not session.info.get(_WAITING):
            return
        session.flush()
        rows = [waiting.row for waiting in session.info[_WAITING]]
        if session.get_bind().dialect.name == "postgresql":
            _keep_order(session, sorted({row["topic"] for row in rows}))
        session.execute(insert(self.table), rows)

    def _committed(self, session: Any) -> None:
        if not session.in_nested_transaction() and session.info.pop(_WAITING, None):
            self._wake()

    def _rolled_back(self, session: Any, ended: Any) -> None:
        waiting = session.info.get(_WAITING, [])
        session.info[_WAITING] = [
            row for row in waiting if ended.nested and not _within(row.savepoint, ended)
        ]


def _keep_order(session: Any, topics: Sequence[str]) -> None:
    """Two transactions that announce to one topic commit in the order of their ids: the second waits for the first."""
    for topic in topics:  # sorted, so that no two wait for each other
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:topic))"), {"topic": topic})


def _within(savepoint: Any, ended: Any) -> bool:
    while savepoint is not None:
        if savepoint is ended:
            return True
        savepoint = savepoint.parent
    return False
