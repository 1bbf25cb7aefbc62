"""The client judges by what it sees: each wrong answer its own reaction, none a busy loop, none in the page."""

import pytest
from playwright.sync_api import expect

from tests.support.door import HOLD_ALL, REFUSE, answer
from tests.support.live_pages import is_in, texts

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
HTML = '<title>Hotel</title><p id="rows">Hotel</p><hx-partial hx-target="#rows" hx-swap="innerHTML">Hotel</hx-partial>'
STREAM = "data: " + HTML.replace("\n", "") + "\n\n"
# The answer, and how many requests are most in WATCH_MS (full jitter between 0 and 1, 2, 4, 4 ... seconds).
AGAIN = {
    "refused": (REFUSE, 9),
    "502": (answer(502, HTML), 9),
    "503 and when": (answer(503, HTML, Retry_After="2"), 2),
    "429 and when": (answer(429, HTML, Retry_After="2"), 2),
    "a page of a proxy": (answer(200, HTML), 9),
    "nothing": (answer(204), 9),
    "nothing that calls itself a stream": (answer(204, Content_Type="text/event-stream"), 9),
    "an error that calls itself a stream": (answer(503, STREAM, Content_Type="text/event-stream"), 9),
    "a stream that ends at once": (answer(200, "", Content_Type="text/event-stream"), 9),
}
FINAL = {
    "401": (answer(401, HTML), "signed-out"),
    "403": (answer(403, HTML), "denied"),
    "403 that calls itself a stream": (answer(403, STREAM, Content_Type="text/event-stream"), "denied"),
    "a way to the sign-in page": (answer(302, Location="/signin"), "signed-out"),
}
WATCH_MS, WATCH_FINAL_MS = 2500, 1200
ADDRESSES = {"stream": "/live/stream", "poll": "/live/poll"}
STATES = {"stream": "live", "poll": "polling"}
NETWORK = {"stream": {}, "poll": {"/live/stream": HOLD_ALL}}  # what is so on the way of each, all the time


@pytest.fixture(params=list(ADDRESSES))
def transport(request):
    return request.param


def untouched(page, rows):
    """Nothing of the answer is in the page."""
    assert texts(page) == rows
    assert page.title() == "List"
    assert not page.get_by_text("Hotel").count()


def watched(pages, counts, watch_ms=WATCH_MS):
    """Requests in that time, by name."""
    before = {name: counts(name) for name in pages}
    next(iter(pages.values())).wait_for_timeout(watch_ms)
    return {name: counts(name) - before[name] for name in pages}


def test_what_may_pass_is_asked_again_with_a_growing_random_wait(ada, new_door, transport):
    ada.do(["put", 1, "one"])
    doors = {name: new_door() for name in AGAIN}
    answer_wrongly(doors, transport)
    pages = {name: ada.open(state=None, door=door, verdict=transport) for name, door in doors.items()}
    for attempt, (there, news) in enumerate([(["one"], "two"), (["one", "two"], "three")]):
        ask_with_bounds(pages, doors, transport, there)
        ada.do(["upsert", attempt + 2, news])
        for name, page in pages.items():
            doors[name].rules = dict(NETWORK[transport])
            is_in(page, STATES[transport], transport)
            expect(page.locator("#rows > li > span")).to_have_text([*there, news])
        answer_wrongly(doors, transport)  # and now, again, to pages that were connected


def answer_wrongly(doors, transport):
    for name, door in doors.items():
        door.rules = NETWORK[transport] | {ADDRESSES[transport]: AGAIN[name][0]}
        door.cut(ADDRESSES[transport])


def ask_with_bounds(pages, doors, transport, there):
    requests = watched(pages, lambda name: doors[name].count(ADDRESSES[transport]))
    for name, page in pages.items():
        assert requests[name] <= AGAIN[name][1], name
        assert doors[name].count(ADDRESSES[transport]) > 0, name
        untouched(page, there)
        is_not_live(page)


def is_not_live(page):
    assert page.locator("html").get_attribute("data-live") in ("connecting", "stale")


@pytest.mark.parametrize("when", ["at first", "later"])
def test_what_is_final_is_believed_and_never_asked_again(ada, new_door, transport, when):
    address = ADDRESSES[transport]
    ada.do(["put", 1, "one"])
    doors, pages = {name: new_door() for name in FINAL}, {}
    for name, door in doors.items():
        door.rules = NETWORK[transport] | {"/signin": answer(200, HTML)}
        if when == "later":
            pages[name] = ada.open(door=door, verdict=transport, state=STATES[transport])
        door.rules[address] = FINAL[name][0]
        if when == "later":
            door.cut(address)
        else:
            pages[name] = ada.open(state=None, door=door, verdict=transport)
    for name, page in pages.items():
        is_in(page, FINAL[name][1])
    ada.do(["upsert", 2, "two"])
    requests = watched(pages, lambda name: doors[name].count("/live/"), WATCH_FINAL_MS)
    assert set(requests.values()) == {0}
    for page in pages.values():
        untouched(page, ["one"])
