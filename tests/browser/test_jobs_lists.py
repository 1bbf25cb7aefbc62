"""Lists of jobs, UX J8 and J9: they do not run away from under a hand, and what failed is retried together."""

import re

import pytest
from playwright.sync_api import expect

from tests.support import job_pages
from tests.support.job_pages import is_live, state
from tests.support.live_pages import waits_for
from work import moves

jobs, site = job_pages.jobs, job_pages.site
pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
PER_S = 20
ROWS = "() => [...document.querySelectorAll('#jobs .rows > li')].map((row) => row.id)"


def finish_twenty_a_second(jobs, page, ids):
    """Jobs come, and others end, as fast as that; a new one for each that ends."""
    for job_id in ids:
        jobs.make()
        jobs.move(moves.cancel, job_id)
        page.wait_for_timeout(1000 / PER_S)


def box(row):
    return row.bounding_box()["y"]


@pytest.mark.parametrize("way", ["pointer", "focus"])
def test_the_row_under_pointer_or_focus_stays_and_what_changed_is_counted(jobs, open_as, way):
    ids = [jobs.make() for _ in range(40)]
    ada = is_live(open_as("ada", "/jobs/?state=waiting&page=2"))
    row = ada.locator("#jobs .rows > li").nth(5)
    name, place, before = row.get_attribute("id"), box(row), ada.evaluate(ROWS)
    row.locator("a").hover() if way == "pointer" else row.locator("a").focus()
    finish_twenty_a_second(jobs, ada, ids[:17])
    changed = ada.locator(".changed")
    expect(changed).to_have_text("17 changed - show")
    mine = ada.locator(f"#{name}")
    assert (box(mine), ada.evaluate(ROWS)) == (place, before)
    if way == "focus":
        assert mine.locator("a").evaluate("link => link === document.activeElement")
    expect(ada.locator(f"#job-row-{ids[0]} .state")).to_have_text("Changed")
    changed.click()
    expect(changed).to_be_hidden()
    shown = [f"job-row-{n}" for n in [*range(40 + 17, 40, -1), *reversed(ids[17:])][20:40]]
    waits_for(
        ada, f"JSON.stringify(({ROWS})()) === '{str(shown).replace(chr(39), chr(34)).replace(' ', '')}'"
    )
    assert ada.url.endswith("/jobs/?state=waiting&page=2")
    expect(ada.locator(".filter [aria-current]")).to_have_text("Waiting")
    expect(ada.locator(".pager")).to_contain_text("Page 2 of 2")


def test_two_seconds_after_the_pointer_left_the_list_shows_what_came(jobs, open_as):
    first = jobs.make()
    ada = is_live(open_as("ada", "/jobs/"))
    ada.locator(f"#job-row-{first}").hover()
    second = jobs.make()
    expect(ada.locator(".changed")).to_have_text("1 changed - show")
    assert ada.evaluate(ROWS) == [f"job-row-{first}"]
    ada.locator("h1").hover()
    expect(ada.locator(f"#job-row-{second}")).to_be_visible()
    assert ada.evaluate(ROWS) == [f"job-row-{second}", f"job-row-{first}"]
    expect(ada.locator(".changed")).to_be_hidden()
    jobs.make()  # and now, with nobody's hand in it, at once
    expect(ada.locator("#jobs .rows > li")).to_have_count(3)


def test_in_a_held_list_rows_still_say_their_new_state(jobs, open_as):
    job_id = jobs.make()
    ada = is_live(open_as("ada", "/jobs/"))
    ada.locator(f"#job-row-{job_id}").hover()
    jobs.move(moves.cancel, job_id)
    expect(ada.locator(f"#job-row-{job_id} .state")).to_have_text("Cancelled")
    expect(ada.locator(".changed")).to_be_hidden()


# -- J9: all that failed -----------------------------------------------------------------------------------------


def failed(jobs, count, **values):
    values = {"kind": "script", "state": "failed", "attempt": 3, "max_attempts": 3} | values
    return [jobs.make(**values) for _ in range(count)]


def test_all_that_failed_is_retried_with_the_exact_number_a_way_back_and_a_result(jobs, open_as):
    ids = failed(jobs, 36)
    ada = is_live(open_as("ada", "/jobs/?state=failed"))
    expect(ada.get_by_role("button", name="Retry 36 failed jobs: Export")).to_be_visible()
    ids += [jobs.make()]
    for step, *more in ((moves.start, 1), (moves.fail, 1, "it broke")):
        jobs.move(step, ids[-1], *more)
    button = ada.get_by_role("button", name="Retry 37 failed jobs: Export")
    button.click()
    ada.wait_for_url(re.compile(r"/jobs/\d+$"))
    expect(state(ada)).to_have_text("Scheduled")
    expect(ada.locator(".subject")).to_have_text("37 failed jobs, of Export")
    expect(ada.locator(".job")).to_contain_text(re.compile(r"It starts in 0:0\d"))
    for job_id in ids[:2]:
        assert jobs.move(moves.retry, job_id)
    jobs.work()
    expect(state(ada)).to_have_text("Finished", timeout=60_000)
    expect(ada.locator(".job")).to_contain_text("Export: 35 retried, 2 refused:")
    expect(ada.locator(".job ul")).to_contain_text("2: it has not failed any more")
    expect(ada.locator("#job-log")).to_contain_text(f"Job {ids[0]}: it has not failed any more")
    ada.goto(f"{ada.url.rpartition('/')[0]}/{ids[-1]}")
    expect(state(ada)).to_have_text("Finished")


def test_within_eight_seconds_it_is_undone_and_nothing_was_started(jobs, open_as):
    ids = failed(jobs, 3)
    jobs.work()
    ada = open_as("ada", "/jobs/?state=failed")
    ada.get_by_role("button", name="Retry 3 failed jobs").click()
    ada.get_by_role("button", name="Undo").click()
    expect(state(ada)).to_have_text("Cancelled")
    ada.wait_for_timeout(11_000)  # the eight seconds, and a look of the watcher
    ada.goto(ada.url.rpartition("/")[0] + "/?state=failed")
    expect(ada.locator("#jobs .rows > li")).to_have_count(len(ids))
