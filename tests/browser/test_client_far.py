"""A browser on another machine whose network dies without a word, or comes back from sleep at another address."""

import os
import signal
import time
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ARGUMENTS, CHROMIUM, program
from tests.faults.limits import in_time
from tests.support.live_pages import Client, Site, is_in

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]
DEAD_S = 30  # longer than the server waits before it forgets the connection
ASLEEP_S = 10
STALE_S, BACK_S, BACK_AFTER_LONG_S = 5, 5, 35  # FAULTS: two beats; after sleep; after an outage over 20 s


@pytest.fixture
def far_ada(far, chromium, list_redis, tmp_path):
    """ada's browser over there, and the site over here."""
    site = Site(list_redis, tmp_path / "log", host=far.near)
    script = far.wrapped(program(*CHROMIUM), tmp_path)
    browser = chromium.browser_type.launch(executable_path=script, args=ARGUMENTS)
    yield Client(browser, site, SimpleNamespace(url=site.url))
    browser.close()
    site.stop()


@pytest.mark.parametrize("query", ["", "?socket=1"])
def test_a_network_that_is_dead_for_long_is_noticed_at_once_and_everything_is_there_after(
    far, far_ada, query
):
    page = far_ada.open(query)
    far.pull()
    began = time.monotonic()
    far_ada.do(["upsert", 1, "one"], ["signal", "said", 1])
    is_in(page, "stale")
    assert time.monotonic() - began < in_time(STALE_S)
    page.wait_for_timeout(1000 * DEAD_S)
    far.plug_in()
    began = time.monotonic()
    expect(page.locator("#rows > li > span")).to_have_text(["one"], timeout=1000 * in_time(BACK_AFTER_LONG_S))
    is_in(page, "live")
    assert page.evaluate("[heard, entered]") == [[1], ["row-1"]]


@pytest.mark.parametrize("query", ["", "?socket=1"])
def test_after_sleep_at_another_address_the_page_is_right_within_seconds(far, far_ada, query):
    page = far_ada.open(query)
    for pid in far.processes():
        os.kill(pid, signal.SIGSTOP)
    far.move()
    far_ada.do(["upsert", 1, "one"], ["signal", "said", 1])
    time.sleep(ASLEEP_S)  # that is what is tested
    for pid in far.processes():
        os.kill(pid, signal.SIGCONT)
    expect(page.locator("#rows > li > span")).to_have_text(["one"], timeout=1000 * in_time(BACK_S))
    is_in(page, "live")
    assert page.evaluate("[heard, entered]") == [[1], ["row-1"]]
