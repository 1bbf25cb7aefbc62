"""A job in real browsers: started, watched, left, found again elsewhere, cancelled, started again, downloaded."""

import re

import pytest
from playwright.sync_api import expect

from blueprints.auth import User
from database import db
from tests.support.databases import email_of
from tests.support.job_pages import is_live, state
from work import Job, moves

pytestmark = [pytest.mark.long, pytest.mark.timeout(180), pytest.mark.usefixtures("worker")]
JOB = re.compile(r"/jobs/\d+$")


def percent(page):
    return page.locator(".job progress").evaluate("bar => bar.value")


@pytest.mark.usefixtures("menu")
def test_started_watched_left_found_elsewhere_cancelled_and_started_again(open_as):
    here = open_as("root", "/jobs/")
    here.get_by_label("Orders").fill("600")
    here.get_by_role("button", name="Start A busy Friday").click()
    here.wait_for_url(JOB, wait_until="commit")
    expect(state(here)).to_have_text("Running")
    expect(here.locator(".measured b")).to_have_text(re.compile(r"[1-9]\d* %"))
    expect(here).to_have_title(re.compile(r"\d+ % - A busy Friday"))
    address = here.url
    here.close()

    there = open_as("root", "/chat/")
    expect(there.locator("#jobs-badge")).to_have_text(re.compile("1 job"))
    there.goto(address)
    expect(state(there)).to_have_text("Running")
    seen = percent(there)
    there.get_by_role("button", name="Cancel").click()
    expect(state(there)).to_have_text("Cancelled")
    assert seen > 0
    expect(there.locator("#jobs-badge")).to_have_text("")
    there.get_by_role("button", name="Start it again").click()
    expect(there.get_by_text("Attempt 2 of 4")).to_be_visible()
    expect(state(there)).to_have_text("Finished")
    expect(there.get_by_text("Of them live")).to_be_visible()


@pytest.mark.usefixtures("sales")
def test_the_word_that_it_ended_finds_me_wherever_i_am_and_the_file_is_there(open_as):
    ada, home = open_as("ada", "/jobs/"), open_as("ada", "/")
    expect(home.locator("html")).to_have_attribute("data-live", "live")
    ada.get_by_role("button", name="Start Sales report").click()
    ada.wait_for_url(JOB, wait_until="commit")
    expect(home.locator("#jobs-news")).to_contain_text("Sales report 1 is finished.")
    expect(state(ada)).to_have_text("Finished")
    expect(ada).to_have_title(re.compile("✓ Sales report"))
    expect(ada.locator("#jobs-news")).to_have_text("")
    with ada.expect_download() as download:
        ada.get_by_role("link", name=re.compile("sales-.*csv")).click()
    assert download.value.path().read_bytes().startswith(b"\xef\xbb\xbfday,item,pieces,sales")
    for chart in ada.locator(".chart img").all():
        expect(chart).to_have_js_property("complete", True)
        assert chart.evaluate("image => image.naturalWidth") > 0
    home.get_by_role("link", name="Look at it").click()
    expect(state(home)).to_have_text("Finished")


def test_what_is_wrong_is_said_beside_the_field_and_a_large_file_never_travels(open_as, tmp_path):
    carlo = is_live(open_as("carlo", "/jobs/"))  # its scripts run
    field, problem = carlo.get_by_label("Menu as CSV"), carlo.locator("#menu_import-menu-problem")
    (tmp_path / "menu.csv").write_text("name,price\nA,1\n")
    field.set_input_files(tmp_path / "menu.csv")
    carlo.get_by_role("button", name="Start Menu import").click()
    expect(problem).to_have_text(re.compile("“description” is missing"))
    with (tmp_path / "large.csv").open("wb") as large:
        large.truncate(200_000_000)
    carlo.get_by_label("Menu as CSV").set_input_files(tmp_path / "large.csv")
    expect(problem).to_have_text(re.compile("too large: 10 megabytes"))
    carlo.get_by_role("button", name="Start Menu import").click()
    expect(carlo).to_have_url(re.compile("/jobs/$"))
    expect(carlo.locator("#jobs .empty")).to_be_visible()


def test_rows_that_are_wrong_are_named_in_the_log(open_as, tmp_path):
    carlo = open_as("carlo", "/jobs/")
    rows = "".join(f"Pizza {n},Fine,{'free' if n % 3 else '8.90'}\n" for n in range(300))
    (tmp_path / "menu.csv").write_text(f"name,description,price\n{rows}")
    carlo.get_by_label("Menu as CSV").set_input_files(tmp_path / "menu.csv")
    carlo.get_by_role("button", name="Start Menu import").click()
    carlo.wait_for_url(JOB, wait_until="commit")
    expect(state(carlo)).to_have_text("Failed")
    expect(carlo.get_by_text("200 of 300 rows are wrong")).to_be_visible()
    expect(carlo.locator("#job-log")).to_contain_text("Row 300: “free” is no price like 8.90.")


def test_admins_see_the_worker_breathe(open_as):
    root = open_as("root", "/jobs/workers")
    row = root.locator("#crew tbody tr").first
    expect(row).to_contain_text(re.compile(r"0:0\d ago"))
    expect(row).to_contain_text("Idle")


def test_a_silent_worker_is_not_shown_as_running_well(app, open_as):
    with app.app_context():
        job = Job(user_id=User.find(email_of("ada")).id, kind="sales_report", arguments={}, max_attempts=3)
        add_running(job)
        job_id = job.id
    page = open_as("ada", f"/jobs/{job_id}")
    expect(page.get_by_text("Its worker is lost, it seems: last sign 0:")).to_be_visible()
    expect(page.get_by_text(re.compile("The process that ran it was lost"))).to_be_visible()


def add_running(job):
    db.session.add(job)
    db.session.flush()
    assert moves.start(job, 1)
    db.session.commit()
