"""Starting again what failed, one by one and together: who may, how many exactly, and what is refused in words."""

from datetime import timedelta

import pytest

from blueprints.jobs.views import MOST_RETRIES
from database import db, utcnow
from tests.blueprints.pages import AS_HTMX, soup
from work import KINDS, Job, moves

BULK = "/jobs/retries?kind=sales_report"


@pytest.fixture
def failed(app, person):
    """failed("ada", 3): the ids of so many failed jobs, of the sales report or another kind."""

    def make(name, count, kind="sales_report"):
        values = {"kind": kind, "arguments": {}, "state": "failed", "attempt": 3, "max_attempts": 3}
        with app.app_context():
            user_id = person(name).id
            made = [Job(user_id=user_id, ended_at=utcnow(), **values) for _ in range(count)]
            db.session.add_all(made)
            db.session.commit()
            return [job.id for job in made]

    return make


@pytest.fixture
def states(app):
    def read(ids):
        with app.app_context():
            return {Job.find(job_id).state for job_id in ids}

    return read


def buttons(client, whose=""):
    page = soup(client.get(f"/jobs/?state=failed{whose}"))
    return [button.text for button in page.select(".bulk button")]


def test_the_button_counts_exactly_and_stands_where_the_failed_ones_are(as_user, failed):
    failed("ada", 2)
    failed("ada", 1, "pizza_photos")
    failed("grace", 4)
    assert buttons(as_user("ada")) == ["Retry 1 failed job: Photo sizes", "Retry 2 failed jobs: Sales report"]
    assert buttons(as_user("root"), "&whose=everybodys")[1] == "Retry 6 failed jobs: Sales report"
    assert buttons(as_user("carlo")) == []
    assert not soup(as_user("ada").get("/jobs/")).select(".bulk")


@pytest.mark.both_databases
def test_it_begins_after_eight_seconds_and_retries_ones_own_alone(app, as_user, failed, states, look, run):
    mine, others = failed("ada", 3), failed("grace", 1)
    answer = as_user("ada").post(BULK, data={"count": "3"})
    assert answer.status_code == 303
    job_id = int(answer.location.rsplit("/", 1)[1])
    job = look(job_id)
    assert (job.state, job.subject) == ("scheduled", "3 failed jobs, of Sales report")
    assert timedelta(seconds=7) < job.due_at - job.created_at < timedelta(seconds=9)
    assert states(mine) == {"failed"}
    with app.app_context():
        moves.wake(Job.find(job_id))
        moves.retry(Job.find(mine[0]))
        db.session.commit()
    run(job_id)
    assert look(job_id).result == {
        "of": "Sales report",
        "retried": 2,
        "refused": [["it has not failed any more, it is waiting", 1]],
    }
    assert look(job_id).log == [f"Job {mine[0]}: it has not failed any more, it is waiting."]
    assert (states(mine), states(others)) == ({"waiting"}, {"failed"})
    assert "Sales report: 2 retried, 1 refused:" in as_user("ada").get(f"/jobs/{job_id}").text


def test_an_admin_retries_everybodys(app, as_user, failed, states, run):
    ids = failed("ada", 1) + failed("grace", 1)
    answer = as_user("root").post(f"{BULK}&whose=everybodys", data={"count": "2"})
    job_id = int(answer.location.rsplit("/", 1)[1])
    with app.app_context():
        moves.wake(Job.find(job_id))
        db.session.commit()
    run(job_id)
    assert states(ids) == {"waiting"}


def test_another_number_than_there_are_is_said_and_nothing_is_started(app, as_user, failed):
    failed("ada", 3)
    ada = as_user("ada")
    for count in ("2", "4", "0", "", "many"):
        for headers in ({}, AS_HTMX):
            answer = ada.post(BULK, data={"count": count}, headers=headers)
            assert answer.status_code == 409
            assert "3 have failed now. Nothing was started" in answer.text
    assert "Retry 3 failed jobs" in soup(answer).select_one("#bulk-sales_report").text
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count(Job.id))) == 3


def test_what_is_no_kind_or_has_not_failed_is_not_retried(as_user):
    ada = as_user("ada")
    assert ada.post("/jobs/retries?kind=nonsense", data={"count": "0"}).status_code == 404
    assert ada.post(BULK, data={"count": "0"}).status_code == 409
    assert ada.post("/jobs/?kind=retry_failed", data={}).status_code == 403


@pytest.mark.parametrize(
    ("count", "words"),
    [(MOST_RETRIES, "Retry 1,000 failed"), (MOST_RETRIES + 1, "the oldest 1,000 of 1,001")],
)
def test_a_thousand_at_once_at_most(as_user, failed, look, count, words):
    ids, ada = failed("ada", count), as_user("ada")
    assert words in buttons(ada)[0]
    answer = ada.post(BULK, data={"count": str(count)})
    job = look(int(answer.location.rsplit("/", 1)[1]))
    assert job.arguments["failed_jobs"] == ids[:MOST_RETRIES]


def test_whoever_may_not_start_a_kind_may_not_start_it_again(as_user, failed, states):
    [job_id] = failed("ada", 1, "menu_import")  # she was a cook once
    answer = as_user("ada").post(f"/jobs/{job_id}/retries")
    assert answer.status_code == 403
    assert "you may not start jobs of its kind" in answer.text
    assert states([job_id]) == {"failed"}


def test_a_kind_that_is_no_longer_there_is_refused(as_user, failed, states, kind):
    name = kind(lambda _run: {})
    [job_id] = failed("ada", 1, name)
    gone = KINDS.pop(name)
    try:
        answer = as_user("ada").post(f"/jobs/{job_id}/retries", headers=AS_HTMX)
    finally:
        KINDS[name] = gone
    assert answer.status_code == 403
    assert "no jobs of its kind any more" in answer.text
    assert states([job_id]) == {"failed"}
