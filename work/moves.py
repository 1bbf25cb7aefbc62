"""Everything that can happen to a job, one verb each. A verb is one UPDATE that names what it expects, so of two that
race one wins; it closes the attempt, tells `signals`, and hands the job on where it must run. The caller commits.

The attempt's number is the fence: whoever runs attempt 2 can neither finish nor report once attempt 3 has begun.
"""

from sqlalchemy import case, delete, insert, update

from database import db, utcnow
from work import kinds, queue, signals
from work.models import (
    CANCELLED,
    DONE,
    FAILED,
    HELD,
    RUNNING,
    SCHEDULED,
    STOPPING,
    WAITING,
    Attempt,
    Job,
    plain,
)

LOST = "lost"
ATTEMPTS_KEPT = 50  # of a job that somebody starts again and again
TOO_LATE = "It finished before it could be cancelled."
FRESH = {"done": 0, "total": 0, "percent": 0, "pace": None}


def create(kind, arguments, *, user=None, once=None, due_at=None, files=()):
    """A new job, flushed; it waits in line, or for its time."""
    job = Job(user_id=user and user.id, kind=kind, arguments=arguments, once=once, due_at=due_at)
    job.state = SCHEDULED if due_at else WAITING
    job.max_attempts = kinds.of(kind).tries
    job.files = list(files)
    db.session.add(job)
    db.session.flush()
    signals.created.send(job)
    if not due_at:
        queue.enqueue(job)
    return job


def start(job, attempt, worker=""):
    """True for the one that may run this attempt; any other delivery of it finds it taken."""
    now = utcnow()
    values = FRESH | {"state": RUNNING, "attempt": attempt, "started_at": now, "beat_at": now, "message": ""}
    if not _move(job, [WAITING], attempt - 1, **values):
        return False
    told = {"outcome": RUNNING, "message": "", "worker": worker, "started_at": now}
    db.session.execute(insert(Attempt).values(job_id=job.id, number=attempt, **told))
    forgotten = (Attempt.job_id == job.id) & (Attempt.number <= attempt - ATTEMPTS_KEPT)
    db.session.execute(delete(Attempt).where(forgotten), execution_options={"synchronize_session": False})
    signals.moved.send(job)
    return True


def finish(job, attempt, result):
    """Done, even where somebody asked it to stop: then it was too late for that."""
    message = case((Job.state == STOPPING, TOO_LATE), else_="")
    values = {
        "state": DONE,
        "percent": 100,
        "done": Job.total,
        "pace": None,
        "message": message,
        "result": result,
    }
    return _end(job, attempt, DONE, **values)


def fail(job, attempt, message, trace=None):
    """The end, in words for people; for good until somebody starts it again."""
    return _end(job, attempt, FAILED, trace, state=FAILED, message=message, pace=None)


def cancelled(job, attempt):
    """It was asked to stop, and it did."""
    return _end(job, attempt, CANCELLED, expected=[STOPPING], state=CANCELLED, message="", pace=None)


def fail_or_retry(job, attempt, message, trace=None):
    """By rule: again after a pause that grows, until the last try; then it is parked as failed."""
    values = {"expected": [RUNNING], "message": message, "pace": None}
    if job.tries_left > 0:
        due_at = utcnow() + job.sort.pause(attempt)
        moved = _close(job, attempt, FAILED, trace, state=SCHEDULED, due_at=due_at, **values)
    else:
        moved = _end(job, attempt, FAILED, trace, state=FAILED, **values)
    return moved or cancelled(job, attempt)


def lose(job, attempt, message, *, free=False):
    """Nobody runs this attempt any more. Again at once; `free` where it was our doing and costs no try."""
    values = {"expected": [RUNNING], "message": message, "pace": None}
    if job.tries_left <= 0 and not free:
        return _end(job, attempt, LOST, state=FAILED, **values) or cancelled(job, attempt)
    more = {"max_attempts": Job.max_attempts + 1} if free else {}
    if not _close(job, attempt, LOST, state=WAITING, queued_at=utcnow(), **values, **more):
        return cancelled(job, attempt)
    queue.enqueue(job)
    return True


def wake(job):
    """Its time has come."""
    return _again(job, [SCHEDULED])


def retry(job):
    """By hand, after an end: with as many tries as a new one has."""
    tries = job.sort.tries
    return _again(job, [FAILED, CANCELLED], max_attempts=Job.attempt + tries, ended_at=None)


def cancel(job):
    """What waits is cancelled at once; what runs is asked to stop. False when there was nothing to cancel."""
    if _move(job, [WAITING, SCHEDULED], None, state=CANCELLED, ended_at=utcnow(), message="", due_at=None):
        signals.moved.send(job)
        return True
    moved = _move(job, [RUNNING], None, state=STOPPING, due_at=utcnow() + queue.STOP_GRACE)
    if moved:
        signals.moved.send(job)
    return moved


def requeue(job):
    """Its place in Redis is gone: once more into the line, unless it moved on meanwhile."""
    if _move(job, [WAITING], job.attempt, queued_at=Job.queued_at):
        queue.enqueue(job)


def report(job_id, attempt, **values):
    """A sign of life, with how far it is; False when the attempt is no longer the one."""
    values = {"beat_at": utcnow(), "version": Job.version + 1} | values
    return _execute(_held(job_id, attempt).values(values))


def hold(job_id, attempt):
    """Inside a transaction of the job: locks its row and says whether the attempt still holds."""
    return _execute(_held(job_id, attempt).values(beat_at=utcnow()))


def _held(job_id, attempt):
    return update(Job).where(Job.id == job_id, Job.attempt == attempt, Job.state.in_(HELD))


def _again(job, expected, **values):
    moved = _move(job, expected, None, state=WAITING, queued_at=utcnow(), due_at=None, **FRESH, **values)
    if moved:
        signals.moved.send(job)
        queue.enqueue(job)
    return moved


def _end(job, attempt, outcome, trace=None, **values):
    return _close(job, attempt, outcome, trace, ended_at=utcnow(), due_at=None, **values)


def _close(job, attempt, outcome, trace=None, expected=HELD, **values):
    if not _move(job, expected, attempt, **values):
        return False
    of_it = update(Attempt).where(Attempt.job_id == job.id, Attempt.number == attempt)
    told = {"outcome": outcome, "message": job.message, "trace": trace, "ended_at": utcnow()}
    _execute(of_it.values(told))
    db.session.expire(job)
    signals.moved.send(job)
    return True


def _move(job, expected, fence, **values):
    if isinstance(values.get("message"), str):
        values["message"] = plain(values["message"])
    move = update(Job).where(Job.id == job.id, Job.state.in_(expected))
    if fence is not None:
        move = move.where(Job.attempt == fence)
    moved = _execute(move.values(values | {"version": Job.version + 1}))
    db.session.expire(job)
    return moved


def _execute(statement):
    return bool(db.session.execute(statement, execution_options={"synchronize_session": False}).rowcount)
