"""Brings one attempt at a job from the line to its end. Called by the worker in a process of the attempt's own, and by
tests. The effect of a job and the word that it is done are one transaction, which only the current attempt can make.
"""

import logging
import os
import socket
import time
import traceback

from rq.timeouts import BaseTimeoutException
from sqlalchemy.exc import SQLAlchemyError

from database import db
from work import kinds, moves, notes
from work.beat import Beat
from work.models import Job, JobFile
from work.run import Cancelled, Fenced, Output, Refused, Run

SORRY = "Something went wrong on our side ({}). It was written down."
NO_MEMORY = "It needed more memory than a job may use."
PATIENT_TRIES, PAUSE_S = 5, 0.5
log = logging.getLogger(__name__)


def run_attempt(job_id, attempt, leave=None):
    """Runs the attempt if it is the next one and nobody else has it; anything else is refused without a word.

    `leave` ends the process at once; without it (in tests) an attempt that lost its hold ends at its next step.
    """
    job = Job.find(job_id)
    if job is None or not moves.start(job, attempt, _worker()):
        db.session.rollback()
        log.info("job %s, attempt %s: not to be run", job_id, attempt)
        return
    db.session.commit()
    kind, run, arguments = kinds.of(job.kind), Run(job, attempt), dict(job.arguments)
    db.session.rollback()
    _end(job, run, *_work(kind, run, arguments, leave))


def _work(kind, run, arguments, leave):
    """(verb, what it needs): what became of it. Around a job everything is caught: its page must say that it ended."""
    try:
        with Beat(run, kind.timeout_s, leave):
            return _finish, kind.function(run, **arguments)
    except Fenced:
        return None, None
    except Cancelled:
        return _cancelled, None
    except Refused as refusal:
        return _refused, str(refusal)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - said in the docstring
        return _failed, (_sentence(error, kind), traceback.format_exc())


def _sentence(error, kind):
    if isinstance(error, BaseTimeoutException):
        return f"It took longer than {kind.timeout_s} seconds."
    return NO_MEMORY if isinstance(error, MemoryError) else SORRY.format(type(error).__name__)


def _end(job, run, verb, detail):
    if verb is None:
        db.session.rollback()
        return
    said = run.lines.take(notes.LINES_KEPT)
    try:
        held = verb(job, run, said, detail)
    except (
        Exception
    ) as error:  # the effect could not be written: the attempt failed, and its page must say so
        log.exception("job %s: its end", run.job_id)
        sorry = SORRY.format(type(error).__name__)
        held = _failed_patiently(job, run, said, (sorry, traceback.format_exc()))
    if held:
        db.session.commit()
    else:
        db.session.rollback()
        log.warning("job %s, attempt %s came too late; nothing of it was kept", job.id, run.attempt)


# How it ended, and with it, in one transaction, the last lines of its log.


def _finish(job, run, said, output):
    """With whatever the function has written and not committed: all of it or nothing."""
    output = output if isinstance(output, Output) else Output(output or {}, [])
    for file in output.files:
        db.session.add(JobFile(job_id=job.id, **file, size=len(file["data"])))
    notes.write(run, *said)
    db.session.flush()
    return moves.finish(job, run.attempt, output.result)


def _cancelled(job, run, said, _detail):
    db.session.rollback()
    notes.write(run, *said)
    return moves.cancelled(job, run.attempt)


def _refused(job, run, said, sentence):
    db.session.rollback()
    notes.write(run, *said)
    return moves.fail(job, run.attempt, sentence)


def _failed(job, run, said, detail):
    db.session.rollback()
    log.error("job %s, attempt %s failed:\n%s", run.job_id, run.attempt, detail[1])
    notes.write(run, *said)
    return moves.fail_or_retry(job, run.attempt, *detail)


def _failed_patiently(job, run, said, detail):
    """The database may be away, or locked for a while; each try waits its own five seconds for a lock."""
    for left in reversed(range(PATIENT_TRIES)):
        try:
            return _failed(job, run, said, detail)
        except SQLAlchemyError:
            if not left:
                raise
            time.sleep(PAUSE_S)
    return False


def _worker():
    return f"{socket.gethostname()}, process {os.getpid()}"
