"""Where the history cannot prove that nothing was missed the page repairs itself, and leaves people's things alone."""

import pytest
import redis
from playwright.sync_api import expect

from tests.browser.conftest import ARGUMENTS, CHROMIUM, program
from tests.support.door import HOLD_ALL, answer
from tests.support.live_pages import Site, is_in, texts, waits_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
EVENTS = 1000


@pytest.fixture
def forget(list_redis):
    """forget(): the whole history is gone, as after FLUSHALL."""
    with redis.Redis.from_url(list_redis) as client:
        yield client.flushall


def repaired(page, times=1):
    waits_for(page, f"repairs >= {times}")


def test_a_lost_history_is_repaired_and_what_somebody_does_stays(ada, forget):
    ada.do(*[["put", n, f"row {n}"] for n in range(1, 6)])
    page = ada.open()
    page.fill("#field-1", "typed and left")
    page.fill("#area-2", "also left")
    page.check("#tick-3")
    page.click("#details-4 summary")
    page.fill("#field-5", "typing")
    page.evaluate(
        """document.getElementById("dialog").show(); const field = document.getElementById("field-5");
        field.focus({preventScroll: true}); field.setSelectionRange(2, 4); scrollTo(0, 77)"""
    )
    assert page.evaluate("scrollY") == 77
    ada.do(*[["put", n, f"new {n}"] for n in range(6)])
    forget()
    repaired(page)
    is_in(page, "live")
    assert texts(page) == [f"new {n}" for n in range(6)]
    assert page.evaluate(KEPT) == [
        "typed and left",
        "also left",
        "field-5",
        "typing",
        2,
        True,
        True,
        True,
        77,
    ]
    assert "catching-up" in page.evaluate("states")
    ada.do(["upsert", 7, "after"])
    expect(page.locator("#row-7 > span")).to_have_text("after")


KEPT = """() => {
  const at = (id) => document.getElementById(id), active = document.activeElement;
  return [at("field-1").value, at("area-2").value, active.id, active.value, active.selectionStart,
    at("tick-3").checked, at("details-4").open, at("dialog").open, scrollY];
}"""


def test_a_repair_that_fails_is_tried_again_and_the_page_says_so(ada, forget):
    ada.do(["put", 1, "one"])
    page = ada.open()
    ada.do(["put", 1, "new"])
    hotel = answer(200, "<ol id='rows' data-live-region><li id='row-1'>Hotel</li></ol>")
    for way in (answer(503), hotel):
        ada.door.rules[ada.path] = way
        forget()
        is_in(page, "stale")
        assert texts(page) == ["one"] if way != hotel else not page.get_by_text("Hotel").count()
        tries = ada.door.count(ada.path)
        page.wait_for_timeout(1500)
        assert ada.door.count(ada.path) - tries <= 6
    ada.door.rules.clear()
    is_in(page, "live")
    assert texts(page) == ["new"]


def test_a_right_that_ends_is_one_repair_and_the_other_topics_go_on(ada):
    page = ada.open()
    expect(page.locator("#extra")).to_have_text("yours")
    topics = page.locator("#live-connect").get_attribute("data-live-topics")
    pages = ada.door.count(ada.path)
    ada.do(["deny", "ada"], ["upsert", 1, "one"])
    expect(page.locator("#extra")).to_have_count(0)
    expect(page.locator("#rows > li > span")).to_have_text(["one"])
    is_in(page, "live")
    ada.do(["upsert", 2, "two"])
    expect(page.locator("#rows > li > span")).to_have_text(["one", "two"])
    assert (page.evaluate("repairs"), ada.door.count(ada.path) - pages) == (1, 1)
    assert page.locator("#live-connect").get_attribute("data-live-topics") != topics


@pytest.fixture
def keeper(chromium):
    """A browser that keeps pages for the way back, which Playwright otherwise forbids."""
    keeps = ["--disable-back-forward-cache"]
    path = program(*CHROMIUM)
    browser = chromium.browser_type.launch(executable_path=path, args=ARGUMENTS, ignore_default_args=keeps)
    yield browser
    browser.close()


def test_back_and_forward_find_the_page_as_it_was_and_bring_what_was_missed(client_of, keeper):
    ada = client_of(keeper)
    for number, query in enumerate(["", "?socket=1"]):
        page = ada.open(query)
        page.evaluate("window.isTheSame = true")
        page.goto(f"{ada.door.url}/lists/0/said")
        ada.do(["upsert", number, f"row {number}"])
        page.go_back(wait_until="commit")
        assert page.evaluate("window.isTheSame")
        expect(page.locator(f"#row-{number} > span")).to_have_text(f"row {number}")
        is_in(page, "live")


def test_sleep_and_offline(ada):
    page = ada.open()
    protocol = page.context.new_cdp_session(page)
    protocol.send("Page.setWebLifecycleState", {"state": "frozen"})
    ada.door.silence()  # who sleeps long is forgotten by the network
    ada.do(["upsert", 1, "one"])
    protocol.send("Page.setWebLifecycleState", {"state": "active"})
    expect(page.locator("#rows > li > span")).to_have_text(["one"])
    ada.context.set_offline(True)
    is_in(page, "stale")
    ada.do(["upsert", 2, "two"])
    ada.context.set_offline(False)
    is_in(page, "live")
    expect(page.locator("#rows > li > span")).to_have_text(["one", "two"])


def test_a_restart_of_the_server_loses_nothing(ada, list_redis, tmp_path, chromium, new_door):
    first, second = (Site(list_redis, tmp_path / name) for name in ("first", "second"))
    try:
        ada.door.upstream = first.port
        pages = [ada.open(), ada.open("?socket=1", "live", "socket")]
        ada.do(["put", 1, "one"], site=second)
        ada.do(["upsert", 1, "one"], site=first)
        ada.door.upstream = second.port
        first.stop()
        ada.do(["upsert", 2, "two"], ["signal", "said", 2], site=second)
        for page in pages:
            expect(page.locator("#rows > li > span")).to_have_text(["one", "two"])
            is_in(page, "live")
            assert (page.evaluate("heard"), page.evaluate("repairs")) == ([2], 0)
    finally:
        first.stop()
        second.stop()


@pytest.mark.parametrize("transport", ["stream", "poll", "socket"])
def test_a_thousand_events_between_the_page_and_its_connection(ada, transport):
    if transport == "poll":
        ada.door.rules["/live/stream"] = HOLD_ALL
    held = []
    page = ada.context.new_page()
    page.route("**/live/static/live.js", lambda route, _request: held.append(route))
    query = "?socket=1" if transport == "socket" else ""
    ada.open(query, state=None, verdict=transport, page=page)
    expect(page.locator("#rows")).to_be_attached()
    for start in range(0, EVENTS, 250):
        numbers = range(start, start + 250)
        ada.do(*[["signal", "said", n] if n % 4 else ["upsert", n, f"row {n}"] for n in numbers])
    held[0].continue_()
    is_in(page, "polling" if transport == "poll" else "live", transport)
    waits_for(page, f"heard.length + entered.length >= {EVENTS}")
    assert page.evaluate("heard") == [n for n in range(EVENTS) if n % 4]
    assert page.evaluate("entered") == [f"row-{n}" for n in range(0, EVENTS, 4)]
    assert page.evaluate("repairs") == 0


def test_a_repair_never_takes_typed_text_for_markup(ada, forget):
    """Browsers of before 2025 write `<` in attributes as it is; htmx rewrites `<hx-` wherever it finds it."""
    evil = '<hx-partial hx-get="/evil" hx-trigger="load"><img src=x onerror="window.ran = 1"><head>x</head>'
    ada.context.add_init_script(OLD_SERIALISER)
    ada.do(["put", 1, evil])
    page = ada.open()
    forget()
    repaired(page)
    assert page.locator("#row-1").get_attribute("title") == evil
    assert texts(page) == [evil]
    assert page.locator("#rows img, #rows [hx-get], #rows template, #rows [onerror]").count() == 0
    assert page.evaluate("window.ran") is None


OLD_SERIALISER = """
const native = Object.getOwnPropertyDescriptor(Element.prototype, "outerHTML");
const unescaped = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">");
Object.defineProperty(Element.prototype, "outerHTML", {get() {
  return native.get.call(this).replace(/="[^"]*"/g, unescaped);
}});
"""
