"""The log of a job, UX J7: all of it from line 1, then live; it follows its end until somebody scrolls up."""

import re

import pytest
from playwright.sync_api import expect

from tests.support import job_pages
from tests.support.job_pages import is_live, state
from tests.support.live_pages import waits_for
from work.notes import LINES_SHOWN

jobs, site = job_pages.jobs, job_pages.site
pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
LINES = """[...document.querySelectorAll("#job-log li")].flatMap((note) => note.textContent.split("\\n"))"""
IS_AT_END = """(() => {
  const log = document.getElementById("job-log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < 5;
})()"""
SELECT = """() => {
  const text = document.querySelector("#job-log li").firstChild, range = document.createRange();
  range.setStart(text, 0);
  range.setEnd(text, 6);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}"""


def has_lines(page, last, first=1):
    waits_for(page, f'({LINES}).at(-1) === "line {last}"')
    assert page.evaluate(LINES) == [f"line {n}" for n in range(first, last + 1)]


def talking(*lasts):
    """Steps that say the lines up to each number, and then wait to be told on."""
    firsts = [1, *[last + 1 for last in lasts]]
    return [step for first, last in zip(firsts, lasts, strict=False)
            for step in (["say", first, last], ["until", f"after {last}"])]  # fmt: skip


def test_it_opens_with_all_lines_at_any_moment_and_follows_the_end(jobs, open_as):
    job_id = jobs.make(*talking(300, 400, 410))
    jobs.work()
    ada = is_live(open_as("ada", f"/jobs/{job_id}"))
    has_lines(ada, 300)
    waits_for(ada, IS_AT_END)
    jobs.say("after 300")
    has_lines(ada, 400)
    late = is_live(open_as("ada", f"/jobs/{job_id}"))  # whoever comes now has missed nothing
    has_lines(late, 400)
    jobs.say("after 400")
    for page in (ada, late):
        has_lines(page, 410)
        waits_for(page, IS_AT_END)
    jobs.say("after 410")
    expect(state(ada)).to_have_text("Finished")
    has_lines(ada, 410)


def test_scrolled_up_it_stays_counts_what_is_new_and_jumps_when_told(jobs, open_as):
    job_id = jobs.make(*talking(300, 334, 434, 500))
    jobs.work()
    ada = is_live(open_as("ada", f"/jobs/{job_id}"))
    has_lines(ada, 300)
    log, to_end = ada.locator("#job-log"), ada.locator(".to-end")
    log.hover()
    ada.mouse.wheel(0, -2000)
    expect(to_end).to_have_text("Jump to end")
    ada.evaluate(SELECT)
    place = log.evaluate("log => log.scrollTop")
    for last, new in ((300, 34), (334, 134)):
        jobs.say(f"after {last}")
        expect(to_end).to_have_text(f"Jump to end ({new} new)")
    assert log.evaluate("log => log.scrollTop") == place
    assert ada.evaluate("getSelection().toString()") == "line 1"
    assert ada.evaluate("find('line 434')")
    to_end.click()
    waits_for(ada, IS_AT_END)
    expect(to_end).to_be_hidden()
    jobs.say("after 434")
    has_lines(ada, 500)
    waits_for(ada, IS_AT_END)


def test_what_is_selected_stays_selected_while_lines_arrive_at_the_end(jobs, open_as):
    job_id = jobs.make(["say", 1, 2], ["until", "go"], ["say", 3, 40], ["until", "end"])
    jobs.work()
    ada = is_live(open_as("ada", f"/jobs/{job_id}"))
    has_lines(ada, 2)
    ada.evaluate(SELECT)
    jobs.say("go")
    has_lines(ada, 40)
    assert ada.evaluate("getSelection().toString()") == "line 1"
    assert ada.locator("#job-log").evaluate("log => log.scrollTop") == 0  # nor does it run away from under it


def test_the_page_holds_five_thousand_lines_and_older_ones_are_a_link_away(jobs, open_as):
    job_id = jobs.make(["say", 1, LINES_SHOWN], ["until", "go"], ["say", LINES_SHOWN + 1, LINES_SHOWN + 500])
    jobs.work()
    ada = is_live(open_as("ada", f"/jobs/{job_id}"))
    waits_for(ada, f'({LINES}).at(-1) === "line {LINES_SHOWN}"')
    assert not ada.locator(".older").count()
    jobs.say("go")
    expect(state(ada)).to_have_text("Finished")
    waits_for(ada, f'({LINES}).at(-1) === "line {LINES_SHOWN + 500}"')
    assert ada.evaluate(f"({LINES}).length") <= LINES_SHOWN
    first = int(ada.evaluate(LINES)[0].removeprefix("line "))
    ada.get_by_role("link", name="Load older lines").click()
    expect(ada.locator("#log-piece")).to_contain_text(re.compile(r"Lines 1 to [\d,]+ of 5,500"))
    has_lines(ada, first - 1)
    ada.get_by_role("link", name="To the newest lines").click()
    waits_for(ada, f'({LINES}).at(-1) === "line {LINES_SHOWN + 500}"')
    assert ada.evaluate(LINES)[0] == f"line {first}"


def test_while_it_talks_the_page_never_holds_more(jobs, open_as):
    """Trimmed in the page itself, as lines arrive."""
    job_id = jobs.make(
        ["say", 1, LINES_SHOWN - 50],
        ["until", "go"],
        ["say", LINES_SHOWN - 49, LINES_SHOWN + 100],
        ["until", "end"],
    )
    jobs.work()
    ada = is_live(open_as("ada", f"/jobs/{job_id}"))
    waits_for(ada, f'({LINES}).at(-1) === "line {LINES_SHOWN - 50}"')
    jobs.say("go")
    waits_for(ada, f'({LINES}).at(-1) === "line {LINES_SHOWN + 100}"')
    lines = ada.evaluate(LINES)
    assert len(lines) <= LINES_SHOWN
    first = int(lines[0].removeprefix("line "))
    assert ada.locator(".older").get_attribute("href").endswith(f"?until={first - 1}")
    ada.reload(wait_until="commit")
    waits_for(ada, f'({LINES}).at(-1) === "line {LINES_SHOWN + 100}"')
    assert ada.evaluate(LINES) == lines
