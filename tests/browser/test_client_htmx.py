"""What must be done about htmx 4.0.1, where no other test of the client shows it; docs/faults.md has all the rows."""

import pytest
from playwright.sync_api import expect

from tests.support.door import HOLD_ALL, REFUSE
from tests.support.live_pages import is_in, texts, waits_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
STREAMS, POLLS = "/live/stream", "/live/poll"
HIDDEN = """Object.defineProperty(document, "hidden", {configurable: true, get: () => window.isHidden});
window.isHidden = %s"""
LOOK = """(hidden) => { window.isHidden = hidden; document.dispatchEvent(new Event("visibilitychange")); }"""
TITLE = """<title>taken over</title><hx-partial hx-target="#rows" hx-swap="live-upsert"><li id="row-1">
<title>taken over</title><span>one</span></li></hx-partial>"""
STATE = """() => {
  const at = (id) => document.getElementById(id), active = document.activeElement;
  return [at("field-1").value, at("area-1").value, at("tick-1").checked, at("details-1").open, active.id,
    active.selectionStart];
}"""


def test_a_title_in_a_message_does_not_rename_the_page(ada):
    """S8, W5; by stream and by socket."""
    for page in (ada.open(), ada.open("?socket=1", "live", "socket")):
        ada.do(["raw", TITLE], ["signal", "said", 1])
        waits_for(page, "heard.length")
        expect(page.locator("#row-1 > span")).to_have_text("one")
        assert page.title() == "List"


def test_an_upsert_leaves_what_somebody_does_and_moves_the_row(ada):
    """W1 to W4: focus and caret, what was typed and left, ticks, open details."""
    ada.do(*[["put", n, f"row {n}"] for n in (1, 2, 3)])
    page = ada.open()
    page.fill("#area-1", "typed and left")
    page.check("#tick-1")
    page.click("#details-1 summary")
    page.fill("#field-1", "typing")
    page.evaluate("document.getElementById('field-1').setSelectionRange(2, 4)")
    page.evaluate("document.getElementById('rows').append(document.getElementById('row-1'))")
    page.focus("#field-1")
    page.evaluate("document.getElementById('field-1').setSelectionRange(2, 4)")
    ada.do(["upsert", 1, "new"])
    expect(page.locator("#rows > li > span")).to_have_text(["new", "row 2", "row 3"])
    assert page.evaluate(STATE) == ["typing", "typed and left", True, True, "field-1", 2]
    assert page.evaluate("repairs") == 0


def test_two_tabs_that_poll_do_not_wait_for_each_other(ada):
    """S5: Chromium lets only one request of an address be on its way, where it may be cached."""
    ada.door.rules[STREAMS] = HOLD_ALL
    tabs = [ada.open(state="polling", transport="poll") for _ in range(2)]
    for _ in range(200):
        if ada.door.open(POLLS) == 2:
            break
        tabs[0].wait_for_timeout(20)
    assert ada.door.open(POLLS) == 2
    ada.do(["upsert", 1, "one"])
    for tab in tabs:
        expect(tab.locator("#rows > li > span")).to_have_text(["one"])


def test_a_tab_opened_in_the_background_waits_until_it_is_looked_at(ada):
    """S6."""
    page = ada.context.new_page()
    page.add_init_script(HIDDEN % "true")
    ada.open(state="paused", page=page)
    assert ada.door.open("/live/") == 0
    ada.do(["upsert", 1, "one"])
    page.evaluate(LOOK, False)
    expect(page.locator("#rows > li > span")).to_have_text(["one"])
    is_in(page, "live")


def test_a_tab_hidden_while_it_waits_for_its_next_try_makes_none(ada):
    """S6."""
    page = ada.context.new_page()
    page.add_init_script(HIDDEN % "false")
    ada.open(page=page)
    ada.door.rules[STREAMS] = REFUSE
    ada.door.cut(STREAMS)
    asked = ada.door.count(STREAMS)
    page.evaluate(LOOK, True)
    is_in(page, "paused")
    before = ada.door.count(STREAMS)
    ada.door.rules.clear()
    page.wait_for_timeout(5000)  # longer than any wait of its own
    assert (ada.door.count(STREAMS), ada.door.open("/live/"), before >= asked) == (before, 0, True)
    ada.do(["upsert", 1, "one"])
    page.evaluate(LOOK, False)
    expect(page.locator("#rows > li > span")).to_have_text(["one"])
    assert texts(page) == ["one"]
