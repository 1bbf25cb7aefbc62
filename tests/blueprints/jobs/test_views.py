"""Starting jobs and looking at them, as people meet it."""

import pytest

from blueprints.jobs.broadcasts import (
    job_topic,
    may_follow_everybodys,
    may_follow_job,
    may_follow_list,
    may_follow_owner,
)
from database import db
from tests.blueprints.pages import AS_HTMX, queries, soup
from work import Job, moves
from work.models import PLACES_SAID

PERIOD = {"since": "2026-03-02", "until": "2026-03-04"}
REPORT = "/jobs/?kind=sales_report"
MENU = b"name,description,price\nMargherita,Tomato,8.90\n"


@pytest.fixture
def ada(as_user):
    return as_user("ada")


@pytest.fixture
def carlo(as_user):
    return as_user("carlo")


def nothing_started(app):
    with app.app_context():
        return db.session.scalar(db.select(db.func.count()).select_from(Job)) == 0


def test_without_jobs_the_page_says_how_to_start_one(ada):
    assert "No jobs yet" in ada.get("/jobs/").text


def test_a_plain_post_leads_to_the_job(ada):
    answer = ada.post(REPORT, data=PERIOD)
    assert answer.status_code == 303
    page = soup(ada.get(answer.location))
    assert page.select_one(".job .state").text == "Waiting"
    assert "2026-03-02 to 2026-03-04" in page.select_one(".subject").text


def test_htmx_is_led_there_too(ada):
    answer = ada.post(REPORT, data=PERIOD, headers=AS_HTMX)
    assert answer.status_code == 201
    assert answer.headers["HX-Redirect"].startswith("/jobs/")


def test_a_form_that_comes_twice_starts_one_job(ada):
    first, second = (ada.post(REPORT, data=PERIOD | {"token": "abc123"}) for _ in range(2))
    assert first.location == second.location
    assert len(soup(ada.get("/jobs/")).select("#jobs li")) == 1


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"until": "2026-03-01"}, "until", "ends before it starts"),
        ({"until": "2027-03-04"}, "until", "a year at most"),
        ({"since": ""}, "since", "first day"),
        ({"since": "yesterday"}, "since", "valid date"),
        ({"since": "2026-02-30"}, "since", "valid date"),
        ({"since": "0001-01-01", "until": "0001-01-02"}, "since", "before the year 2000"),
        ({"until": "9" * 1000}, "until", "valid date"),
    ],
)
def test_a_bad_period_is_said_beside_its_field_and_kept(app, ada, fields, field, sentence):
    answer = ada.post(REPORT, data=PERIOD | fields)
    page = soup(answer)
    assert answer.status_code == 422
    assert sentence in page.find(id=f"sales_report-{field}-problem").text
    assert page.find(id=f"sales_report-{field}")["value"] == (PERIOD | fields)[field]
    assert nothing_started(app)


def test_the_rest_of_the_site_keeps_its_lower_limit(ada):
    assert ada.post("/theme", data={"theme": "x" * 1_100_000}).status_code == 413


@pytest.mark.parametrize(
    "kind", ["menu_import", "busy_friday", "nightly_report", "no_such_kind", "__class__", ""]
)
def test_what_one_may_not_start_is_neither_offered_nor_started(app, ada, kind):
    assert soup(ada.get("/jobs/")).find(id=f"start-{kind}") is None
    assert ada.post(f"/jobs/?kind={kind}", data={"orders": "100"}).status_code == 403
    assert nothing_started(app)


def test_a_job_of_somebody_else_looks_like_none(as_user, job_of):
    mallory, job_id = as_user("mallory"), job_of("ada")
    not_yours, not_there = mallory.get(f"/jobs/{job_id}"), mallory.get("/jobs/999999")
    assert not_yours.status_code == not_there.status_code == 404
    assert soup(not_yours).main == soup(not_there).main
    for what in ("cancellations", "retries"):
        assert mallory.post(f"/jobs/{job_id}/{what}").status_code == 404


def test_a_job_is_followed_by_its_owner_and_by_admins(app, person, job_of):
    job_id = job_of("ada")
    with app.app_context():
        ada, mallory, root = person("ada"), person("mallory"), person("root")
        assert may_follow_job(ada, job_id)
        assert may_follow_job(root, job_id)
        assert not may_follow_job(mallory, job_id)
        assert not may_follow_job(ada, 999999)
        assert not may_follow_owner(mallory, ada.id)
        assert not may_follow_list(mallory, ada.id)
        assert may_follow_everybodys(root)
        assert not may_follow_everybodys(mallory)
        assert not app.extensions["live"].gate.topics.allows(ada, job_topic(2**31))


def test_jobs_are_paged_and_filtered_by_state(app, ada, job_of):
    numbers = [job_of("ada") for _ in range(21)]
    rows = [soup(ada.get(f"/jobs/?page={n}")).select("#jobs li") for n in (1, 2)]
    assert [row["id"] for row in rows[0]] == [f"job-row-{n}" for n in numbers[:0:-1]]
    assert [row["id"] for row in rows[1]] == [f"job-row-{numbers[0]}"]
    ada.post(f"/jobs/{numbers[3]}/cancellations")
    rows = soup(ada.get("/jobs/?state=cancelled")).select("#jobs li")
    assert [row["id"] for row in rows] == [f"job-row-{numbers[3]}"]
    assert "No job is in this state" in ada.get("/jobs/?state=failed").text
    assert len(soup(ada.get("/jobs/?state=nonsense")).select("#jobs li")) == 20


def test_a_job_that_waits_says_its_place_in_the_line(ada, job_of):
    job_of("grace")
    second = job_of("ada")
    assert "1 ahead of it" in soup(ada.get(f"/jobs/{second}")).select_one("#job-more").text


def test_beyond_twenty_a_place_in_the_line_is_not_counted(ada, job_of):
    last = [job_of("ada") for _ in range(PLACES_SAID + 2)][-2:]
    said = [soup(ada.get(f"/jobs/{job_id}")).select_one("#job-more p").text for job_id in last]
    assert said == ["20 ahead of it in the line.", "More than 20 ahead of it in the line."]


def test_what_waits_is_cancelled_at_once_and_started_again(ada, job_of):
    job_id = job_of("ada")
    ada.post(f"/jobs/{job_id}/cancellations")
    page = soup(ada.get(f"/jobs/{job_id}"))
    assert page.select_one(".job .state").text == "Cancelled"
    ada.post(f"/jobs/{job_id}/cancellations")
    assert ada.post(f"/jobs/{job_id}/retries", headers=AS_HTMX).status_code == 204
    assert soup(ada.get(f"/jobs/{job_id}")).select_one(".job .state").text == "Waiting"


def test_the_trace_is_for_admins_alone(app, as_user, kind, job_of, run):
    def work(run):
        raise RuntimeError("a secret of ours")

    job_id = job_of("ada", kind(work, tries=1))
    run(job_id)
    assert "a secret of ours" not in as_user("ada").get(f"/jobs/{job_id}").text
    assert "a secret of ours" in as_user("root").get(f"/jobs/{job_id}").text


def test_every_page_has_the_badge_while_something_of_mine_runs(app, as_user, job_of, look):
    ada, grace = as_user("ada"), as_user("grace")
    job_id = job_of("ada")
    for path in ("/", "/orders/", "/chat/", "/jobs/", "/account"):
        assert "1 job" in soup(ada.get(path)).select_one("#jobs-badge").text
        assert soup(grace.get(path)).select_one("#jobs-badge").text == ""
    with app.app_context():
        moves.cancel(Job.find(job_id))
        db.session.commit()
    assert soup(ada.get("/")).select_one("#jobs-badge").text == ""


def test_the_list_asks_no_more_for_many_than_for_one(app, ada, job_of):
    """Whose rows say the period of a report, and the name of a file."""
    job_of("ada")
    job_of("ada", "menu_import")
    ada.get("/jobs/")
    with queries(app) as for_one:
        ada.get("/jobs/")
    for _ in range(8):
        job_of("ada")
        job_of("ada", "menu_import")
    with queries(app) as for_many:
        ada.get("/jobs/")
    assert len(for_many) == len(for_one)


def test_only_admins_see_the_workers_and_everybodys_jobs(as_user, job_of):
    job_id = job_of("ada")
    root, carlo = as_user("root"), as_user("carlo")
    assert carlo.get("/jobs/workers").status_code == 403
    assert soup(carlo.get("/jobs/?whose=everybodys")).find(id=f"job-row-{job_id}") is None
    assert soup(root.get("/jobs/?whose=everybodys")).find(id=f"job-row-{job_id}")
    page = root.get("/jobs/workers").text
    assert "There is no worker" in page
    assert "Nightly report" in page


@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_is_not_signed_in_is_asked_to(client, method):
    answer = getattr(client, method)("/jobs/")
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
