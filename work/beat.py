"""The thread beside a running job: tells its row and its viewers how far it is, four times a second at most, keeps
its lease with a sign of life every two seconds, and brings back that it shall stop.

It has a transaction of its own and never holds one long. A database or a Redis that is away costs signs of life, not
the job: the next tick tries again, and the watcher gives a database that comes back time to hear from everybody.
"""

import logging
import threading
import time
import traceback

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from database import db, patience_s
from work import moves, notes, signals
from work.models import STOPPING, Job, plain
from work.pace import Pace

TICK_S = 0.25  # four times a second (UX J2), whatever the job reports
SIGN_OF_LIFE_S = 2
OVERTIME_S = 5  # for a job that is stuck where no signal reaches it
log = logging.getLogger(__name__)


class Beat:
    """Runs for as long as the block does: `with Beat(run, timeout_s, leave):`."""

    def __init__(self, run, timeout_s, leave=None):
        self.run, self.leave = run, leave
        self._app = current_app._get_current_object()
        now = time.monotonic()
        self._pace, self._shown, self._beaten_at = Pace(now), None, now
        self._deadline = now + timeout_s + OVERTIME_S
        self._timeout_s = timeout_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"job {run.job_id}", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _loop(self):
        """Swallows what it logs: a sign of life that fails is followed by another. The job itself may hold SQLite's one
        lock for writers, and waits at its end for this thread, so nobody waits long for a lock here."""
        patience_s.set(TICK_S)
        while not self._over.wait(TICK_S):
            try:
                with self._app.app_context():
                    self._tick(time.monotonic())
            except SQLAlchemyError as error:
                log.warning("job %s: no sign of life: %s", self.run.job_id, error)
            except Exception:
                log.exception("job %s: no sign of life", self.run.job_id)

    def _tick(self, now):
        newest, taken = self.run.newest, self.run.lines.take()
        moved = newest != self._shown
        if moved or taken[1] or now - self._beaten_at >= SIGN_OF_LIFE_S:
            try:
                self._show(now, newest, self._values(now, newest) if moved else {}, taken)
            except SQLAlchemyError:
                self.run.lines.give_back(*taken)
                raise
        if now > self._deadline and self.leave:
            self._give_up()

    def _show(self, now, newest, values, taken):
        if not moves.report(self.run.job_id, self.run.attempt, **values):
            return self._lost_hold()
        notes.write(self.run, *taken)
        job = Job.find(self.run.job_id)
        db.session.expunge(job)  # shown after the commit: no transaction waits for Redis
        db.session.commit()
        self._shown, self._beaten_at = newest, now
        if job.state == STOPPING:
            self.run.asked.set()
        return signals.progressed.send(job)

    def _values(self, now, newest):
        done, total, text = newest
        pace = self._pace.at(now, done, total)
        percent = self._pace.percent
        return {"done": done, "total": total, "percent": percent, "pace": pace, "message": plain(text)}

    def _lost_hold(self):
        db.session.rollback()
        self.run.fenced = True
        self.run.asked.set()
        if self.leave:
            self.leave()

    def _give_up(self):
        """Over its time and deaf to the signal that says so: the row ends here, then the process."""
        log.error("job %s is stuck:\n%s", self.run.job_id, "".join(traceback.format_stack()))
        message = f"It took longer than {self._timeout_s} seconds and did not react."
        moves.fail_or_retry(Job.find(self.run.job_id), self.run.attempt, message)
        db.session.commit()
        self.leave()
