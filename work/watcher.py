"""Notices what nobody else tells: an attempt whose process is gone, a job that fell out of Redis, one that did not
stop when asked, a pause that is over, a schedule that is due. Each within seconds, where RQ alone takes minutes.

Every web process has one; a lease in Redis keeps all but one idle. It need not be trusted: each step is a move that
names what it expects, so two watchers at once (Redis is away) do nothing twice.
"""

import logging
import threading
import time
from datetime import timedelta

import redis
from sqlalchemy import delete, select

from database import db, only_reading, utcnow
from extensions import live
from live.log import new_uuid
from work import moves, queue, schedule
from work.models import ENDED, HELD, SCHEDULED, STOPPING, WAITING, Job

LOOK_S = 2
LEASE = timedelta(seconds=12)  # six signs of life missed
HEARD_AGAIN = timedelta(
    seconds=6
)  # three signs of life: after a database was away, all are given time for them
ADRIFT = timedelta(seconds=10)  # so long a job may be on its way into Redis
BEHIND_S = 1  # an outbox whose oldest row is older
KEPT = timedelta(days=30)
HOLDER = "work:watcher"
AT_ONCE = 200
GONE = "The process that ran it was lost."
log = logging.getLogger(__name__)


class Watcher:
    """`start` runs it beside a web process; `turn` is one look."""

    def __init__(self, app):
        self._app, self._name = app, new_uuid()
        self._since = self._looked_at = utcnow()
        self._trusted_from = 0.0
        self._resent = {}
        self._over = threading.Event()
        self._thread = None

    def start(self):
        self._thread = threading.Thread(target=self._loop, name="jobs watcher", daemon=True)
        self._thread.start()

    def stop(self):
        self._over.set()
        if self._thread:
            self._thread.join()

    def _loop(self):
        """Swallows what it logs: the next look is two seconds away."""
        while not self._over.wait(LOOK_S):
            try:
                with self._app.app_context():
                    if self._holds():
                        self.turn()
                if time.monotonic() >= self._trusted_from:
                    self._looked_at = utcnow()
            except Exception:
                self._trusted_from = time.monotonic() + HEARD_AGAIN.total_seconds()
                log.exception("jobs were not looked after")

    def turn(self):
        """One look at everything, in transactions of one job each."""
        self._each(self._lost(), lambda job: moves.lose(job, job.attempt, GONE))
        self._each(self._deaf(), _stop)
        self._each(self._due(), moves.wake)
        schedule.start_due(self._since)
        self._each(self._adrift(), moves.requeue)
        self._tidy()

    def _holds(self):
        try:
            with queue.connect(decode_responses=True) as client:
                life = int(3 * LOOK_S * 1000)
                taken = client.set(HOLDER, self._name, nx=True, px=life)
                return taken or (client.get(HOLDER) == self._name and client.pexpire(HOLDER, life))
        except redis.RedisError:
            return True  # without Redis everybody looks; the moves sort it out

    def _lost(self):
        silent = (Job.state.in_(HELD)) & (Job.beat_at < utcnow() - LEASE)
        if time.monotonic() < self._trusted_from:
            # A database that was away heard nobody: lost is who was silent before, others may first be heard again.
            silent &= Job.beat_at < self._looked_at - HEARD_AGAIN
        return silent

    def _deaf(self):
        return (Job.state == STOPPING) & (Job.due_at <= utcnow())

    def _due(self):
        return (Job.state == SCHEDULED) & (Job.due_at <= utcnow())

    def _adrift(self):
        """Jobs that wait in the database and not in Redis: it lost them, or a worker died with one in its hand.

        While the outbox is behind they are only on their way: sent once more they would make it longer each time.
        """
        if live.lag_s > BEHIND_S:
            return None
        names = _waiting(Job.queued_at < utcnow() - ADRIFT)
        self._resent = {name: at for name, at in self._resent.items() if name in names}
        if not names:
            return None
        try:
            names = names.keys() - queue.names_in_line()
        except redis.RedisError:
            return None  # it is away: they are still in the outbox, or will be missed when it is back
        now = time.monotonic()
        names = [name for name in names if now - self._resent.get(name, -60) > ADRIFT.total_seconds()]
        self._resent |= dict.fromkeys(names, now)
        return Job.id.in_([int(name.split("-")[1]) for name in names])

    def _each(self, which, move):
        """The move, for each job that the condition finds, in a transaction of its own."""
        if which is None:
            return
        for job_id in _ids(which):
            job = db.session.scalar(select(Job).where(Job.id == job_id, which))
            if job:
                move(job)
            db.session.commit()

    def _tidy(self):
        old = (Job.state.in_(ENDED)) & (Job.ended_at < utcnow() - KEPT)
        if ids := _ids(old):
            db.session.execute(delete(Job).where(Job.id.in_(ids), old))
            db.session.commit()


def _ids(which):
    """Of the first that the condition finds; who writes is not kept waiting by a look."""
    with only_reading():
        return db.session.scalars(select(Job.id).where(which).order_by(Job.id).limit(AT_ONCE)).all()


def _waiting(which):
    """{RQ's name: its job's id} of those that should be in line."""
    query = select(Job.id, Job.attempt).where(Job.state == WAITING, which).limit(AT_ONCE)
    with only_reading():
        rows = db.session.execute(query).all()
    return {queue.rq_id(job_id, attempt + 1): job_id for job_id, attempt in rows}


def _stop(job):
    """It was asked and did not hear: it is cancelled here, and its process ended."""
    attempt = job.attempt
    if moves.cancelled(job, attempt):
        db.session.commit()
        try:
            queue.stop(job.id, attempt)
        except redis.RedisError as error:  # the process notices by itself that it was fenced off
            log.warning("job %s: its process was not told: %s", job.id, error)
