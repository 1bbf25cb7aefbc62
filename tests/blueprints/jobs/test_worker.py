"""The real worker with bad jobs: each ends in words, for everybody, soon; and the line goes on behind it."""

import signal
import time

import psutil
import pytest

from database import db
from tests.support import poison_worker, server
from work import Job, kinds, moves
from work.watcher import Watcher

pytestmark = pytest.mark.long

KINDS = {
    name: kind for name, kind in kinds.KINDS.items() if kind.function.__module__ == poison_worker.__name__
}
PATIENCE_S = 40


@pytest.fixture(autouse=True)
def _only_here():
    kinds.KINDS.update(KINDS)
    yield
    for name in KINDS:
        del kinds.KINDS[name]


@pytest.fixture
def poison(server_settings, tmp_path):
    process = server.start(["-m", "tests.support.poison_worker"], server_settings, tmp_path / "worker.log")
    yield process
    if process.poll() is None:
        for child in psutil.Process(process.pid).children():
            child.kill()
        process.kill()
        process.wait()


@pytest.fixture
def until(app, look):
    """until(job_id, test): the row, once the test is true of it; the site's relay and watcher at work meanwhile."""
    relay = app.extensions["live"].relay
    relay.bind()
    watcher = Watcher(app)

    def wait(job_id, test):
        deadline = time.monotonic() + PATIENCE_S
        while not test(job := look(job_id)):
            assert time.monotonic() < deadline, (job.state, job.message)
            relay.turn()
            with app.app_context():
                watcher.turn()
            app.extensions["work"]._over.wait(0.05)
        return job

    return wait


def ended(job):
    return job.has_ended


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("eater", "more memory than a job may use"),
        ("vanishing", "process that ran it was lost"),
        ("exiting", "Something went wrong on our side"),
        ("endless", "longer than 1 seconds"),
    ],
)
def test_a_poison_job_ends_in_words_and_the_line_goes_on(poison, job_of, until, kind, words):
    bad, good = job_of("ada", kind), job_of("ada", "good")
    assert until(good, ended).state == "done"
    job = until(bad, ended)
    assert (job.state, job.attempt) == ("failed", 1)
    assert words in job.message
    assert 0 <= (job.ended_at - job.started_at).total_seconds() < 30


def test_a_job_whose_process_is_killed_is_tried_again_at_once_and_then_parked(poison, job_of, until):
    job = until(job_of("ada", "killed"), ended)
    assert (job.state, [each.outcome for each in job.attempts]) == ("failed", ["lost", "lost"])
    assert "ended from outside" in job.message
    assert (job.attempts[1].started_at - job.attempts[0].started_at).total_seconds() < 10


def test_one_that_does_not_hear_is_stopped_from_outside(app, poison, job_of, until):
    job_id = job_of("ada", "deaf")
    until(job_id, lambda job: job.percent == 50)
    [horse] = psutil.Process(poison.pid).children()
    with app.app_context():
        moves.cancel(Job.find(job_id))
        db.session.commit()
    assert until(job_id, ended).state == "cancelled"
    assert psutil.wait_procs([horse], 5)[1] == []
    assert until(job_of("ada", "good"), ended).state == "done"  # the worker lives


def test_a_deploy_in_the_middle_costs_no_try(poison, server_settings, tmp_path, job_of, until):
    job_id = job_of("ada", "deaf")
    until(job_id, lambda job: job.percent == 50)
    poison.send_signal(signal.SIGTERM)
    with pytest.raises(server.subprocess.TimeoutExpired):
        poison.wait(1.2)  # it waits for the job, until it is told a second time
    poison.send_signal(signal.SIGTERM)
    assert poison.wait(5) == 0
    job = until(job_id, lambda job: job.state == "waiting")
    assert (job.attempt, job.max_attempts, job.attempts[0].outcome) == (1, 2, "lost")
    assert "restarted in the middle" in job.message
