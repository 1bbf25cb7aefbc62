"""Networks that hold back, fall silent or refuse an upgrade: the page falls to what works, and comes back."""

import time

import pytest
from playwright.sync_api import expect

from tests.faults.limits import in_time
from tests.support.door import HOLD_ALL, HOLD_BODY, REFUSE, SILENT
from tests.support.live_pages import is_in, texts, waits_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
USE = "async (kind) => { const transport = await import('/live/static/transport.js'); transport.use(kind); }"
EVENTS = 120


def test_a_proxy_that_holds_the_stream_leads_to_polls_and_its_end_back(ada, new_door):
    doors = {HOLD_ALL: new_door(), HOLD_BODY: new_door()}
    for way, door in doors.items():
        door.rules["/live/stream"] = way
    pages = {way: ada.open(door=door, state=None) for way, door in doors.items()}
    for way, page in pages.items():
        is_in(page, "polling", "poll")
        # Not the 2 s for which a poll waits on top: the first one asks to be answered at once.
        asked, heard = page.evaluate(TIMES)
        assert 2.5 < asked / 1000 < in_time(5), way
        assert heard / 1000 < in_time(2), way
    ada.do(["upsert", 1, "one"])
    for way, page in pages.items():
        expect(page.locator("#rows > li > span")).to_have_text(["one"])
        page.reload(wait_until="commit")  # the verdict is known
        is_in(page, "polling", "poll")
        assert "/live/poll?" in page.evaluate(FIRST)
        doors[way].rules.clear()
        is_in(page, "live", "stream")
    ada.do(["upsert", 2, "two"])
    for page in pages.values():
        expect(page.locator("#rows > li > span")).to_have_text(["one", "two"])
        assert page.evaluate("JSON.parse(sessionStorage['live-transport']).transport") == "stream"


# From the first request to the first poll, and from that to its answer.
TIMES = """() => {
  const requests = performance.getEntriesByType("resource").filter((each) => /live.(stream|poll)[?]/.test(each.name));
  const poll = requests.find((each) => each.name.includes("poll"));
  return [poll.startTime - Math.min(...requests.map((each) => each.startTime)), poll.responseEnd - poll.startTime];
}"""
FIRST = (
    "performance.getEntriesByType('resource').find((each) => /live.(stream|poll)[?]/.test(each.name)).name"
)


@pytest.mark.parametrize("transport", ["stream", "socket", "poll"])
def test_a_connection_without_bytes_is_dropped_after_two_beats(ada, transport):
    query = "?socket=1" if transport == "socket" else ""
    if transport == "poll":
        ada.door.rules["/live/stream"] = HOLD_ALL
    page = ada.open(query, "polling" if transport == "poll" else "live", transport, verdict=transport)
    ada.door.silence()
    began = time.monotonic()
    ada.do(["upsert", 1, "one"])
    expect(page.locator("#rows > li > span")).to_have_text(["one"])
    assert time.monotonic() - began < in_time(15)
    if transport != "poll":
        assert "stale" in page.evaluate("states")


def test_a_network_that_is_gone_for_a_while(ada):
    page = ada.open()
    ada.door.rules["/"] = SILENT
    ada.door.silence()
    ada.do(["upsert", 1, "one"])
    is_in(page, "stale")
    waits_for(page, "states.length && performance.now() > 12000")  # it went through every transport there is
    assert ada.door.count("/live/poll")
    ada.door.rules.clear()
    ada.door.cut()
    expect(page.locator("#rows > li > span")).to_have_text(["one"], timeout=15_000)


@pytest.mark.parametrize("way", [REFUSE, SILENT])
def test_a_socket_that_is_blocked_leads_to_the_stream_and_back(ada, way):
    address = f"{ada.path}/socket"
    ada.door.rules[address] = way
    page = ada.open("?socket=1", "live", "stream")
    ada.do(["upsert", 1, "one"])
    expect(page.locator("#rows > li > span")).to_have_text(["one"])
    ada.door.rules.clear()
    is_in(page, "live", "socket")
    ada.do(["upsert", 2, "two"])
    expect(page.locator("#rows > li > span")).to_have_text(["one", "two"])
    assert ada.door.open("/live/") == 0


def test_everything_once_and_in_order_while_the_transport_changes_all_the_time(ada):
    page = ada.open("?socket=1", "live", "socket")
    kinds = ["stream", "poll", "socket", "poll", "stream", "socket"]
    for start in range(0, EVENTS, 10):
        numbers = range(start, start + 10)
        page.evaluate(USE, kinds[start // 10 % len(kinds)])
        ada.do(*[what for n in numbers for what in (["upsert", n, f"row {n}"], ["signal", "said", n])])
        page.wait_for_timeout(100)
    waits_for(page, f"heard.length >= {EVENTS}")
    assert page.evaluate("heard") == list(range(EVENTS))
    assert page.evaluate("entered") == [f"row-{n}" for n in range(EVENTS)]
    assert texts(page) == [f"row {n}" for n in range(EVENTS)]
    assert page.evaluate("repairs") == 0
    assert {"/live/stream", "/live/poll"} <= {asked.partition("?")[0] for asked in ada.door.asked}
