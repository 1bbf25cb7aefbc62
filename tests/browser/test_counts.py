"""UX K1 and K8 by their numbers: 200 orders and at least 500 events on two boards that are cut again and again.

One board follows the stream and one long-polls. Speed is no part of it: that is measured (see docs/ux.md).
"""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.friday import Friday
from tests.browser.shop import board, strip

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.long,
]  # some eight hundred posts and three browsers on two cores
ORDERS, LEAST_EVENTS, LEAST_CUTS = 200, 500, 3
CUT_EVERY, CUT_FOR, LOOK_EVERY = 40, 8, 25
WALL = {"width": 1920, "height": 1080}
# Not from what the script adds up, but from what a cook reads: amounts and names, not struck out, not ticked.
STILL_TO_MAKE = """() => {
  const sums = {};
  for (const line of document.querySelectorAll("#column-new .lines li, #column-oven .lines li")) {
    const button = line.querySelector(".tick[aria-pressed=false]");
    if (!button) continue;
    const [many, name] = [button.querySelector("b"), button.querySelector("span")].map((it) => it.textContent);
    sums[name] = (sums[name] ?? 0) + parseInt(many);
  }
  return Object.entries(sums).map(([name, many]) => `${many} ${name}`).sort();
}"""
COUNT_CUTS = """() => {
  window.cuts = 0;
  document.addEventListener("live:state", ({detail}) => { window.cuts += detail.state === "stale"; });
}"""
STRIP_IS_TRUE = f"""() => {{
  const strip = [...document.querySelectorAll("#all-day li")].map((row) => row.textContent.trim()).sort();
  return JSON.stringify(strip) === JSON.stringify(({STILL_TO_MAKE})());
}}"""


@pytest.fixture
def site(serve):
    """With the beat of a real kitchen: a busy machine must not look like a lost contact."""
    return serve(LIVE_BEAT_S=5, LIVE_POLL_WAIT_S=5)


@pytest.fixture
def boards(open_as):
    """One by the stream, one on a network that an earlier page found to hold streams back."""
    boards = [open_as("carlo", "/kitchen/", viewport=WALL) for _ in range(2)]
    verdict = json.dumps({"transport": "poll", "until": 10**15})
    boards[1].add_init_script(f"sessionStorage.setItem('live-transport', {json.dumps(verdict)})")
    boards[1].reload(wait_until="commit")
    for page, state in zip(boards, ("live", "polling"), strict=True):
        expect(page.locator("html[data-size]")).to_have_attribute("data-live", state)
        page.evaluate(COUNT_CUTS)
    return boards


def test_two_hundred_orders_through_cuts_are_each_there_once_and_the_list_is_their_sum(boards, open_as, shop):
    friday, events = Friday(shop), 0
    while friday.placed < ORDERS or events < LEAST_EVENTS:
        friday.next()
        events += 1
        cut(boards[events // CUT_EVERY % 2], events)
        if events % LOOK_EVERY == 0:
            for page in boards:
                page.wait_for_function(STRIP_IS_TRUE)
    fresh = open_as("carlo", "/kitchen/", viewport=WALL)
    expect(fresh.locator(".ticket")).to_have_count(len(friday.open))
    for page in boards:
        page.context.set_offline(False)
        expect(page.locator("html")).to_have_attribute("data-live", re.compile("live|polling"))
        is_the_truth(page, fresh, friday.open)


def cut(page, events):
    """Away for some events out of many, and back while the next ones come."""
    if events > CUT_EVERY and events % CUT_EVERY == 0:
        page.context.set_offline(True)
    if events % CUT_EVERY == CUT_FOR:
        page.context.set_offline(False)


def is_the_truth(page, fresh, orders):
    expect(page.locator(".ticket")).to_have_count(len(orders))
    for number, state in orders.items():
        expect(page.locator(f"#column-{state} #ticket-{number}")).to_have_count(1)
    page.wait_for_function(STRIP_IS_TRUE)
    assert board(page) == board(fresh)
    assert strip(page) == strip(fresh)
    assert page.evaluate("window.cuts ?? 'the page was loaded anew'") >= LEAST_CUTS
