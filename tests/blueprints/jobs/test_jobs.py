"""The real jobs: what they make, what they refuse, and what of it somebody sees while they run."""

import csv
import io
import random
import re
import time

import pytest
from PIL import Image

from blueprints.orders.models import MenuItem, Order
from database import db
from live.testing import capture
from tests.blueprints.pages import has, news, queries, soup
from work import Job, JobFile, moves

HEAD = "name,description,price,sold_out\n"


def menu(app):
    with app.app_context():
        return [(item.name, item.price_cents, item.sold_out) for item in MenuItem.menu()]


@pytest.fixture
def with_file(app, person):
    """with_file("carlo", "menu_import", "menu", b"..."): the id of a job that was given this file."""

    def make(name, kind, field, data, filename="given"):
        with app.app_context():
            file = JobFile(
                field=field, name=filename, mime="application/octet-stream", size=len(data), data=data
            )
            job = moves.create(kind, {}, user=person(name), files=[file])
            db.session.commit()
            return job.id

    return make


# -- the sales report ------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_report_adds_up_its_days_both_ends_included(sales, job_of, look, run):
    job_id = job_of("ada")
    run(job_id)
    job = look(job_id)
    assert (job.state, job.percent) == ("done", 100)
    assert job.result == {"days": 3, "orders": 3, "total_cents": 5340, "items": [["Margherita", 6, 5340]]}


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("day", "orders"), [("2026-03-01", 0), ("2026-03-02", 1), ("2026-03-04", 1), ("2026-03-05", 0)]
)
def test_a_day_ends_at_midnight_utc(sales, job_of, look, run, day, orders):
    job_id = job_of("ada", since=day, until=day)
    run(job_id)
    assert look(job_id).result["orders"] == orders


def test_a_report_comes_with_a_file_and_with_charts_that_run_nothing(as_user, sales, job_of, run):
    job_id = job_of("ada")
    run(job_id)
    ada = as_user("ada")
    page = soup(ada.get(f"/jobs/{job_id}"))
    download = ada.get(page.select_one(".files a")["href"])
    rows = list(csv.reader(io.StringIO(download.data.decode("utf-8-sig"))))
    assert (
        download.headers["Content-Disposition"] == "attachment; filename=sales-2026-03-02-to-2026-03-04.csv"
    )
    assert rows[:2] == [["day", "item", "pieces", "sales"], ["2026-03-02", "Margherita", "2", "17.80"]]
    assert len(rows) == 4
    charts = [ada.get(image["src"]) for image in page.select(".chart img")]
    assert len(charts) == 2
    for chart in charts:
        assert chart.mimetype == "image/svg+xml"
        assert "script-src 'self'" in chart.headers["Content-Security-Policy"]
        assert "<script" not in chart.text
    assert as_user("mallory").get(page.select_one(".files a")["href"]).status_code == 404


def test_what_a_browser_has_kept_of_a_file_is_shown_only_to_whoever_may_see_it_now(
    app, as_user, sales, job_of, run
):
    job_id = job_of("ada")
    run(job_id)
    ada = as_user("ada")
    address = soup(ada.get(f"/jobs/{job_id}")).select_one(".files a")["href"]
    kept = ada.get(address)
    assert kept.headers["Cache-Control"] == "private, no-cache"
    asked = {"If-None-Match": kept.headers["ETag"]}
    with queries(app) as sql:
        assert ada.get(address, headers=asked).status_code == 304
    assert not any("job_files.data" in each for each in sql)
    assert ada.get(address, headers={"If-None-Match": '"another"'}).data == kept.data
    ada.post("/logout")
    assert ada.get(address, headers=asked).status_code == 303


def test_a_name_that_a_spreadsheet_would_run_is_made_harmless(app, sales, job_of, look, run):
    with app.app_context():
        db.session.execute(db.text("UPDATE order_lines SET name = '=1+1'"))
        db.session.commit()
    job_id = job_of("ada")
    run(job_id)
    assert b",'=1+1," in look(job_id).outputs[0].data


# -- the menu --------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_menu_is_imported_new_rows_added_known_ones_changed(app, with_file, look, run):
    rows = "".join(f"Pizza {n},Number {n},{n % 20 + 1}.50,no\n" for n in range(300))
    run(with_file("carlo", "menu_import", "menu", (HEAD + rows).encode()))
    assert len(menu(app)) == 300
    job_id = with_file(
        "carlo", "menu_import", "menu", b"name;description;price;sold_out\npizza 7;New;9,90;yes\n"
    )
    run(job_id)
    assert look(job_id).state == "done"
    assert len(menu(app)) == 300
    assert ("pizza 7", 990, True) in menu(app)


@pytest.mark.both_databases
def test_one_wrong_row_is_named_and_nothing_is_imported(app, with_file, look, run):
    rows = [
        "A,b,8.90,no",
        ",b,8,no",
        "C,d,free,no",
        "D,e,-1,no",
        "E,f,1,perhaps",
        "a,again,1,no",
        "F",
        "G,h,1.999,no",
    ]
    job_id = with_file("carlo", "menu_import", "menu", (HEAD + "\n".join(rows)).encode())
    run(job_id)
    job, log = look(job_id), "\n".join(look(job_id).log).split("\n")
    assert (job.state, job.attempt) == ("failed", 1)
    assert job.message == "7 of 8 rows are wrong; the log names each. Nothing was imported."
    wrong = ["Row 3: it has no name", "“free” is no price", "more than 0", "yes or no"]
    wrong += ["stands further up", "not as many columns", "“1.999” is no price"]
    for line, words in zip(log, wrong, strict=True):
        assert words in line
    assert menu(app) == []


def test_wrong_rows_are_shown_on_the_page(as_user, with_file, run):
    job_id = with_file("carlo", "menu_import", "menu", (HEAD + "A,b,free,no\n").encode())
    carlo = as_user("carlo")
    page = carlo.get(f"/jobs/{job_id}")
    run(job_id)
    events = news(carlo, page, until=has('data-state="failed"'))
    assert any("job-log" in event.data and "“free” is no price" in event.data for event in events)
    assert "“free” is no price" in soup(carlo.get(f"/jobs/{job_id}")).select_one("#job-log").text


# -- photos ----------------------------------------------------------------------------------------------


def photo(width=1600, height=1200, form="JPEG", **options):
    made = io.BytesIO()
    pixels = random.Random(1).randbytes(64 * 48 * 3)
    Image.frombytes("RGB", (64, 48), pixels).resize((width, height)).save(made, form, **options)
    return made.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_made_into_sizes_without_what_the_camera_wrote(as_user, with_file, look, run, form):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x8825] = {1: "N"}  # and says where it was taken
    job_id = with_file("ada", "pizza_photos", "photo", photo(form=form, exif=exif), "../../evil<b>.jpg")
    run(job_id)
    made = [Image.open(io.BytesIO(file.data)) for file in look(job_id).outputs]
    assert [image.size for image in made] == [(120, 160), (240, 320), (480, 640), (960, 1280)]
    assert [image.format for image in made] == ["WEBP"] * 4
    assert not any(image.getexif() for image in made)
    assert as_user("ada").get(f"/jobs/{job_id}").text.count("<b>.jpg") == 0


def test_a_damaged_photo_is_refused_in_words(with_file, look, run):
    job_id = with_file("ada", "pizza_photos", "photo", photo()[:20_000])
    run(job_id)
    assert (look(job_id).state, look(job_id).attempt) == ("failed", 1)
    assert "damaged" in look(job_id).message
    assert look(job_id).outputs == []


# -- a busy Friday ---------------------------------------------------------------------------------------


@pytest.fixture
def friday(app, person, monkeypatch):
    monkeypatch.setattr("blueprints.orders.jobs.STEP_S", 0)
    with app.app_context():
        db.session.add(
            MenuItem(name="Margherita", description="", picture="margherita", price_cents=890, sort=1)
        )
        job = moves.create("busy_friday", {"orders": 150}, user=person("root"))
        db.session.commit()
        return job.id


@pytest.mark.both_databases
def test_a_busy_friday_is_there_once_even_when_it_had_to_start_again(app, friday, look, run, monkeypatch):
    broken = monkeypatch.context
    with broken() as patch:
        patch.setattr("blueprints.orders.friday.Friday.move_on", None)
        run(friday)
    assert look(friday).state == "scheduled"
    with app.app_context():
        moves.wake(Job.find(friday))
        db.session.commit()
    run(friday)
    assert look(friday).state == "done"
    with app.app_context():
        states = db.session.execute(db.select(Order.state, db.func.count()).group_by(Order.state)).all()
    assert [tuple(row) for row in states] == [("done", 150)]


def test_a_busy_friday_moves_the_kitchens_board(as_user, friday, run):
    carlo = as_user("carlo")
    page = carlo.get("/kitchen/")
    run(friday)
    events = news(carlo, page, until=has("#column-ready"))
    assert any("#column-new" in event.data for event in events)
    assert any("#column-oven" in event.data for event in events)


# -- with a real worker ----------------------------------------------------------------------------------


def test_a_real_worker_does_what_a_page_started(as_user, sales, worker):
    ada = as_user("ada")
    started = ada.post("/jobs/?kind=sales_report", data={"since": "2026-03-02", "until": "2026-03-04"})
    page = ada.get(started.location)
    if 'data-state="done"' not in page.text:
        news(ada, page, until=has('data-state="done"'))
    assert "€53.40" in ada.get(started.location).text


# -- progress --------------------------------------------------------------------------------------------


def test_however_often_it_reports_viewers_see_a_few_a_second_and_the_newest_last(app, kind, job_of, run):
    def work(run):
        end = time.monotonic() + 2
        number = 0
        while time.monotonic() < end:
            number += 1
            run.progress(number, 10**7, f"number {number}")
        run.progress(10**7, 10**7, "the last")
        run.wait(0.6)

    job_id = job_of("ada", kind(work))
    with capture(app.extensions["live"]) as captured:
        run(job_id)
        shown = [event for event in captured.events if event.target == f"#job-{job_id}-progress"]
    assert 2 <= len(shown) <= 5 * 2.6
    assert "the last" in shown[-1].data
    percents = [int(re.search(r'value="(\d+)"', event.data)[1]) for event in shown]
    assert percents == sorted(percents)


def test_a_report_by_itself_asks_nobody_and_writes_nothing(app, kind, job_of, run):
    """So ten thousand a second cost what one costs: what it says is fetched from it a few times a second."""
    asked = {}

    def work(run):
        for reports in (1, 10_000):
            with queries(app) as asked[reports]:
                for number in range(reports):
                    run.progress(number, 10_000, "on the way")

    run(job_of("ada", kind(work)))
    assert asked == {1: [], 10_000: []}


@pytest.mark.long
def test_ten_thousand_reports_a_second_cost_less_than_five_per_cent(kind, job_of, run):
    """Processor time, with and without reports in turns, and that of the thread that tells the viewers."""
    costs = []

    def work(run):
        spent = {True: 0.0, False: 0.0}
        process, thread, clock = time.process_time(), time.thread_time(), time.monotonic()
        for turn in range(200):
            start = time.thread_time()
            for number in range(100):
                sum(range(8000))  # some 100 microseconds
                if turn % 2:
                    run.progress(100 * turn + number, 20_000, "on the way")
            spent[bool(turn % 2)] += time.thread_time() - start
        beside = (time.process_time() - process) - (time.thread_time() - thread)
        # That thread ticks by the clock, however slow this machine is.
        costs.append(spent[True] / spent[False] - 1 + beside / (time.monotonic() - clock))

    def warm_up(run):
        run.progress(1, 2)
        run.wait(0.6)

    run(job_of("ada", kind(warm_up)))  # templates are compiled once
    for _ in range(3):
        run(job_of("ada", kind(work)))
    assert min(costs) < 0.05, costs
