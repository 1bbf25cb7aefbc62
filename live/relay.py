"""The relay: moves the outbox's rows to Redis (events) or to whoever sends their kind, oldest unsent first.

One relay at a time holds a lease, whose token the publishing script checks, so one that wakes up after losing
it writes nothing. Every web process runs one and is ready to be it. DESIGN 4.2.
"""

import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, insert, select, update

from live.errors import HistoryLost, LeaseLost
from live.event import Event
from live.log import Log, new_uuid
from live.outbox import EPOCH, EVENT, RESET, Outbox

SWEEP_S = 0.5
BATCH_ROWS = 100
LEASE_S = 2  # so long nothing is sent after its holder was killed
SENT_KEPT_S = 60  # a primary that was cut off may have taken them with it: then they go out again
UNSENT_KEPT_S = 15 * 60
MAX_TRIES = 3
TIDY_S = 10
_STATE = re.compile(r"\b(OOM|READONLY|LOADING|NOREPLICAS|MASTERDOWN|MISCONF|BUSY|NOPERM|NOAUTH)\b")
logger = logging.getLogger("live")


class Relay:
    """The loop of one process."""

    def __init__(self, outbox: Outbox, engine: Callable[[], Engine], log: Log) -> None:
        self._outbox, self._table, self._make_engine, self._log = outbox, outbox.table, engine, log
        self._token, self._epoch, self._claimed = "", "", ""
        self._woken, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._renewed_at = 0.0
        self._done_at: dict[str, float] = {}
        self._oldest_s, self._looked_at = 0.0, time.monotonic()

    def bind(self) -> None:
        """Takes the engine: late, because the site's database is set up after the core."""
        self._engine = self._make_engine()
        self._token = f"{os.getpid()}-{new_uuid()}"  # the number is for people who look for the holder

    def start(self) -> None:
        if self._thread is None:
            self._looked_at = time.monotonic()
            self._thread = threading.Thread(target=self._run, name="live_relay", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()
        if self._thread:
            self._thread.join(timeout=5)

    @property
    def running(self) -> bool:
        return self._thread is not None

    @property
    def lag_s(self) -> float:
        """The age of the oldest unsent row; while the database does not answer, how long nobody has known of any."""
        silent_s = time.monotonic() - self._looked_at if self.running else 0.0
        return max(self._oldest_s, silent_s if silent_s > 2 * SWEEP_S else 0.0)

    def wake(self) -> None:
        """Something was committed in this process: look now."""
        self._woken.set()

    def called(self) -> None:
        """Another process has committed: look now, if this is the one that sends. Whoever is not must not pass the
        call on: it was heard by everybody, and would go round for ever."""
        if self._renewed_at:
            self._woken.set()

    def _run(self) -> None:
        """Never ends by itself: it may swallow what it logs, for the rows are still there and are tried again."""
        self.bind()
        while not self._stopping.is_set():
            woken = self._woken.wait(SWEEP_S)
            self._woken.clear()
            try:
                self._turn_if_redis_is_there(woken)
            except Exception:
                logger.exception("relay")
                self.forget_lease()  # whatever was half done begins anew, with what the database knows
                self._stopping.wait(SWEEP_S)
        self._log.release_lease(self._token)

    def _turn_if_redis_is_there(self, woken: bool) -> None:
        """Else looks how much waits, which the database may refuse: it can be away at the same time."""
        try:
            self.turn(woken)
        except (LeaseLost, HistoryLost) as error:
            logger.info("relay: %s: %s", type(error).__name__, error)
            self.forget_lease()
        except redis.RedisError as error:
            logger.warning("relay: %s: %s", type(error).__name__, error)
            self._wait_for_redis()

    def turn(self, woken: bool = True) -> None:
        """One look at the table: sends all there is if this process holds the lease, else tells the one that does."""
        if self._send_all():
            if self._due("tidied", TIDY_S):
                self.tidy()
        elif woken:
            self._log.wake_relay()
        if self._due("looked", SWEEP_S):
            self.look()

    def _send_all(self) -> bool:
        """Whether this process held the lease all the while: a backlog takes longer than one lasts."""
        while self._hold_lease():
            if not self._send_batch():
                return True
        return False

    def _hold_lease(self) -> bool:
        now = time.monotonic()
        if now - self._renewed_at < LEASE_S / 3:
            return True
        if not self._log.take_lease(self._token, LEASE_S):
            self.forget_lease()
            self._claimed = ""  # whoever has it goes on, perhaps in another epoch
            return False
        first, self._renewed_at = self._renewed_at == 0.0, now
        # Asked each time: a server that was primary before may be it again, and its history looks complete.
        if first or self._log.head().epoch != self._epoch:
            self._begin_epoch()
        return True

    def _begin_epoch(self) -> None:
        """Rows sent in another epoch may be lost with it, and go out again, in order, before any newer one.

        An epoch that was sent in, but is not the one that the database remembers, is an older one come back:
        what happened since is not in it, and nobody may take it for complete. One that was claimed when the database
        failed is claimed still; it is this relay's only once those rows wait again.
        """
        claimed, is_new = self._log.claim()
        if not is_new and claimed not in (self._claimed, self._last_epoch()):
            self._log.reset()
            claimed, _ = self._log.claim()
        self._claimed = claimed
        lost = (self._table.c.sent_epoch != claimed) & self._table.c.kind.not_in((RESET, EPOCH))
        with self._engine.begin() as connection:
            connection.execute(update(self._table).where(lost).values(sent_at=None, sent_epoch=None))
            self._remember_epoch(connection, claimed)
        self._epoch, self._claimed = claimed, ""

    def _last_epoch(self) -> str | None:
        with self._reading() as connection:
            query = select(self._table.c.sent_epoch).where(self._table.c.uuid == EPOCH)
            epoch: str | None = connection.scalar(query)
            return epoch

    def _remember_epoch(self, connection: Connection, epoch: str) -> None:
        """In a row of its own, sent from the start and never tidied away."""
        values = {"sent_epoch": epoch, "sent_at": time.time()}
        if not connection.execute(
            update(self._table).where(self._table.c.uuid == EPOCH).values(values)
        ).rowcount:
            row = _row(EPOCH, "", "") | values | {"uuid": EPOCH}
            connection.execute(insert(self._table).values(row))

    def _send_batch(self) -> bool:
        query = select(self._table).where(self._unsent).order_by(self._table.c.id).limit(BATCH_ROWS)
        with self._reading() as connection:
            rows = connection.execute(query).all()
        sent = list[int]()
        for kind in dict.fromkeys(
            row.kind for row in rows
        ):  # a new epoch is first; the others do not wait for each other
            sent += self._send_run(kind, [row for row in rows if row.kind == kind])
        if sent:  # in one go: what was sent and is not marked is sent again, and known by its uuid
            self._mark_sent(sent)
        return len(rows) == BATCH_ROWS

    def _send_run(self, kind: str, rows: list[Row[Any]]) -> list[int]:
        """The ids of those that were sent: all but the refused."""
        try:
            self._send(kind, rows)
        except HistoryLost:
            self._begin_epoch()
            raise
        except (redis.ConnectionError, redis.TimeoutError, LeaseLost):
            raise
        except Exception as error:
            if _redis_is_full(error):
                raise
            return self._refused(kind, rows, error)
        return [row.id for row in rows]

    def _send(self, kind: str, rows: Sequence[Row[Any]]) -> None:
        if kind == EVENT:
            events = [(row.uuid, Event.load(row.payload)) for row in rows]
            self._log.publish(events, token=self._token, epoch=self._epoch)
        elif kind == RESET:
            self._epoch = self._log.reset().epoch
        else:
            for row in rows:
                self._outbox.senders[kind](row.uuid, json.loads(row.payload))

    def _mark_sent(self, ids: list[int]) -> None:
        values = {"sent_at": time.time(), "sent_epoch": self._epoch}
        self._execute(update(self._table).where(self._table.c.id.in_(ids)).values(**values))

    def _refused(self, kind: str, rows: list[Row[Any]], error: Exception) -> list[int]:
        """Finds the bad one among many; it is tried three times, then parked so that the others go on."""
        if len(rows) > 1:
            return [sent for row in rows for sent in self._send_run(kind, [row])]
        row = rows[0]
        parked = row.tries + 1 >= MAX_TRIES
        logger.error("outbox row %s (%s) refused, parked: %s: %r", row.id, row.topic or kind, parked, error)
        with self._engine.begin() as connection:
            values = {"tries": row.tries + 1, "parked_at": time.time() if parked else None}
            connection.execute(update(self._table).where(self._table.c.id == row.id).values(**values))
            if parked and kind == EVENT:  # the pages of the topic fetch what they cannot be sent
                refresh = Event(row.topic, "", "live:refresh", key="refresh")
                connection.execute(insert(self._table), _row(EVENT, refresh.dump(), row.topic))
        return []

    def tidy(self) -> None:
        """Removes what was sent a minute ago or longer."""
        old = (self._table.c.sent_at < time.time() - SENT_KEPT_S) & (self._table.c.kind != EPOCH)
        self._execute(delete(self._table).where(old))

    def forget_lease(self) -> None:
        """The next turn asks for the lease anew."""
        self._renewed_at = 0.0

    def _wait_for_redis(self) -> None:
        self.forget_lease()
        if self.look() > UNSENT_KEPT_S:
            self.give_up_old()
        self._stopping.wait(SWEEP_S)

    def give_up_old(self) -> None:
        """Redis is away for long: events older than 15 minutes give way to one new epoch, which resyncs all pages."""
        old = (self._table.c.sent_at.is_(None)) & (self._table.c.kind == EVENT)
        old &= self._table.c.made_at < time.time() - UNSENT_KEPT_S
        with self._engine.begin() as connection:
            if connection.execute(delete(self._table).where(old)).rowcount:
                self._ask_for_reset(connection)

    def _ask_for_reset(self, connection: Connection) -> None:
        """In one row, however long Redis is away; ahead of all others, for it empties the log."""
        values = {"made_at": time.time(), "sent_at": None, "sent_epoch": None, "tries": 0, "parked_at": None}
        if not connection.execute(
            update(self._table).where(self._table.c.uuid == RESET).values(values)
        ).rowcount:
            row = _row(RESET, "{}", "") | values | {"uuid": RESET, "id": 0}
            connection.execute(insert(self._table).values(row))

    def look(self) -> float:
        """The age of the oldest row that waits, in seconds; 0 when none does."""
        query = select(self._table.c.made_at).where(self._unsent, self._table.c.kind != RESET)
        with self._reading() as connection:
            oldest = connection.scalar(query.order_by(self._table.c.id).limit(1))
        self._oldest_s = max(0.001, time.time() - oldest) if oldest else 0.0
        self._looked_at = time.monotonic()
        return self._oldest_s

    @property
    def _unsent(self) -> ColumnElement[bool]:
        """What waits; in the order of its ids the index gives it, however much that is."""
        return self._table.c.sent_at.is_(None) & self._table.c.parked_at.is_(None)

    def _due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now - self._done_at.get(what, -every_s) < every_s:
            return False
        self._done_at[what] = now
        return True

    def _reading(self) -> Connection:
        # Said aloud, so that a site on SQLite need not lock the file: what is committed goes out while others write.
        return self._engine.connect().execution_options(postgresql_readonly=True)

    def _execute(self, statement: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(statement)


def _row(kind: str, payload: str, topic: str) -> dict[str, Any]:
    return {"uuid": new_uuid(), "kind": kind, "topic": topic, "payload": payload, "made_at": time.time()}


def _redis_is_full(error: Exception) -> bool:
    """Refusals that are Redis' state and not the row's fault: full, read-only, loading, too few replicas.

    Redis 6 says of an error inside a script first where it happened, so the word may stand anywhere.
    """
    return isinstance(error, redis.ResponseError) and bool(_STATE.search(str(error)))
