"""Real proxies between a page and its site: whatever they hold back, pack or cut off, events come at once and once."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import program
from tests.faults.limits import in_time
from tests.support.live_pages import texts, waits_for
from tests.support.nginx import Nginx

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
EVENTS = 20
WITHIN_S = 1
IDLE_S = 10  # five times the patience of the impatient one
# Everything that the page asked for since it was loaded, but its scripts.
ASKED = """performance.getEntriesByType("resource").map((each) => new URL(each.name).pathname)
  .filter((path) => /stream|poll|socket/.test(path)).length"""


@pytest.fixture
def behind(ada, list_site, tmp_path):
    """behind("packing", "?socket=1"): ada's page behind such an nginx, connected by whatever gets through."""
    running = []

    def open_page(kind, query=""):
        running.append(
            Nginx(program("nginx"), kind, list_site.port, tmp_path / "nginx", "/vendor/htmx.min.js")
        )
        page = ada.open(query, state=None, door=running[-1])
        waits_for(page, "['live', 'polling'].includes(document.documentElement.dataset.live)")
        return page

    yield open_page
    for each in running:
        each.stop()


@pytest.mark.parametrize("kind", ["buffering", "packing", "impatient"])
def test_events_come_within_a_second(ada, behind, kind):
    page, took = behind(kind), []
    for number in range(EVENTS):
        begun = time.monotonic()
        ada.do(["upsert", number, f"row {number}"], ["signal", "said", number])
        waits_for(page, f"heard.length > {number} && document.getElementById('row-{number}')")
        took.append(time.monotonic() - begun)
    assert sorted(took)[int(0.95 * EVENTS) - 1] < in_time(WITHIN_S), took
    assert texts(page) == [f"row {number}" for number in range(EVENTS)]
    assert page.evaluate("heard") == list(range(EVENTS))


@pytest.mark.parametrize("query", ["", "?socket=1"])
def test_a_quiet_page_is_not_cut_off(ada, behind, query):
    page = behind("impatient", query)
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    before = page.evaluate(ASKED)
    page.wait_for_timeout(1000 * IDLE_S)  # nothing happens: that is what is tested
    assert page.evaluate(ASKED) == before
    assert set(page.evaluate("states")) <= {"connecting", "live"}
    ada.do(["upsert", 1, "one"])
    expect(page.locator("#rows > li > span")).to_have_text(["one"])
