"""What the worker does with a job: the sums, the progress, the end that always comes."""

import pytest
from blueprints.jobs.jobs import run, sales_report
from blueprints.jobs.models import Job

from database import db
from tests.blueprints.pages import has, news, soup


@pytest.mark.both_databases
def test_a_report_adds_up_its_days_both_ends_included(app, sales, job_of, look):
    job_id = job_of("ada")
    with app.app_context():
        sales_report(job_id)
    job = look(job_id)
    assert (job.state, job.done, job.total) == ("done", 3, 3)
    assert job.result == {"days": 3, "orders": 3, "total_cents": 5340, "items": [["Margherita", 6, 5340]]}


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("day", "orders"), [("2026-03-01", 0), ("2026-03-02", 1), ("2026-03-04", 1), ("2026-03-05", 0)]
)
def test_a_day_ends_at_midnight_utc(app, sales, job_of, look, day, orders):
    job_id = job_of("ada", day, day)
    with app.app_context():
        sales_report(job_id)
    assert look(job_id).result["orders"] == orders


def test_a_second_delivery_of_a_job_does_nothing(app, sales, job_of, look):
    job_id = job_of("ada")
    with app.app_context():
        sales_report(job_id)
        once = look(job_id).version
        sales_report(job_id)
    assert (look(job_id).attempt, look(job_id).version) == (1, once)


def test_a_job_that_is_gone_is_no_error(app):
    with app.app_context():
        assert sales_report(999999) is None


def test_a_job_that_breaks_ends_in_words_for_people(app, job_of, look):
    job_id = job_of("ada", since="not a day")
    with app.app_context():
        sales_report(job_id)
    job = look(job_id)
    assert job.state == "failed"
    assert job.message.startswith("Something went wrong on our side.")


def test_what_a_broken_job_had_begun_is_undone(app, job_of, look):
    def work(job):
        db.session.execute(db.update(Job).values(message="half done"))
        raise RuntimeError("in the middle")

    other, job_id = job_of("grace"), job_of("ada")
    with app.app_context():
        run(job_id, work)
    assert look(job_id).state == "failed"
    assert look(other).message == ""


def test_its_page_follows_it_to_the_end(app, as_user, sales, job_of):
    ada, job_id = as_user("ada"), job_of("ada")
    page = ada.get(f"/jobs/{job_id}")
    with app.app_context():
        sales_report(job_id)
    events = news(ada, page, until=has('data-state="done"'))
    assert [event.data.count("€53.40") > 0 for event in events].count(True) == 1
    assert "€53.40" in soup(ada.get(f"/jobs/{job_id}")).select_one(".figures").text


def test_a_real_worker_does_what_a_page_started(as_user, sales, worker):
    ada = as_user("ada")
    started = ada.post("/jobs/", data={"since": "2026-03-02", "until": "2026-03-04"})
    page = ada.get(started.location)
    if 'data-state="done"' not in page.text:
        news(ada, page, until=has('data-state="done"'))
    assert "€53.40" in ada.get(started.location).text
