"""One attempt at a job: its effect and its end are one, it ends whatever happens, and a late twin leaves nothing."""

import threading
import time

import pytest
from rq.timeouts import JobTimeoutException

import database
from blueprints.chat.models import Room
from database import db
from tests.support import databases
from tests.support.jobs import attempt
from work import Job, Output, Refused, moves
from work.moves import ATTEMPTS_KEPT

pytestmark = pytest.mark.both_databases


def rooms(app):
    with app.app_context():
        return [room.name for room in db.session.scalars(db.select(Room))]


def add_room(name):
    db.session.add(Room(name=name, about="made by a job"))
    db.session.flush()


def test_what_it_did_and_that_it_is_done_come_together(app, kind, job_of, look, run):
    def work(run, room):
        add_room(room)
        run.progress(3, 4, "nearly")
        return Output({"rooms": 1}, [{"name": "a.csv", "mime": "text/csv", "data": b"a"}])

    job_id = job_of("ada", kind(work), room="Terrace")
    run(job_id)
    job = look(job_id)
    assert (job.state, job.attempt, job.percent, job.result) == ("done", 1, 100, {"rooms": 1})
    assert [(file.name, file.data) for file in job.outputs] == [("a.csv", b"a")]
    assert [(each.number, each.outcome) for each in job.attempts] == [(1, "done")]
    assert rooms(app) == ["Terrace"]


def test_it_reads_while_somebody_writes(app, kind, job_of, look, run, monkeypatch):
    def work(run):
        with databases.somebody_writes(app, monkeypatch), run.reading() as session:
            return {"rooms": len(session.scalars(db.select(Room)).all())}

    job_id = job_of("ada", kind(work))
    run(job_id)
    assert look(job_id).result == {"rooms": 0}


def test_what_a_broken_job_had_begun_is_undone_and_it_is_tried_again_later(app, kind, job_of, look, run):
    def work(run):
        add_room("half")
        raise RuntimeError("in the middle")

    job_id = job_of("ada", kind(work, tries=2, pauses_s=(30,)))
    run(job_id)
    job = look(job_id)
    assert (job.state, job.attempt, job.max_attempts) == ("scheduled", 1, 2)
    assert job.message == "Something went wrong on our side (RuntimeError). It was written down."
    assert 25 < (job.due_at - job.attempts[0].ended_at).total_seconds() < 31
    assert "RuntimeError: in the middle" in job.attempts[0].trace
    assert rooms(app) == []


def test_after_the_last_attempt_it_is_parked_and_started_again_by_hand(app, kind, job_of, look, run):
    def work(run):
        raise ValueError("always")

    job_id = job_of("ada", kind(work, tries=2, pauses_s=(0,)))
    for _ in range(2):
        run(job_id)
        with app.app_context():
            moves.wake(Job.find(job_id))
            db.session.commit()
    assert (look(job_id).state, look(job_id).attempt) == ("failed", 2)
    with app.app_context():
        assert moves.retry(Job.find(job_id))
        assert not moves.retry(Job.find(job_id))
        db.session.commit()
    job = look(job_id)
    assert (job.state, job.attempt, job.max_attempts, job.ended_at) == ("waiting", 2, 4, None)
    run(job_id)
    assert [(each.number, each.outcome) for each in look(job_id).attempts] == [
        (n, "failed") for n in (1, 2, 3)
    ]


def test_of_very_many_attempts_the_newest_are_kept(app, kind, job_of, look):
    job_id = job_of("ada", kind(lambda _run: None))
    with app.app_context():
        for number in range(1, ATTEMPTS_KEPT + 3):
            assert moves.start(Job.find(job_id), number)
            assert moves.fail(Job.find(job_id), number, "no")
            assert moves.retry(Job.find(job_id))
        db.session.commit()
    kept = [each.number for each in look(job_id).attempts]
    assert kept == list(range(3, ATTEMPTS_KEPT + 3))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (SystemExit(1), "Something went wrong"),
        (MemoryError(), "more memory"),
        (JobTimeoutException("late"), "longer than 600 seconds"),
        (RecursionError(), "Something went wrong"),
    ],
)
def test_however_it_breaks_its_page_is_told_in_words(kind, job_of, look, run, error, sentence):
    def work(run):
        raise error

    job_id = job_of("ada", kind(work, tries=1))
    run(job_id)
    assert look(job_id).state == "failed"
    assert sentence in look(job_id).message


def test_what_cannot_be_done_as_asked_is_not_tried_again(app, kind, job_of, look, run):
    def work(run):
        add_room("half")
        raise Refused("Row 3 is wrong.")

    job_id = job_of("ada", kind(work, tries=3))
    run(job_id)
    assert (look(job_id).state, look(job_id).message) == ("failed", "Row 3 is wrong.")
    assert rooms(app) == []


def test_a_result_that_cannot_be_kept_is_a_failure_and_not_a_silence(app, kind, job_of, look, run):
    def work(run):
        add_room("half")
        return {"when": object()}

    job_id = job_of("ada", kind(work, tries=1))
    run(job_id)
    assert look(job_id).state == "failed"
    assert rooms(app) == []


def test_one_that_holds_the_databases_lock_when_it_ends_waits_for_nobody(app, kind, job_of, look, run):
    """SQLite has one for all writers, and the signs of life want it too."""

    def work(run):
        add_room("written")
        run.progress(1, 2)
        time.sleep(0.6)  # signs of life are due meanwhile

    job_id, begin = job_of("ada", kind(work)), time.monotonic()
    run(job_id)
    assert time.monotonic() - begin < database.LOCK_PATIENCE_S
    assert (look(job_id).state, rooms(app)) == ("done", ["written"])


def test_the_same_attempt_delivered_twice_runs_once(app, kind, job_of, look):
    job_id = job_of("ada", kind(lambda _run: add_room("once")))
    attempt(app, job_id, 1)
    once = look(job_id).version
    attempt(app, job_id, 1)
    attempt(app, job_id, 2)
    attempt(app, 999999, 1)
    assert (look(job_id).attempt, look(job_id).version) == (1, once)
    assert rooms(app) == ["once"]


def test_a_late_twin_leaves_nothing(app, kind, job_of, look, run):
    """Attempt 1 seemed lost and attempt 2 has done the work, while attempt 1 was only slow."""

    def work(run):
        if run.attempt == 1:
            db.session.rollback()
            give_up_on_it()
        add_room(f"of attempt {run.attempt}")
        return {"attempt": run.attempt}

    def give_up_on_it():
        def meanwhile():
            with app.app_context():
                moves.lose(Job.find(job_id), 1, "The process that ran it was lost.")
                db.session.commit()
            attempt(app, job_id)

        other = threading.Thread(target=meanwhile)
        other.start()
        other.join()

    job_id = job_of("ada", kind(work))
    run(job_id)
    job = look(job_id)
    assert (job.state, job.attempt, job.result) == ("done", 2, {"attempt": 2})
    assert [each.outcome for each in job.attempts] == ["lost", "done"]
    assert rooms(app) == ["of attempt 2"]


def test_a_late_twin_cannot_commit_on_the_way_either(app, kind, job_of, look, run):
    def work(run):
        with run.transaction():
            add_room("first")
        db.session.rollback()
        moves.lose(Job.find(job_id), 1, "lost")
        db.session.commit()
        with run.transaction():
            add_room("second")
        raise AssertionError("never reached")

    job_id = job_of("ada", kind(work))
    run(job_id)
    assert (look(job_id).state, rooms(app)) == ("waiting", ["first"])


def test_somebody_asks_it_to_stop_and_it_stops_where_it_reports(app, kind, job_of, look, run):
    def work(run):
        add_room("half")
        db.session.rollback()
        moves.cancel(Job.find(job_id))
        db.session.commit()
        for number in range(10**9):
            run.progress(number, 10**9)
            run.wait(0.01)

    job_id = job_of("ada", kind(work))
    run(job_id)
    job = look(job_id)
    assert (job.state, job.attempts[0].outcome) == ("cancelled", "cancelled")
    assert rooms(app) == []


def test_asked_too_late_it_says_that_it_finished_before(app, kind, job_of, look, run):
    def work(run):
        moves.cancel(Job.find(job_id))
        db.session.commit()
        return {"kept": True}

    job_id = job_of("ada", kind(work))
    run(job_id)
    assert (look(job_id).state, look(job_id).result) == ("done", {"kept": True})
    assert look(job_id).message == "It finished before it could be cancelled."
