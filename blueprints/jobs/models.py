"""A job as people see it: whose, what, how far, how it ended. A move is one UPDATE naming what it expects."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, select, update
from sqlalchemy.orm import Mapped, mapped_column

from blueprints.auth.models import User
from database import UtcDateTime, db, utcnow

KINDS = {"sales_report": "Sales report"}
ENDED = ("done", "failed")


class Job(db.Model):
    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    arguments: Mapped[dict] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    attempt: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(String(200), default="")
    result: Mapped[dict | None] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @classmethod
    def create(cls, user, kind, arguments):
        job = cls(user_id=user.id, kind=kind, arguments=arguments)
        db.session.add(job)
        db.session.flush()
        return job

    @classmethod
    def of_owner(cls, user):
        """A query: somebody's jobs, newest first."""
        return select(cls).filter_by(user_id=user.id).order_by(cls.id.desc())

    def start(self):
        """True for the one that may run it: a second delivery of the same job finds it taken."""
        return self._move("waiting", state="running", attempt=Job.attempt + 1, started_at=utcnow())

    def progress(self, done, total, message):
        return self._move("running", done=done, total=total, message=message)

    def finish(self, result):
        ended = {"state": "done", "done": Job.total, "message": "", "result": result, "ended_at": utcnow()}
        return self._move("running", **ended)

    def fail(self, message):
        """Ends it in words for people, wherever it stood."""
        return self._move("waiting", "running", state="failed", message=message, ended_at=utcnow())

    @property
    def title(self):
        return KINDS[self.kind]

    @property
    def percent(self):
        return 100 * self.done // self.total if self.total else 0

    @property
    def has_ended(self):
        return self.state in ENDED

    def _move(self, *expected, **values):
        move = update(Job).where(Job.id == self.id, Job.state.in_(expected))
        values["version"] = Job.version + 1
        moved = db.session.execute(move.values(values), execution_options={"synchronize_session": False})
        db.session.expire(self)
        return bool(moved.rowcount)
