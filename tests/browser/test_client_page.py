"""The life of one page: new builds, repeats, poison, hidden tabs, elements that are swapped away, old browsers."""

import json

import pytest
from playwright.sync_api import expect

from tests.support.door import HOLD_ALL, answer
from tests.support.live_pages import is_in, texts, waits_for
from tests.support.live_site import POISON

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
STREAMS = "/live/stream"


def old_page(page, door):
    """The next page load gets a page of an older build; those after it the real one."""

    def older(route):
        answered = route.fetch()
        route.fulfill(
            response=answered, body=answered.text().replace('data-live-build="test"', 'data-live-build="old"')
        )

    page.route("**/lists/*", older, times=1)


@pytest.fixture
def of_old_build(ada):
    """of_old_build("script"): a page of an older build, with a listener of its own."""

    def make(script="", before=lambda _page: None):
        page = ada.context.new_page()
        page.add_init_script(
            "window.loads = sessionStorage.loads = Number(sessionStorage.loads || 0) + 1;" + script
        )
        old_page(page, ada.door)
        page.goto(ada.door.url + ada.path, wait_until="commit")
        before(page)
        is_in(page, "live")
        return page

    return make


def loads(page):
    return int(page.evaluate("sessionStorage.loads"))


def test_a_page_of_an_older_build_loads_itself_anew_once(of_old_build, ada):
    page = of_old_build()
    expect(page.locator("#live-connect")).to_have_attribute("data-live-build", "test")
    is_in(page, "live")
    ada.do(["upsert", 1, "one"])
    expect(page.locator("#rows > li > span")).to_have_text(["one"])
    assert loads(page) == 2


def test_it_does_not_while_somebody_is_at_something_or_when_a_listener_says_no(of_old_build):
    prevented = of_old_build(
        "document.addEventListener('live:build', (e) => { e.preventDefault(); window.told = e.detail.build; });"
    )
    page = of_old_build(before=lambda page: page.fill("#outside", "half a sentence"))
    page.evaluate("document.activeElement.blur(); document.getElementById('dialog').showModal()")
    waits_for(prevented, "window.told === 'test'")
    page.wait_for_timeout(1500)  # three times LIVE_RELOAD_S
    assert (loads(page), loads(prevented)) == (1, 1)
    page.evaluate("document.getElementById('outside').value = ''; document.activeElement.blur()")
    page.wait_for_timeout(700)
    assert loads(page) == 1  # the dialog
    page.evaluate("document.getElementById('dialog').close()")
    expect(page.locator("#live-connect")).to_have_attribute("data-live-build", "test")


def test_an_id_is_shown_once_and_never_goes_down(ada):
    page = ada.open()
    epoch, n = page.locator("#live-connect").get_attribute("data-live-position").split("-")
    hello = "\ufeffevent: live:open\ndata: " + json.dumps({"build": "test", "seen": 0})
    # One right behind itself is no repetition: so hx-sse shows what has no id (STACK 2.2), and no hub sends that.
    numbers = [5, 4, 5, 6, 1, 7]
    blocks = [hello, *(f"event: live:said\nid: {epoch}-{int(n) + m}\ndata: {m}" for m in numbers)]
    stream = "\n\n".join(blocks) + "\n\n"
    ada.door.rules[STREAMS] = answer(
        200, stream, Content_Type="text/event-stream", Content_Length=len(stream.encode())
    )
    ada.door.cut(STREAMS)
    before = ada.door.count(STREAMS)
    waits_for(page, "heard.length")
    for _ in range(100):
        if ada.door.count(STREAMS) >= before + 3:
            break
        page.wait_for_timeout(100)
    assert page.evaluate("heard") == [5, 6, 7]
    positions = [
        asked.split("position=")[1].split("&")[0] for asked in ada.door.asked if "position=" in asked
    ]
    assert positions[-1] == f"{epoch}-{int(n) + 7}"
    numbers = [int(position.split("-")[1]) for position in positions]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("query", ["", "?socket=1"])
def test_a_message_that_cannot_be_swapped_is_one_repair(ada, query):
    page = ada.open(query)
    pages = ada.door.count(ada.path)
    ada.do(["put", 1, "one"], ["raw", POISON], ["upsert", 2, "two"])
    expect(page.locator("#rows > li > span")).to_have_text(["one", "two"])
    is_in(page, "live")
    ada.do(["upsert", 3, "three"])
    expect(page.locator("#rows > li > span")).to_have_text(["one", "two", "three"])
    assert page.evaluate("repairs") == 1
    assert ada.door.count(ada.path) - pages <= 2  # the page, and a new socket
    assert not page.locator("#poison").count()


def test_a_hidden_tab_lets_go_and_comes_back_by_its_position(ada):
    page, stays = ada.open(), ada.open("?nopause")
    for each in (page, stays):
        each.evaluate(HIDE, True)
    is_in(page, "paused")
    ada.do(["upsert", 1, "one"], ["signal", "said", 1])
    expect(stays.locator("#rows > li > span")).to_have_text(["one"])
    assert (texts(page), ada.door.open(STREAMS)) == ([], 1)
    is_in(stays, "live")
    page.evaluate(HIDE, False)
    expect(page.locator("#rows > li > span")).to_have_text(["one"])
    is_in(page, "live")
    assert [each.evaluate("heard") for each in (page, stays)] == [[1], [1]]
    assert page.evaluate("repairs") == 0


def test_there_is_one_connection_whatever_is_done_to_its_element(ada):
    page = ada.open()
    doings = [
        "for (let n = 0; n < 3; n++) htmx.process(document.getElementById('live-connect'), true)",
        "for (let n = 0; n < 3; n++) htmx.process(document.body, true)",
        MORPH,
        "document.getElementById('around').innerHTML = document.getElementById('around').innerHTML",
    ]
    for number, doing in enumerate(doings):
        page.evaluate(f"() => {{ {doing} }}")
        ada.do(["upsert", number, f"row {number}"], ["signal", "said", number])
        waits_for(page, f"heard.length > {number}")
        page.wait_for_timeout(
            1200
        )  # longer than a look after the element, and than the first wait of a return
        is_in(page, "live")
        assert ada.door.open(STREAMS) == 1, doing
    assert page.evaluate("heard") == list(range(len(doings)))
    page.evaluate("document.getElementById('live-connect').remove()")
    is_in(page, "paused")
    assert ada.door.open("/live/") == 0


MORPH = """const around = document.getElementById("around");
const text = around.outerHTML.replace("data-live-beat", "data-x='1' data-live-beat");
htmx.swap({sourceElement: document.body, target: around, swap: "outerMorph", text})"""
NO_MOVE = "for (const each of [Element, Document, DocumentFragment]) delete each.prototype.moveBefore"
# The first row is at the end, and somebody writes in it.
AT_THE_END = """() => {
  const row = document.getElementById("row-1"), field = document.getElementById("field-1");
  document.getElementById("rows").append(row);
  field.focus();
  field.setSelectionRange(1, 3);
}"""


def test_without_move_before_a_row_moves_and_keeps_the_focus(ada):
    ada.context.add_init_script(NO_MOVE)
    ada.do(*[["put", n, f"row {n}"] for n in (1, 2, 3)])
    page = ada.open()
    page.fill("#field-1", "typing")
    page.evaluate(AT_THE_END)
    ada.do(["upsert", 1, "new 1"])  # back to the front
    expect(page.locator("#rows > li > span")).to_have_text(["new 1", "row 2", "row 3"])
    field = page.evaluate(
        "[document.activeElement.id, document.activeElement.value, document.activeElement.selectionStart]"
    )
    assert field == ["field-1", "typing", 1]
    page.focus("#button-2")
    ada.do(["remove", 2])
    expect(page.locator("#row-2")).to_have_count(0)
    waits_for(page, "document.activeElement.id === 'field-3'")


def test_what_is_too_big_for_an_event_is_fetched_by_every_page(ada):
    """Over 64 KiB the verb announces a refresh in its place; what somebody types meanwhile stays."""
    big = "x" * 70_000
    ada.do(["put", 1, "one"])
    pages = [ada.open(), ada.open("?socket=1", "live", "socket")]
    for page in pages:
        page.fill("#field-1", "typing")
    asked = ada.door.count(ada.path)
    ada.do(["upsert", 2, big], ["signal", "said", 2])
    for page in pages:
        expect(page.locator("#rows > li > span")).to_have_text(["one", big])
        waits_for(page, "heard.length")
        assert page.evaluate("[heard, repairs, document.getElementById('field-1').value]") == [
            [2],
            1,
            "typing",
        ]
        is_in(page, "live")
    assert ada.door.count(ada.path) - asked == len(pages)
    ada.do(["upsert", 3, "three"])
    for page in pages:
        expect(page.locator("#rows > li > span")).to_have_text(["one", big, "three"])


SAY = """([path, token, text]) =>
  fetch(`${path}/say`, {method: "POST", body: new URLSearchParams({token, text})})"""


def test_two_tabs_of_one_person_on_two_transports_show_everything_once(ada):
    ada.door.rules[STREAMS] = HOLD_ALL
    talks, posts = ada.open("?socket=1", "live", "socket"), ada.open(state="polling", transport="poll")
    talks.get_by_label("Say").fill("by socket")
    talks.get_by_label("Say").press("Enter")
    waits_for(posts, "heard.length")
    posts.evaluate(SAY, [ada.path, "t2", "by post"])
    ada.do(["upsert", 1, "one"], ["signal", "said", "end"])
    for tab in (talks, posts):
        waits_for(tab, "heard.includes('end')")
        assert tab.evaluate("heard") == ["by socket", "by post", "end"]
        assert texts(tab) == ["one"]


def test_eight_tabs_of_one_browser_are_no_more_than_it_can_load(ada):
    """A browser opens six connections to a host by HTTP/1.1: hidden tabs give theirs back."""
    tabs = []
    for _ in range(8):
        tabs.append(ada.open())
        tabs[-1].evaluate(HIDE, True)
        is_in(tabs[-1], "paused")
    ada.do(["upsert", 1, "one"])
    for tab in tabs[:5]:
        tab.evaluate(HIDE, False)
        expect(tab.locator("#rows > li > span")).to_have_text(["one"])
    assert ada.door.open(STREAMS) == 5
