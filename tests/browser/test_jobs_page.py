"""The page of a job, UX 1.3: what it says is true at every moment, whatever happens to what runs it."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.faults.limits import in_time
from tests.support import job_pages, server
from tests.support.job_pages import is_live, state
from tests.support.live_pages import waits_for
from work import moves

jobs, site = job_pages.jobs, job_pages.site
pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
JOB = re.compile(r"/jobs/\d+$")
# Every value of the bar with its time, every word that is spoken, and whether the page was ever loaded anew.
RECORDER = """
window.bars = []; window.spoken = []; window.told = [];
const look = () => {
  const bar = document.querySelector(".job progress[value]");
  if (bar && bar.value !== bars.at(-1)?.value) bars.push({value: bar.value, at: performance.now()});
};
document.addEventListener("DOMContentLoaded", () => {
  look();
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
  const place = document.getElementById("live-say");
  const hear = () => { if (place.textContent) spoken.push(place.textContent); };
  new MutationObserver(hear).observe(place, {childList: true});
});
const Real = Notification;
window.Notification = class extends Real { constructor(title, ...more) { super(title, ...more); told.push(title); } };
"""

HIDDEN = """Object.defineProperty(document, "hidden", {value: true});
document.dispatchEvent(new Event("visibilitychange"))"""


def watched(page):
    """The page once more, with the recorder in it."""
    page.add_init_script(RECORDER)
    page.reload(wait_until="commit")
    return is_live(page)


def test_started_watched_left_found_elsewhere_cancelled_started_again_and_downloaded(jobs, open_as):
    jobs.work()
    here = open_as("ada", "/jobs/")
    here.get_by_label("Rows").fill("5")
    here.get_by_role("button", name="Start Export").click()
    here.wait_for_url(JOB, wait_until="commit")
    expect(state(here)).to_have_text("Running")
    expect(here.locator(".measured b")).to_have_text("40 %")
    here.close()

    there = open_as("ada", "/chat/")
    there.get_by_role("link", name="1 job of yours").click()
    there.get_by_role("link", name=re.compile("Export 1")).click()
    expect(there.locator(".measured b")).to_have_text("40 %")
    there.get_by_role("button", name="Cancel").click()
    expect(state(there)).to_have_text("Cancelled")
    expect(there.locator("#jobs-badge")).to_have_text("")
    there.get_by_role("button", name="Start it again").click()
    expect(there.locator(".job header")).to_contain_text("Restarted: Attempt 2 of 4")
    jobs.say("go")
    expect(state(there)).to_have_text("Finished")
    with there.expect_download() as download:
        there.get_by_role("link", name="export.csv").click()
    assert download.value.path().read_text() == "a,b\n1,2\n"


# -- J1: from press to page ---------------------------------------------------------------------------------


def test_from_the_press_to_the_page_of_the_job_with_its_place_in_line(jobs, open_as):
    for _ in range(2):
        jobs.make()
    ada, took = open_as("ada", "/jobs/"), []
    for _ in range(3):
        is_live(ada)
        ada.get_by_label("Rows").fill("5")
        begin = time.monotonic()
        ada.get_by_role("button", name="Start Export").click()
        expect(state(ada)).to_have_text("Waiting")
        took.append(time.monotonic() - begin)
        address = ada.url
        ada.go_back()
    assert min(took) < in_time(0.3)
    ada.goto(address)
    expect(ada.locator("#job-more")).to_contain_text("4 ahead of it in the line")
    jobs.move(moves.cancel, 1)
    expect(ada.locator("#job-more")).to_contain_text("3 ahead of it in the line")


def test_the_same_address_is_good_for_a_colleague_and_after_a_restart(
    jobs, open_as, server_settings, tmp_path
):
    job_id = jobs.make(["progress", 1, 2], ["until", "go"])
    jobs.work()
    root = open_as("root", f"/jobs/{job_id}")
    expect(state(root)).to_have_text("Running")
    other = server.Server(server_settings, tmp_path / "web2.log", "tests.support.scripted:site()")
    try:
        ada = open_as("ada", f"/jobs/{job_id}", url=other.url)
        expect(state(ada)).to_have_text("Running")
        jobs.say("go")
        expect(state(ada)).to_have_text("Finished")
    finally:
        other.stop()


# -- J2, J3: progress, and how long still ---------------------------------------------------------------------


def test_progress_moves_four_times_a_second_and_never_back(jobs, open_as):
    job_id = jobs.make(["until", "go"], ["steady", 3, 2000], ["progress", 2000, 2000], ["until", "end"])
    jobs.work()
    ada = watched(open_as("ada", f"/jobs/{job_id}"))
    jobs.say("go")
    expect(ada.locator(".measured")).to_have_text(re.compile(r"\d+ of 2,000 rows · [\d,]+/s"))
    expect(ada.locator(".measured b")).to_have_text("100 %")
    bars = ada.evaluate("bars")
    values, times = [bar["value"] for bar in bars], [bar["at"] for bar in bars]
    assert values == sorted(values)
    assert len(bars) > 4
    assert len(bars) - 1 <= 4.5 * (times[-1] - times[0]) / 1000 + 1


def test_a_job_of_a_fifth_of_a_second_is_still_seen_with_its_duration(jobs, open_as):
    job_id = jobs.make(["wait", 0.2])
    jobs.work()
    ada = open_as("ada", f"/jobs/{job_id}")
    expect(state(ada)).to_have_text("Finished")
    expect(ada.locator(".times")).to_contain_text(re.compile(r"Ran\s*\d+\.\d s"))


def test_what_is_left_is_said_as_a_range_after_ten_seconds_and_not_before(jobs, open_as):
    job_id = jobs.make(["until", "go"], ["steady", 60, 6000])
    jobs.work()
    ada = open_as("ada", f"/jobs/{job_id}")
    expect(state(ada)).to_have_text("Running")
    jobs.say("go")
    expect(ada.locator(".measured")).to_contain_text(re.compile(r"[4-9]\d\d of 6,000"))
    assert "still" not in ada.locator(".measured").inner_text()
    expect(ada.locator(".measured")).to_contain_text(re.compile(r"still (\d+ s to \d+ s|about \d+ s)"))
    assert int(re.match(r"\d+", ada.locator(".measured b").inner_text())[0]) >= 10
    jobs.move(moves.cancel, job_id)


def test_without_a_known_end_there_is_a_count_and_no_bar_that_pretends(jobs, open_as):
    job_id = jobs.make(["progress", 1234], ["until", "go"])
    jobs.work()
    ada = open_as("ada", f"/jobs/{job_id}")
    expect(ada.locator(".measured")).to_contain_text("1,234 rows")
    assert "%" not in ada.locator(".measured").inner_text()
    assert ada.locator(".job progress").evaluate("bar => bar.position") == -1


# -- J4, J5, J6: retry, a killed worker, cancel -----------------------------------------------------------------


def test_a_failure_says_what_it_was_and_counts_down_to_the_next_attempt(jobs, open_as):
    job_id = jobs.make(
        ["progress", 60, 100], ["until", "go"], ["fail_in", 1], ["progress", 10, 100], ["until", "on"]
    )
    jobs.work()
    ada = watched(open_as("ada", f"/jobs/{job_id}"))
    expect(ada.locator(".measured b")).to_have_text("60 %")
    jobs.say("go")
    expect(state(ada)).to_have_text("Scheduled")
    expect(ada.locator(".job > .problem")).to_have_text(re.compile(r"our side \(ValueError\)"))
    expect(ada.locator(".job")).to_contain_text(
        re.compile(r"Attempt 2 of 3 starts in 0:0[0-4], at .* \d+:\d\d:\d\d")
    )
    expect(ada.locator(".attempts li").first).to_have_text(re.compile(r"Failed .* \d+\.\d s .*ValueError"))
    expect(state(ada)).to_have_text("Running")
    expect(ada.locator(".job header")).to_contain_text("Restarted: attempt 2 of 3", ignore_case=True)
    expect(ada.locator(".measured b")).to_have_text("10 %")  # back, and so called restarted
    assert ada.evaluate("bars.map(({value}) => value)") == [60, 10]  # the page was not loaded anew
    jobs.say("on")
    expect(state(ada)).to_have_text("Finished")
    expect(ada.locator(".attempts li")).to_have_count(2)


def test_a_killed_worker_is_called_lost_within_three_signs_and_the_job_starts_again(jobs, open_as):
    job_id = jobs.make(["progress", 1, 2], ["until", "go"])
    jobs.work()
    ada = is_live(open_as("ada", f"/jobs/{job_id}"))
    expect(state(ada)).to_have_text("Running")
    jobs.kill_workers()
    begin = time.monotonic()
    expect(state(ada)).to_have_text("Worker lost")
    assert time.monotonic() - begin < in_time(8)
    expect(ada.locator(".silence")).to_contain_text(re.compile(r"last sign 0:\d\d ago, at .* \d+:\d\d:\d\d"))
    expect(ada.locator(".job")).to_contain_text("Lost, and started again: attempt 2 of 3 waits")
    jobs.work()
    expect(state(ada)).to_have_text("Running")
    jobs.say("go")
    expect(state(ada)).to_have_text("Finished")


def test_cancel_is_a_state_and_one_that_came_too_late_says_so(jobs, open_as):
    job_id = jobs.make(["progress", 1, 2], ["deaf_until", "go"])
    jobs.work()
    ada = is_live(open_as("ada", f"/jobs/{job_id}"))
    expect(state(ada)).to_have_text("Running")
    begin = time.monotonic()
    ada.get_by_role("button", name="Cancel").click()
    expect(state(ada)).to_have_text("Stopping")
    assert time.monotonic() - begin < in_time(1)
    jobs.say("go")
    expect(state(ada)).to_have_text("Finished")
    expect(ada.get_by_text("It finished before it could be cancelled.")).to_be_visible()


# -- J10: exact times ----------------------------------------------------------------------------------------------


def test_times_are_exact_in_the_zone_of_the_reader_and_waiting_and_running_are_apart(jobs, open_as):
    job_id = jobs.make(["wait", 0.1])
    jobs.work()
    ada = open_as("ada", f"/jobs/{job_id}", timezone_id="Asia/Kolkata", locale="en-GB")
    expect(state(ada)).to_have_text("Finished")
    times = ada.locator(".job time").all_inner_texts()
    assert len(times) >= 2
    assert all(re.search(r"\d\d:\d\d:\d\d (GMT\+5:30|IST)", text) for text in times), times
    for name in ("Waited", "Ran", "In all"):
        expect(ada.locator(".times div", has=ada.get_by_text(name, exact=True))).to_contain_text(
            re.compile(r"\d s")
        )


# -- J11: title, words, notification ---------------------------------------------------------------------------------


def test_quarters_and_the_end_are_spoken_and_nothing_between_and_the_title_says_it(jobs, open_as):
    steps = [[["progress", n, 100], ["until", f"past {n}"]] for n in (10, 26, 30, 51, 76, 90)]
    job_id = jobs.make(*[step for pair in steps for step in pair])
    jobs.work()
    ada = watched(open_as("ada", f"/jobs/{job_id}"))
    for n, said in ((10, 0), (26, 1), (30, 1), (51, 2), (76, 3), (90, 3)):
        expect(ada).to_have_title(f"{n} % - Export · Levain")
        waits_for(ada, f"spoken.length === {said}")
        jobs.say(f"past {n}")
    expect(ada).to_have_title("✓ Export · Levain")
    waits_for(ada, "spoken.length === 4")
    assert ada.evaluate("spoken") == ["25 % done", "50 % done", "75 % done", "Export: finished"]


def test_a_notification_comes_where_a_button_asked_for_it(jobs, open_as):
    job_id = jobs.make(["until", "go"])
    jobs.work()
    ada = open_as("ada", f"/jobs/{job_id}", permissions=["notifications"])
    other = watched(open_as("ada", f"/jobs/{job_id}", permissions=["notifications"]))
    watched(ada).get_by_role("button", name="Notify me when it ends").click()
    expect(ada.get_by_role("button", name="You will be notified")).to_have_attribute("aria-pressed", "true")
    ada.evaluate(HIDDEN)  # nobody looks at it
    jobs.say("go")
    waits_for(ada, "told.length")
    assert ada.evaluate("told") == [f"✓ Export {job_id} is finished"]
    expect(ada.locator("#job-tell")).to_be_hidden()
    expect(state(other)).to_have_text("Finished")
    assert other.evaluate("told") == []
