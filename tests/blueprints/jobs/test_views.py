"""Starting jobs and looking at them, as people meet it."""

import http.client
import io
import zipfile
import zlib
from contextlib import closing

import psutil
import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from blueprints.jobs.broadcasts import (
    job_topic,
    may_follow_everybodys,
    may_follow_job,
    may_follow_list,
    may_follow_owner,
)
from database import db
from tests.blueprints.pages import AS_HTMX, queries, soup
from tests.support.clients import signed_in
from tests.support.sessions import cookie
from work import Job, moves

PERIOD = {"since": "2026-03-02", "until": "2026-03-04"}
REPORT = "/jobs/?kind=sales_report"
MENU = b"name,description,price\nMargherita,Tomato,8.90\n"


@pytest.fixture
def ada(as_user):
    return as_user("ada")


@pytest.fixture
def carlo(as_user):
    return as_user("carlo")


def picture(width, height, form="PNG"):
    made = io.BytesIO()
    Image.new("1", (width, height)).save(made, form)
    return made.getvalue()


def bomb(width, height):
    """A PNG of a few hundred bytes that says it has that many pixels."""
    small = bytearray(picture(8, 8))
    small[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    small[29:33] = zlib.crc32(bytes(small[12:29])).to_bytes(4, "big")
    return bytes(small)


def a_zip():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", "a")
    return made.getvalue()


def upload(client, kind, field, content, name, **options):
    boundary, body = encode_multipart({field: FileStorage(io.BytesIO(content), name)})
    options |= {"input_stream": io.BytesIO(body), "content_length": len(body)}
    return client.post(
        f"/jobs/?kind={kind}", content_type=f"multipart/form-data; boundary={boundary}", **options
    )


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


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "choose a file"),
        (b"\x00\x01\x02", "bytes that no text has"),
        (b"\xff\xfe\xfa", "not a text in UTF-8"),
        (b"just a line\n", "“name”, “description”, “price” is missing"),
        (b"name,description\na,b\n", "“price” is missing"),
        (b"name,description,price,colour\na,b,1,red\n", "no column called “colour”"),
        (b"name,description,price\n", "no row below"),
        (b'name,description,price\n"a,b,1\n', "not a CSV file"),
        (b"name,description,price\n" + b"a,b,1\n" * 5001, "5,001 rows"),
    ],
)
def test_a_csv_of_the_wrong_shape_is_said_beside_its_field(app, carlo, content, sentence):
    answer = upload(carlo, "menu_import", "menu", content, "menu.csv")
    assert answer.status_code == 422
    assert sentence in soup(answer).find(id="menu_import-menu-problem").text
    assert nothing_started(app)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (a_zip(), "no picture that we can read, whatever its name says"),
        (b"GIF89a", "no picture that we can read"),
        (bomb(50_000, 50_000), "50,000 x 50,000 pixels. 40 million in all are the limit"),
        (bomb(4_000_000, 4_000_000), "limit"),
        (b"", "choose a file"),
        (b"\xff\xd8\xff" + b"x" * 10_000_000, "too large: 10 megabytes"),
    ],
)
def test_what_is_no_photo_is_said_beside_its_field(app, ada, content, sentence):
    answer = upload(ada, "pizza_photos", "photo", content, "pizza.jpg", headers=AS_HTMX)
    assert answer.status_code == 422
    assert answer.text.startswith('<hx-partial hx-target="#start-pizza_photos"')
    assert sentence in soup(answer).find(id="pizza_photos-photo-problem").text
    assert nothing_started(app)


@pytest.mark.parametrize("headers", [{}, AS_HTMX])
def test_a_body_over_the_limit_is_said_beside_the_field_too(app, carlo, headers):
    body, kind = io.BytesIO(b"x" * 11_000_000), "multipart/form-data; boundary=abc"
    path = "/jobs/?kind=menu_import"
    answer = carlo.post(
        path, input_stream=body, content_length=11_000_000, content_type=kind, headers=headers
    )
    assert answer.status_code == 413
    assert "too large: 10 megabytes" in soup(answer).find(id="menu_import-menu-problem").text
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
    job_of("ada")
    ada.get("/jobs/")
    with queries(app) as for_one:
        ada.get("/jobs/")
    for _ in range(8):
        job_of("ada")
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


def test_two_hundred_megabytes_are_answered_beside_the_field_and_fill_no_memory(app, serve):
    live_server = serve(SECRET_KEY=app.config["SECRET_KEY"])
    headers = {
        "Cookie": f"levain={cookie(signed_in(app, 'carlo'))}",
        "Origin": live_server.url,
        "Content-Type": "multipart/form-data; boundary=abc",
    }
    with closing(http.client.HTTPConnection("127.0.0.1", live_server.port, timeout=30)) as browser:
        browser.putrequest("POST", "/jobs/?kind=menu_import")
        for name, value in (headers | {"Content-Length": 200_000_000}).items():
            browser.putheader(name, value)
        browser.endheaders()
        for _ in range(200):
            browser.send(b"x" * 1_000_000)
        answer = browser.getresponse()
        assert answer.status == 413
        assert "too large: 10 megabytes" in answer.read().decode()
    workers = psutil.Process(live_server.process.pid).children()
    assert max(each.memory_info().rss for each in workers) < 200_000_000
