"""What the watcher notices: lost attempts, jobs that fell out of Redis, the deaf, the due, the nightly. Real Redis."""

import pickle
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from database import db, utcnow
from tests.support import databases
from tests.support.jobs import attempt, relay
from work import Job, crew, ending, kinds, moves, queue, schedule
from work.watcher import BEHIND_S, Watcher

pytestmark = pytest.mark.both_databases


@pytest.fixture
def watcher(app):
    return Watcher(app)


@pytest.fixture
def turn(app, watcher):
    def look():
        with app.app_context():
            watcher.turn()

    return look


@pytest.fixture
def change(app):
    """change(job_id, beat_at=...): the row, as it would be after a while."""

    def update(job_id, **values):
        with app.app_context():
            db.session.execute(db.update(Job).where(Job.id == job_id).values(values))
            db.session.commit()

    return update


@pytest.fixture
def running(app, job_of, change):
    """The id of a job whose attempt was last heard of a minute ago."""
    job_id = job_of("ada")
    with app.app_context():
        assert moves.start(Job.find(job_id), 1)
        db.session.commit()
    change(job_id, beat_at=utcnow() - timedelta(minutes=1))
    return job_id


def test_a_look_that_finds_nothing_waits_for_nobody_who_writes(app, turn, job_of, monkeypatch):
    job_of("ada")
    with databases.somebody_writes(app, monkeypatch):
        turn()


def in_line(redis_url):
    with Redis.from_url(redis_url) as redis:
        return Queue(queue.NAME, connection=redis, serializer=JSONSerializer).get_job_ids()


def test_an_attempt_that_is_silent_is_lost_and_started_again(app, running, turn, look, redis_url):
    turn()
    job = look(running)
    assert (job.state, job.attempt, job.attempts[0].outcome) == ("waiting", 1, "lost")
    assert job.message == "The process that ran it was lost."
    relay(app)
    assert in_line(redis_url)[-1] == f"job-{running}-2"


def test_an_attempt_that_was_heard_of_is_left_alone(running, change, turn, look):
    change(running, beat_at=utcnow() - timedelta(seconds=5))
    turn()
    assert look(running).state == "running"


def test_after_the_last_attempt_it_has_failed(running, change, turn, look):
    change(running, max_attempts=1)
    turn()
    assert (look(running).state, look(running).message) == ("failed", "The process that ran it was lost.")


def test_lost_while_it_was_asked_to_stop_it_is_cancelled(running, change, turn, look):
    change(running, state="stopping", due_at=utcnow() + timedelta(minutes=1))
    turn()
    assert (look(running).state, look(running).attempts[0].outcome) == ("cancelled", "cancelled")


def test_what_has_ended_is_kept_for_thirty_days(app, running, change, turn):
    for days, is_there in ((7, True), (29, True), (31, False)):
        change(running, state="done", ended_at=utcnow() - timedelta(days=days))
        turn()
        with app.app_context():
            assert (Job.find(running) is not None) is is_there


def test_one_that_does_not_hear_is_stopped(running, change, turn, look):
    change(running, state="stopping", beat_at=utcnow(), due_at=utcnow())
    turn()
    assert look(running).state == "cancelled"


@pytest.mark.parametrize(("silent_s", "state"), [(1, "running"), (9, "waiting")])
def test_after_a_database_was_away_only_those_are_lost_who_were_silent_before(
    running, change, watcher, turn, look, silent_s, state
):
    away_since = utcnow() - timedelta(seconds=20)
    change(running, beat_at=away_since - timedelta(seconds=silent_s))
    # What the loop does after looks that failed.
    watcher._looked_at, watcher._trusted_from = away_since, time.monotonic() + 12
    turn()
    assert look(running).state == state


def test_a_pause_that_is_over_ends(app, kind, job_of, turn, look, run):
    def work(run):
        raise RuntimeError

    job_id = job_of("ada", kind(work, pauses_s=(0,)))
    run(job_id)
    assert look(job_id).state == "scheduled"
    turn()
    assert look(job_id).state == "waiting"


def test_a_job_that_redis_forgot_is_handed_over_again_once(
    app, job_of, change, turn, redis_url, redis_client
):
    job_id = job_of("ada")
    relay(app)
    redis_client.delete(*redis_client.keys("rq:*"))  # the epoch stays, so the relay sends nothing once more
    turn()
    relay(app)
    assert in_line(redis_url) == []  # it may still be on its way
    change(job_id, queued_at=utcnow() - timedelta(seconds=11))
    for _ in range(3):
        turn()
        relay(app)
    assert in_line(redis_url) == [f"job-{job_id}-1"]


def test_while_the_outbox_is_behind_nothing_is_sent_once_more(app, job_of, change, turn):
    change(job_of("ada"), queued_at=utcnow() - timedelta(seconds=11))
    rows = app.extensions["live"].outbox.table
    with app.app_context():
        db.session.execute(sa.update(rows).values(made_at=rows.c.made_at - BEHIND_S - 0.1))
        db.session.commit()
        app.extensions["live"].relay.bind()
        app.extensions["live"].relay.look()
    turn()
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).where(rows.c.kind == "job")) == 1


def test_two_watchers_do_nothing_twice(app, running, look):
    watchers = [Watcher(app), Watcher(app)]
    with app.app_context():
        for each in watchers:
            each.turn()
    assert [each.outcome for each in look(running).attempts] == ["lost"]
    with app.app_context():
        assert [bool(each._holds()) for each in watchers * 2] == [True, False] * 2


def test_what_a_worker_knows_is_said_at_once(app, running, look):
    ending.note(app, f"job-{running}-7", ending.KILLED)
    ending.note(app, "somebody-elses", ending.KILLED)
    ending.note(app, None, ending.KILLED)
    assert look(running).state == "running"
    ending.note(app, f"job-{running}-1", ending.DEPLOY, free=True)
    assert (look(running).state, look(running).max_attempts) == ("waiting", 4)  # a deploy costs no try


def test_the_nightly_report_is_made_once_a_night_and_made_up_for(app, look, turn):
    kind = kinds.KINDS["nightly_report"]
    with app.app_context():
        yesterday = utcnow() - timedelta(days=1)
        due = schedule.next_time(kind, yesterday)
        schedule.start_due(
            utcnow() - timedelta(seconds=1) if due > utcnow() - timedelta(seconds=1) else utcnow()
        )
        assert (
            db.session.scalar(db.select(db.func.count(Job.id))) == 0
        )  # the site is too young for last night's
        moves.create(kind.name, {}, once=schedule._name(kind, due - timedelta(days=1)))
        db.session.commit()
        for _ in range(3):
            schedule.start_due(utcnow())
        made = db.session.scalars(db.select(Job).order_by(Job.id)).all()[1:]
        missed_by = utcnow() - due
        assert [job.once for job in made] == (
            [schedule._name(kind, due)] if missed_by < timedelta(hours=12) else []
        )
        day = (due.date() - timedelta(days=1)).isoformat()
        assert all(job.arguments == {"since": day, "until": day} and job.user_id is None for job in made)


# -- what is in Redis is not believed ----------------------------------------------------------------------


class QuietWorker(SimpleWorker):
    """Without the thread that hears commands, which outlives a burst by a second."""

    job_class = queue.OwnJob

    def subscribe(self):
        pass

    unsubscribe = subscribe


@pytest.fixture
def burst(app, redis_url):
    """burst(): the worker, in this process, until the line is empty."""

    def work():
        with Redis.from_url(redis_url) as redis, app.app_context():
            QuietWorker([queue.NAME], connection=redis, serializer=JSONSerializer).work(burst=True)

    return work


def plant(redis_url, name, data, **more):
    with Redis.from_url(redis_url) as redis:
        line = queue.line(redis)
        job = RqJob.create(
            "math.sqrt", args=[4], id=name, connection=redis, serializer=JSONSerializer, origin=queue.NAME
        )
        job.save()
        redis.hset(job.key, mapping={"data": data, **more})
        line.push_job_id(name)


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("field", ["data", "meta", "result"])
def test_a_planted_pickle_is_not_loaded(burst, redis_url, tmp_path, field):
    trap = tmp_path / "unpickled"
    poison = pickle.dumps(Trap(trap))
    good = JSONSerializer.dumps(["math.sqrt", None, [4], {}])
    plant(redis_url, "planted", **({"data": good} | {field: poison}))
    burst()
    assert not trap.exists()


@pytest.mark.parametrize(
    "call",
    [
        ["os.mkdir", None, ["{trap}"], {}],
        [queue.RUN, None, ["{trap}", 1], {}],
        [queue.RUN, None, [1, 1], {"leave": "os.mkdir"}],
        ["work.queue.hand_over", None, ["{trap}", {}], {}],
    ],
)
def test_only_registered_work_runs(burst, redis_url, tmp_path, call):
    trap = str(tmp_path / "made")
    call[2] = [trap if each == "{trap}" else each for each in call[2]]
    callbacks = {f"{when}_callback_name": "os.mkdir" for when in ("success", "failure", "stopped")}
    plant(redis_url, trap.rsplit("/", 1)[1], JSONSerializer.dumps(call), **callbacks)
    burst()
    assert not (tmp_path / "made").exists()


def test_the_line_goes_on_behind_what_was_refused(app, burst, sales, job_of, look, redis_url):
    plant(redis_url, "planted", pickle.dumps(1))
    job_id = job_of("ada")
    relay(app)
    burst()
    assert look(job_id).state == "done"


def test_a_worker_is_seen_with_its_last_breath(burst, redis_url):
    with Redis.from_url(redis_url) as redis:
        redis.sadd("rq:workers", "rq:worker:one")
        redis.hset(
            "rq:worker:one", mapping={"state": "busy", "last_heartbeat": "2026-01-01T00:00:00.000000Z"}
        )
        redis.sadd("rq:worker:one:executions", "job-7-1:abc")
    [worker] = crew.workers()
    assert (worker.name, worker.state, worker.job, worker.silent) == ("one", "busy", "job-7-1", True)
    assert crew.lines() == [("default", 0)]


def test_twins_in_the_line_run_once(app, burst, kind, job_of, look):
    job_id = job_of("ada", kind(lambda run: {"attempt": run.attempt}))
    with app.app_context():
        payload = {"id": job_id, "attempt": 1, "timeout_s": 60}
        queue.hand_over("a", payload)
        queue.hand_over("b", payload)
    burst()
    attempt(app, job_id, 1)
    assert [each.outcome for each in look(job_id).attempts] == ["done"]
