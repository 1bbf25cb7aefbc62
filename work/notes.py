"""A job's log: lines that its function says, kept together as they were taken, the newest 20,000 of a job."""

import threading
from collections import deque
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from database import db
from work import signals
from work.models import Note, plain

LINES_KEPT = 20_000  # of a job, over all its attempts: the oldest go
LINES_SHOWN = 5_000  # on a page (UX J7)
LINES_TOGETHER = 200  # what viewers get at once, four times a second: 800 lines a second reach them
LINE_CHARS = 500


class Lines:
    """What one attempt has said and nobody has written down yet. `add` is called by the job, `take` beside it."""

    def __init__(self):
        self._waiting, self._left_out = deque(), 0
        self._lock = threading.Lock()

    def add(self, line):
        with self._lock:
            self._waiting.extend(plain(each, LINE_CHARS) for each in str(line).splitlines() or [""])
            while len(self._waiting) > LINES_KEPT:  # they would not be kept either
                self._waiting.popleft()
                self._left_out += 1

    def take(self, most=LINES_TOGETHER):
        """(how many were left out before them, the lines)."""
        with self._lock:
            left_out, self._left_out = self._left_out, 0
            return left_out, [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def give_back(self, left_out, lines):
        """They could not be written down."""
        with self._lock:
            self._left_out += left_out
            self._waiting.extendleft(reversed(lines))


def write(run, left_out, lines):
    """Adds the lines to the log, in the transaction of whoever calls."""
    if not lines:
        return
    last = count(run.job_id) + left_out
    pieces = [lines[at : at + LINES_TOGETHER] for at in range(0, len(lines), LINES_TOGETHER)]
    notes = []
    for piece in pieces:
        last += len(piece)
        notes.append(Note(job_id=run.job_id, attempt=run.attempt, text="\n".join(piece), last_line=last))
    db.session.add_all(notes)
    db.session.execute(delete(Note).where(Note.job_id == run.job_id, Note.last_line <= last - LINES_KEPT))
    db.session.flush()
    signals.noted.send(notes)


def count(job_id):
    """How many lines the job has said, those that are no longer kept among them."""
    return db.session.scalar(select(func.max(Note.last_line)).where(Note.job_id == job_id)) or 0


@dataclass(frozen=True)
class Piece:
    """What a page shows of a log: the newest lines, or those up to one (`until`); line numbers are None without any."""

    notes: list
    until: int | None
    all: int
    oldest: int | None  # still kept
    most: int = LINES_SHOWN

    @property
    def first(self):
        return self.notes[0].first_line if self.notes else None

    @property
    def last(self):
        return self.notes[-1].last_line if self.notes else None


def piece(job_id, until=None):
    """The notes to show. One of whose lines only some would be shown is left for the piece before."""
    newest = count(job_id)
    until = until if until and 0 < until < newest else None
    end = until or newest
    shown = (Note.last_line > end - LINES_SHOWN) & (Note.last_line <= end)
    query = select(Note).where(Note.job_id == job_id)
    found = list(db.session.scalars(query.where(shown).order_by(Note.last_line)))
    if found and found[0].first_line <= end - LINES_SHOWN:
        del found[0]
    oldest = db.session.scalar(query.order_by(Note.last_line).limit(1))
    return Piece(found, until, newest, oldest and oldest.first_line)
