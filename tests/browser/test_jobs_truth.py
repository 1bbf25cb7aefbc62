"""The page of a job equals a fresh load at every moment (UX J12), in each state of its life, for owner and admin."""

import difflib
import time

import pytest
from playwright.sync_api import expect

from blueprints.auth import User
from database import db
from extensions import live
from tests.faults.limits import in_time
from tests.support import job_pages
from tests.support.databases import email_of
from tests.support.job_pages import is_live, state
from work import moves

jobs, site = job_pages.jobs, job_pages.site
pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]
TEXT = "() => document.querySelector('main').innerText.replace(/\\d+/g, '0')"  # clocks tick between two looks
LIFE = [
    ["say", 1, 3],
    ["progress", 30, 100, "on the way"],
    ["until", "failing"],
    ["fail_in", 1],
    ["say", 4, 5],
    ["until", "second"],
    ["until", "third"],
    ["file", "export.csv", "a,b\n"],
]


def equals_a_fresh_load(page, within_s=2):
    fresh = page.context.new_page()
    give_up = time.monotonic() + in_time(within_s)
    while True:
        fresh.goto(page.url)
        is_live(fresh)
        seen, wanted = page.evaluate(TEXT), fresh.evaluate(TEXT)
        if seen == wanted or time.monotonic() > give_up:
            break
    fresh.close()
    assert seen == wanted, "\n".join(difflib.ndiff(seen.splitlines(), wanted.splitlines()))


def test_in_every_state_of_its_life_the_page_is_what_a_fresh_load_shows(jobs, open_as):
    first, job_id = jobs.make(), jobs.make(*LIFE)
    pages = [is_live(open_as(name, f"/jobs/{job_id}")) for name in ("ada", "root")]
    for act, seen in (
        (lambda: None, "Waiting"),
        (lambda: jobs.move(moves.cancel, first), "Waiting"),  # its place in line has changed
        (jobs.work, "Running"),
        (lambda: jobs.say("failing"), "Scheduled"),
        (lambda: None, "Running"),  # restarted
        (lambda: jobs.move(moves.cancel, job_id), "Cancelled"),
        (lambda: jobs.say("second"), "Cancelled"),
        (lambda: jobs.move(moves.retry, job_id), "Running"),
        (lambda: jobs.say("third"), "Finished"),
    ):
        act()
        for page in pages:
            expect(state(page)).to_have_text(seen)
            equals_a_fresh_load(page)


def test_at_any_moment_of_a_running_job_the_page_is_what_a_fresh_load_shows(jobs, open_as):
    job_id = jobs.make(["until", "go"], ["steady", 30, 3000], ["until", "end"])
    jobs.work()
    ada = is_live(open_as("ada", f"/jobs/{job_id}"))
    expect(state(ada)).to_have_text("Running")
    jobs.say("go")
    for pause_ms in (100, 1700, 3300, 900, 2100, 4000):
        ada.wait_for_timeout(pause_ms)
        equals_a_fresh_load(ada)


def test_a_job_started_again_knows_its_place_in_line(jobs, open_as):
    """The page was opened when it had ended: what it follows has changed since."""
    job_id = jobs.make(state="failed", kind="script", attempt=3, max_attempts=3)
    first, _second = jobs.make(), jobs.make()
    ada = is_live(open_as("ada", f"/jobs/{job_id}"))
    ada.get_by_role("button", name="Start it again").click()
    expect(ada.locator("#job-more")).to_contain_text("2 ahead of it")
    jobs.move(moves.cancel, first)
    expect(ada.locator("#job-more")).to_contain_text("1 ahead of it")


def test_whoever_may_not_see_it_any_more_is_told_and_a_stranger_finds_nothing(jobs, open_as):
    job_id = jobs.make()
    root = is_live(open_as("root", f"/jobs/{job_id}"))
    with jobs.app.app_context():
        user = User.find(email_of("root"))
        user.change_role("member")
        live.revoke(user_id=user.id)
        db.session.commit()
    expect(root.locator("html")).to_have_attribute("data-live", "denied")
    expect(root.locator("#live-chip")).to_contain_text("No access any more")
    ada = is_live(open_as("ada", f"/jobs/{job_id}"))
    other = open_as("ada", "/account")
    other.get_by_role("button", name="Sign out everywhere").click()
    expect(ada.locator("html")).to_have_attribute("data-live", "signed-out")
    stranger = open_as("mallory", f"/jobs/{job_id}")
    expect(stranger.locator("main")).to_contain_text("There is nothing at this address, or it is not yours.")
