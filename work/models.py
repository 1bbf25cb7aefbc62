"""A job as it is kept: whose, what, how far, how it ended; its attempts, its log, its files.

Only columns and questions; every change of state is a verb in moves.py.
"""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from database import UtcDateTime, db, utcnow
from work import kinds

# In the order of a job's life; the last three are for ever, unless somebody starts it again.
WAITING, SCHEDULED, RUNNING, STOPPING = "waiting", "scheduled", "running", "stopping"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)
ACTIVE = (WAITING, SCHEDULED, RUNNING, STOPPING)
HELD = (RUNNING, STOPPING)  # some attempt has it
FRESHLY_ACTIVE = (WAITING, SCHEDULED)  # what a job is in when it begins, or begins again
STATES = ACTIVE + ENDED
MESSAGE_CHARS = 300
PLACES_SAID = 20  # in the line: whoever stands further back is told so, and not of each step


def plain(text, most=MESSAGE_CHARS):
    """As both databases and every page take it, whatever a job says."""
    return str(text)[:most].encode(errors="replace").decode().replace("\0", "?")


class Attempt(db.Model):
    """One try at a job. `trace` is for admins alone."""

    __tablename__ = "job_attempts"
    __table_args__ = (UniqueConstraint("job_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    number: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(12), default=RUNNING)  # an end, or "lost"
    message: Mapped[str] = mapped_column(String(MESSAGE_CHARS), default="")
    trace: Mapped[str | None] = mapped_column(Text)
    worker: Mapped[str] = mapped_column(String(100), default="")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Note(db.Model):
    """Some lines of a job's log, as they were written together; the lines of a job are counted over all attempts."""

    __tablename__ = "job_notes"
    __table_args__ = (Index("ix_job_notes_job_id_last_line", "job_id", "last_line"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    last_line: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)

    @property
    def lines(self):
        return self.text.count("\n") + 1

    @property
    def first_line(self):
        return self.last_line - self.lines + 1


class JobFile(db.Model):
    """What somebody gave to a job, or what it made. In the database, so that it comes and goes with its transaction."""

    __tablename__ = "job_files"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    field: Mapped[str] = mapped_column(String(40), default="")  # of the form; empty for what the job made
    name: Mapped[str] = mapped_column(String(120))
    mime: Mapped[str] = mapped_column(String(60))
    size: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class Job(db.Model):
    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_state_id", "state", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)  # nobody's: the site's own
    kind: Mapped[str] = mapped_column(String(40))
    arguments: Mapped[dict] = mapped_column(JSON)
    once: Mapped[str | None] = mapped_column(String(120), unique=True)  # of one form, or one night, one job
    state: Mapped[str] = mapped_column(String(12), default=WAITING)
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=1)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    percent: Mapped[int] = mapped_column(default=0)  # of this attempt; never falls
    pace: Mapped[dict | None] = mapped_column(JSON)  # rate a second, and how long still: low_s to high_s
    message: Mapped[str] = mapped_column(String(MESSAGE_CHARS), default="")
    result: Mapped[dict | None] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)  # when it last joined the line
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # scheduled: until then
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of this attempt
    beat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the last sign of life of this attempt
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[list[Attempt]] = relationship(
        order_by=Attempt.number, cascade="all", passive_deletes=True
    )
    files: Mapped[list[JobFile]] = relationship(order_by=JobFile.id, cascade="all", passive_deletes=True)

    @classmethod
    def find(cls, job_id):
        return db.session.get(cls, job_id)

    @classmethod
    def listed(cls, user=None, state=None):
        """A query: somebody's jobs, or everybody's, newest first."""
        query = select(cls).options(selectinload(cls.files)).order_by(cls.id.desc())
        if user is not None:
            query = query.where(cls.user_id == user.id)
        return query.where(cls.state == state) if state else query

    @classmethod
    def failed_by_kind(cls, user=None):
        """[(kind, how many)] of somebody's failed jobs, or everybody's, by title."""
        found = cls.listed(user, FAILED).order_by(None).subquery()
        counts = db.session.execute(select(found.c.kind, func.count()).group_by(found.c.kind)).all()
        return sorted(((kinds.of(name), count) for name, count in counts), key=lambda each: each[0].title)

    @classmethod
    def active_of(cls, user):
        """How many of somebody's jobs have not ended."""
        return db.session.scalar(select(func.count()).where(cls.user_id == user.id, cls.state.in_(ACTIVE)))

    @classmethod
    def line(cls, most):
        """The ids of the first that wait, in their order."""
        waiting = select(cls.id).where(cls.state == WAITING).order_by(cls.queued_at, cls.id)
        return db.session.scalars(waiting.limit(most)).all()

    def ahead(self):
        """How many stand before this one in the line; None for more than are worth counting."""
        first = self.line(PLACES_SAID + 1)
        return first.index(self.id) if self.id in first else None

    @property
    def sort(self):
        return kinds.of(self.kind)

    @property
    def title(self):
        return self.sort.title

    @property
    def subject(self):
        """What it is about, in a few words."""
        period = [self.arguments.get(end) for end in ("since", "until")]
        if all(period):
            return " to ".join(dict.fromkeys(period))
        said = [_said(name.replace("_", " "), value) for name, value in self.arguments.items()]
        return ", ".join([*said, *(file.name for file in self.files if file.field)])

    @property
    def has_ended(self):
        return self.state in ENDED

    @property
    def outputs(self):
        return [file for file in self.files if not file.field]

    @property
    def tries_left(self):
        return self.max_attempts - self.attempt


def _said(name, value):
    number = len(value) if isinstance(value, list) else value
    return f"{number:,} {name}" if isinstance(number, int) else f"{name} {value}"
