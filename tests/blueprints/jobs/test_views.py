"""Starting reports and looking at them, as people meet it."""

import pytest
from blueprints.jobs.queue import QUEUE, hand_over
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from blueprints.jobs.broadcasts import job_topic, may_follow_job, may_follow_owner
from tests.blueprints.pages import AS_HTMX, queries, soup

PERIOD = {"since": "2026-03-02", "until": "2026-03-04"}


@pytest.fixture
def ada(as_user):
    return as_user("ada")


def test_without_reports_the_page_says_how_to_start_one(ada):
    assert "No reports yet" in ada.get("/jobs/").text


def test_a_plain_post_leads_to_the_report(ada):
    answer = ada.post("/jobs/", data=PERIOD)
    assert answer.status_code == 303
    page = soup(ada.get(answer.location))
    assert page.select_one(".job .state").text == "Waiting"
    assert page.select_one("progress")["aria-label"]


def test_htmx_is_led_there_too(ada):
    answer = ada.post("/jobs/", data=PERIOD, headers=AS_HTMX)
    assert answer.status_code == 201
    assert answer.headers["HX-Redirect"].startswith("/jobs/")


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
def test_a_bad_period_is_said_beside_its_field_and_kept(ada, fields, field, sentence):
    answer = ada.post("/jobs/", data=PERIOD | fields)
    page = soup(answer)
    assert answer.status_code == 422
    assert sentence in page.find(id=f"{field}-problem").text
    assert page.find(id=field)["value"] == (PERIOD | fields)[field]
    assert "No reports yet" in ada.get("/jobs/").text


def test_htmx_gets_the_form_alone(ada):
    answer = ada.post("/jobs/", data={}, headers=AS_HTMX)
    assert answer.status_code == 422
    assert answer.text.startswith('<hx-partial hx-target="#start"')


def test_a_report_of_somebody_else_looks_like_none(as_user, job_of):
    mallory, job_id = as_user("mallory"), job_of("ada")
    not_yours, not_there = mallory.get(f"/jobs/{job_id}"), mallory.get("/jobs/999999")
    assert not_yours.status_code == not_there.status_code == 404
    assert soup(not_yours).main == soup(not_there).main


def test_a_report_is_followed_by_its_owner_alone(app, person, job_of):
    job_id = job_of("ada")
    with app.app_context():
        ada, mallory = person("ada"), person("mallory")
        assert may_follow_job(ada, job_id)
        assert not may_follow_job(mallory, job_id)
        assert not may_follow_job(ada, 999999)
        assert not may_follow_owner(mallory, ada.id)
        assert not app.extensions["live"].gate.topics.allows(ada, job_topic(2**31))


def test_reports_are_paged(ada, job_of):
    numbers = [job_of("ada") for _ in range(21)]
    rows = [soup(ada.get(f"/jobs/?page={n}")).select("#jobs li") for n in (1, 2)]
    assert [row["id"] for row in rows[0]] == [f"job-row-{n}" for n in numbers[:0:-1]]
    assert [row["id"] for row in rows[1]] == [f"job-row-{numbers[0]}"]


def test_the_list_asks_no_more_for_many_than_for_one(app, ada, job_of):
    job_of("ada")
    ada.get("/jobs/")
    with queries(app) as for_one:
        ada.get("/jobs/")
    for _ in range(8):
        job_of("ada")
    with queries(app) as for_many:
        ada.get("/jobs/")
    assert len(for_many) == len(for_one)


def test_a_job_is_handed_over_as_json(app, redis_url):
    hand_over("an-id", {"id": 7, "kind": "sales_report"})
    hand_over("an-id", {"id": 7, "kind": "sales_report"})
    with Redis.from_url(redis_url) as redis:
        job = Queue(QUEUE, connection=redis, serializer=JSONSerializer).fetch_job("an-id")
        assert (job.func_name, job.args) == ("blueprints.jobs.jobs.sales_report", [7])
        assert redis.hget("rq:job:an-id", "data") is not None


@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_is_not_signed_in_is_asked_to(client, method):
    answer = getattr(client, method)("/jobs/")
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
