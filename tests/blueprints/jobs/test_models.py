"""A job's states: each move is made once, by whoever finds it where it is expected. On both databases."""

import pytest
from blueprints.jobs.models import Job

from database import db

pytestmark = pytest.mark.both_databases


@pytest.fixture
def job(app, job_of):
    job_id = job_of("ada")
    with app.app_context():
        yield db.session.get(Job, job_id)


def test_it_is_started_once(job):
    assert (job.start(), job.start()) == (True, False)
    assert (job.state, job.attempt, job.version) == ("running", 1, 2)


def test_progress_counts_only_while_it_runs(job):
    assert not job.progress(1, 10, "early")
    job.start()
    assert job.progress(3, 10, "third day")
    assert (job.done, job.total, job.message, job.percent) == (3, 10, "third day", 30)


def test_a_finished_job_is_complete_and_stays_so(job):
    job.start()
    job.progress(3, 10, "third day")
    assert job.finish({"orders": 7})
    assert (job.state, job.done, job.total, job.message, job.result) == ("done", 10, 10, "", {"orders": 7})
    assert job.ended_at >= job.started_at
    assert not job.fail("too late")
    assert not job.progress(1, 10, "later still")
    assert job.state == "done"


@pytest.mark.parametrize("started", [False, True])
def test_it_can_fail_wherever_it_stood(job, started):
    if started:
        job.start()
    assert job.fail("in words")
    assert (job.state, job.message, job.has_ended) == ("failed", "in words", True)
    assert not job.finish({})
