"""What a job's function gets: a way to say how far it is, to write its log, to read and write in short transactions.

`progress` and `say` only leave word, which costs a microsecond; a thread of the job takes it from there four times a
second, into the row and to the viewers, and brings back whether somebody asked the job to stop.
"""

import threading
from contextlib import contextmanager
from dataclasses import dataclass

from database import db, only_reading
from work import moves
from work.models import JobFile
from work.notes import Lines


class Refused(Exception):
    """The job cannot be done as it was asked for; its text is the sentence for people. Never tried again by rule."""


class Cancelled(BaseException):
    """Somebody asked for it. Not an Exception: a job that catches all its errors must not catch this."""


class Fenced(BaseException):
    """Another attempt is the one now; nothing of this one may be kept."""


@dataclass
class Output:
    """A result together with the files that were made, kept in the same transaction."""

    result: dict
    files: list


class Run:
    """One attempt at a job, as its function sees it."""

    def __init__(self, job, attempt):
        self.job_id, self.attempt, self.user_id = job.id, attempt, job.user_id
        self._files = {file.field: file.id for file in job.files if file.field}
        self.newest = None
        self.fenced = False
        self.asked = threading.Event()  # somebody asked it to stop, or it lost its hold
        self.lines = Lines()

    def progress(self, done, total=0, text=""):
        """How far it is: as often as you like. Raises when the job shall stop."""
        self.newest = (done, total, text)
        if self.asked.is_set():
            self.check()

    def check(self):
        """Raises when the job shall stop; for work that has nothing to report."""
        if self.fenced:
            raise Fenced
        if self.asked.is_set():
            raise Cancelled

    def wait(self, seconds):
        """Does nothing for a while, unless it shall stop."""
        self.asked.wait(seconds)
        self.check()

    def say(self, line):
        """A line of the log that people see."""
        self.lines.add(line)
        self.check()

    @contextmanager
    def transaction(self):
        """A short transaction on the way: committed at the end of the block if the attempt still holds.

        What is done in it must be safe to repeat, for another attempt may come. On SQLite nobody else can write
        meanwhile, so it takes milliseconds.
        """
        db.session.rollback()
        try:
            yield db.session
            if not moves.hold(self.job_id, self.attempt):
                raise Fenced
            db.session.commit()
        finally:
            db.session.rollback()

    @contextmanager
    def reading(self):
        """The same for what only reads."""
        db.session.rollback()
        with only_reading():
            yield db.session

    def file(self, field):
        """The bytes that were given in a field of the form."""
        with self.reading() as session:
            return session.get(JobFile, self._files[field]).data
