"""A simulated Friday on the board: orders, moves, undos, changes, cuts. Short here, `make soak MINUTES=60` for long.

At its end the board equals one that was loaded fresh, its memory did not grow, and it was never loaded anew.
"""

import os
import sys
import time

import pytest
from playwright.sync_api import expect

from tests.browser.friday import Friday
from tests.browser.shop import board, strip

MINUTES = float(os.environ.get("SOAK_MINUTES", "0"))
SHORT_EVENTS = 60
CUT_EVERY = 40
WARM_UP = 300 if MINUTES else 30  # by then the long form's board is as full as it gets
GROWTH = 1.2
pytestmark = [pytest.mark.timeout(0 if MINUTES else 300), pytest.mark.long]
HEAP = "() => new Promise((done) => setTimeout(() => done(performance.memory.usedJSHeapSize)))"
WALL = {"width": 1920, "height": 1080}


@pytest.fixture
def site(serve):
    """With the beat of a real kitchen: a busy machine must not look like a lost contact."""
    return serve(LIVE_BEAT_S=5, LIVE_POLL_WAIT_S=5)


def going_on(count, began):
    return time.monotonic() - began < MINUTES * 60 if MINUTES else count < SHORT_EVENTS


def collected_heap(session, page):
    session.send("HeapProfiler.collectGarbage")
    return page.evaluate(HEAP)


def cut(page, friday):
    """The network is away while an order comes and another moves on."""
    page.context.set_offline(True)
    friday.order()
    friday.move()
    page.context.set_offline(False)
    expect(page.locator("html")).to_have_attribute("data-live", "live")


def live_through(friday, page, session):
    """(events, bytes of the heap when it was warm)"""
    count, began, first = 0, time.monotonic(), 0
    while going_on(count, began):
        friday.next()
        count += 1
        if count == WARM_UP:
            first = collected_heap(session, page)
        if count % CUT_EVERY == 0:
            cut(page, friday)
    return count, first


def is_true(page, friday, fresh):
    expect(page.locator(".ticket")).to_have_count(len(friday.open))
    for number, state in friday.open.items():
        expect(page.locator(f"#column-{state} #ticket-{number}")).to_have_count(1)
    expect(fresh.locator("html")).to_have_attribute("data-live", "live")
    assert board(page) == board(fresh)
    assert strip(page) == strip(fresh)


def test_a_friday(open_as, shop, capsys):
    page = open_as("carlo", "/kitchen/", viewport=WALL)
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    page.keyboard.press("Shift")
    page.evaluate("window.same = true")
    session, friday = page.context.new_cdp_session(page), Friday(shop)
    count, first = live_through(friday, page, session)
    is_true(page, friday, open_as("carlo", "/kitchen/", viewport=WALL))
    last = collected_heap(session, page)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{count} events, {friday.done} handed over, heap {first / 1e6:.1f}, then {last / 1e6:.1f} MB\n"
        )
    assert last < first * GROWTH
    assert page.evaluate("window.same"), "the page was loaded anew"
