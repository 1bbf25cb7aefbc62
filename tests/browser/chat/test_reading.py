"""Reading: my place is mine, what is unread is exact, and a page that was cut off for long equals a fresh one."""

import re

import pytest
from playwright.sync_api import expect

from blueprints.chat.broadcasts import message_changed
from blueprints.chat.models import Membership, Message
from database import db
from tests.support.chatting import ROOM, by, field, said, same_as_fresh, say

pytestmark = [pytest.mark.timeout(240), pytest.mark.usefixtures("rooms"), pytest.mark.long]
ADA = 1
LINE_UNDER_MY_EYES = """() => {
    const box = document.getElementById("scroll").getBoundingClientRect(), middle = box.top + box.height / 2;
    const rows = [...document.querySelectorAll(".messages .message")];
    const row = rows.find((row) => row.getBoundingClientRect().bottom > middle);
    return [row.id, row.getBoundingClientRect().top];
}"""
TOP_OF = "(id) => document.getElementById(id).getBoundingClientRect().top"
A_FRAME_LATER = "new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))"
AT_END = """() => {
    const box = document.getElementById("scroll");
    return box.scrollHeight - box.scrollTop - box.clientHeight <= 1;
}"""


def scroll_up(page, px=400):
    page.locator("#scroll").evaluate(
        "(box, px) => { box.scrollTop = box.scrollHeight - box.clientHeight - px; }", px
    )
    expect(page.locator("#to-end")).to_be_visible()


def change(app, message_id, do):
    """Something done to a message, and told, by another process."""
    with app.app_context():
        message = db.session.get(Message, message_id)
        do(message)
        message_changed(message)
        db.session.commit()


def membership(app):
    with app.app_context():
        row = db.session.get(Membership, (1, ADA))
        return (row.unread, row.read_id) if row else None


@pytest.mark.parametrize("transport", ["socket", "poll"])
def test_the_line_under_my_eyes_does_not_move(enter, talk, transport, app):
    ids = talk("grace", [f"old {n}\nwith a second line" for n in range(120)], quiet=True)
    ada = enter("ada", transport)
    expect(ada.locator("#messages .message")).to_have_count(50)
    assert ada.evaluate(AT_END)
    scroll_up(ada, 900)
    row, top = ada.evaluate(LINE_UNDER_MY_EYES)
    talk("grace", [f"new {n}" for n in range(50)])
    expect(ada.locator("#to-end")).to_have_text("50 new")
    assert ada.evaluate(TOP_OF, row) == top
    change(app, ids[72], lambda message: message.edit("changed far above"))  # it grows by the word "edited"
    expect(by(ada, "changed far above")).to_have_count(1)
    ada.evaluate(A_FRAME_LATER)
    assert abs(ada.evaluate(TOP_OF, row) - top) < 1
    ada.locator("#scroll").evaluate("(box) => { box.scrollTop = 300; }")
    row, top = ada.evaluate(LINE_UNDER_MY_EYES)
    expect(by(ada, "old 20\nwith a second line")).to_have_count(1)
    assert abs(ada.evaluate(TOP_OF, row) - top) < 1
    ada.locator("#to-end").click()
    assert ada.evaluate(AT_END)
    talk("grace", ["one more"])
    expect(by(ada, "one more")).to_be_in_viewport()
    expect(ada.locator("#to-end")).to_be_hidden()
    expect(field(ada)).to_be_focused()


def test_whoever_is_near_the_end_is_at_the_end(enter, talk):
    talk("grace", [f"old {n}" for n in range(40)], quiet=True)
    ada = enter("ada")
    ada.locator("#scroll").evaluate("(box) => { box.scrollTop -= 80; }")
    talk("grace", ["and another"])
    expect(by(ada, "and another")).to_be_in_viewport()
    expect(ada.locator("#to-end")).to_be_hidden()


def test_scrolling_up_goes_to_where_it_began(enter, talk):
    talk("grace", [f"old {n}" for n in range(120)], quiet=True)
    ada = enter("ada")
    for count in (100, 120):
        ada.locator("#scroll").evaluate("(box) => { box.scrollTop = 0; }")
        expect(ada.locator("#messages .message")).to_have_count(count)
    assert said(ada) == [f"old {n}" for n in range(120)]
    expect(ada.locator("#earlier")).to_have_text("This is where it begins.")


def test_unread_is_what_i_have_not_seen(enter, open_as, talk, app):
    ada, elsewhere = enter("ada"), open_as("ada", "/orders/")
    expect(elsewhere.locator("html")).to_have_attribute("data-live", "live")
    ada.evaluate("document.hasFocus = () => false")  # the window lies behind another one
    say(ada, "I am here")
    expect(by(ada, "I am here")).to_be_visible()
    talk("grace", ["one", "two", "three"])
    for page in (ada, elsewhere):
        expect(page.locator("#chat-total")).to_have_text("3")
    expect(ada).to_have_title("(3) Lounge · Levain")
    expect(by(ada, "one")).to_have_attribute("data-mark", "New")
    ada.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    scroll = "(box) => { box.scrollTop = 0; box.scrollTop = box.scrollHeight; }"
    ada.locator("#scroll").evaluate(scroll)
    ada.wait_for_timeout(2000)  # it would have been told by now
    assert membership(app)[0] == 3
    ada.evaluate("document.hasFocus = () => true")
    for page in (ada, elsewhere):
        expect(page.locator("#chat-total")).to_be_hidden()
    assert membership(app)[0] == 0
    expect(by(ada, "one")).to_have_attribute("data-mark", "New")  # the line stays
    by(ada, "two").hover()
    by(ada, "two").locator(".more").click()
    ada.get_by_role("button", name="Unread from here").click()
    for page in (ada, elsewhere):
        expect(page.locator("#chat-total")).to_have_text("2")


def test_idle_and_unfocused_tabs_read_nothing(enter, talk, app):
    ada = enter("ada")
    say(ada, "here")
    expect(by(ada, "here")).to_be_visible()
    ada.evaluate(
        "() => { const now = performance.now.bind(performance); performance.now = () => now() + 301000; }"
    )
    talk("grace", ["are you there?"])
    expect(by(ada, "are you there?")).to_be_visible()
    ada.wait_for_timeout(2000)  # it would have been told by now
    assert membership(app)[0] == 1
    ada.keyboard.press("Shift")
    expect(ada.locator("#chat-total")).to_be_hidden()


@pytest.mark.parametrize("transport", ["socket", "poll"])
def test_it_opens_at_what_is_new(enter, talk, transport):
    talk("ada", ["I was here"], quiet=True)
    ids = talk("grace", [f"line {n}" for n in range(90)], quiet=True)
    ada = enter("ada", transport)
    expect(by(ada, "line 0")).to_have_attribute("data-new", "")
    expect(by(ada, "line 0")).to_be_in_viewport()
    expect(ada.locator("#messages .message")).to_have_count(91)
    assert ids[0] == int(by(ada, "line 0").get_attribute("data-sort"))


def test_with_very_much_new_it_opens_at_the_end_and_offers_the_way(enter, talk):
    talk("ada", ["I was here"], quiet=True)
    talk("grace", [f"line {n}" for n in range(312)], quiet=True)
    ada = enter("ada")
    expect(ada.locator("#missed")).to_contain_text("312 new since")
    assert ada.evaluate(AT_END)
    ada.get_by_role("link", name="Jump to the first").click()
    ada.wait_for_url("**?from=*")
    expect(ada.locator("#chat")).to_have_attribute("data-started", "")
    expect(by(ada, "line 0")).to_be_in_viewport()


@pytest.fixture
def meanwhile(talk, app):
    """Five hundred messages, three edits and two deletions, and a history that is too short to tell of them."""

    def happen(ids):
        talk("grace", [f"missed {n}" for n in range(500)], quiet=True)
        with app.app_context():
            for message_id in ids[-3:]:
                db.session.get(Message, message_id).edit(f"edited {message_id}")
            for message_id in ids[-5:-3]:
                db.session.get(Message, message_id).delete()
            app.extensions["live"].refresh("chat:room:1", "#messages")
            db.session.commit()

    return happen


@pytest.mark.parametrize("reading", ["at the end", "further up"])
def test_after_a_long_cut_the_page_equals_a_fresh_one(enter, open_as, talk, meanwhile, reading):
    ids = talk("grace", [f"old {n}" for n in range(60)], quiet=True)
    ada = enter("ada", "stream")
    if reading == "further up":
        scroll_up(ada)
    field(ada).fill("half a thought")
    ada.evaluate("window.same = true")
    ada.context.set_offline(True)
    expect(ada.locator("html")).to_have_attribute("data-live", "stale")
    meanwhile(ids)
    row, top = ada.evaluate(LINE_UNDER_MY_EYES)
    ada.context.set_offline(False)
    expect(by(ada, "missed 499")).to_have_count(1)
    expect(ada.locator("html")).to_have_attribute("data-live", "live")
    path = ada.evaluate("location.pathname + location.search")
    assert ("from" in path) == (reading == "further up")
    assert ada.evaluate("window.same")
    expect(field(ada)).to_have_value("half a thought")
    if reading == "further up":
        assert abs(ada.evaluate(TOP_OF, row) - top) < 1
    same_as_fresh(open_as, ada, "grace", path)


@pytest.fixture
def older(enter, open_as, talk):
    """Ada, who reads the first two of three messages on a page of their own, and grace in the room; the ids."""
    ids = talk("grace", ["first", "second", "third"], quiet=True)

    def read(transport="socket"):
        grace = enter("grace")
        ada = enter("ada", transport, f"{ROOM}?before={ids[2]}", viewport={"width": 1400, "height": 800})
        assert bodies(ada) == ["first", "second"]
        return ada, grace

    return read


def bodies(page):
    return page.locator(".messages .body").all_inner_texts()


def older_by(page, text):
    return page.locator("#older .message", has_text=text)


def test_older_messages_change_where_they_stand_and_no_new_ones_join_them(older, open_as, transport, app):
    ada, grace = older(transport)
    path = ada.evaluate("location.pathname + location.search")
    older_by(ada, "second").focus()
    say(grace, "news")
    first, second = (int(row.get_attribute("data-sort")) for row in ada.locator("#older .message").all())
    change(app, first, lambda message: message.edit("first, edited"))
    change(app, second, Message.delete)
    expect(ada.locator("#older .body")).to_have_text(["first, edited", "This message was deleted."])
    expect(ada.locator("#older .message").last).to_be_focused()
    expect(older_by(ada, "first").locator(".edited")).to_be_visible()
    expect(ada.locator("#here-count")).to_have_text("2 here")
    expect(by(grace, "news")).to_be_visible()
    assert ada.evaluate("location.pathname + location.search") == path
    fresh = open_as("grace", path, java_script_enabled=False)
    assert bodies(ada) == bodies(fresh) == ["first, edited", "This message was deleted."]


def test_reactions_reach_older_messages_and_are_given_there(older):
    ada, grace = older()
    by(grace, "first").hover()
    by(grace, "first").locator(".more").click()
    grace.locator("[data-react=heart]").click()
    expect(ada.locator("#older .reaction")).to_have_attribute("aria-pressed", "false")
    ada.locator("#older .reaction").click()
    for page in (ada, grace):
        expect(page.locator(".reaction")).to_have_text("2")
    ada.locator("#older").focus()
    ada.keyboard.press("Home")
    expect(older_by(ada, "first")).to_be_focused()
    ada.keyboard.press("Escape")
    ada.keyboard.press("e")
    expect(older_by(ada, "first")).to_be_focused()  # there is nowhere to write


def test_a_repair_brings_the_same_older_messages(enter, talk, app):
    ids = talk("grace", [f"old {n}" for n in range(130)], quiet=True)
    ada = enter("ada", "stream", f"{ROOM}?before={ids[120]}")
    expect(ada.locator("#older .message")).to_have_count(50)
    ada.locator("#scroll").evaluate("(box) => { box.scrollTop = 0; }")
    expect(ada.locator("#older .message")).to_have_count(100)
    expect(ada).to_have_url(re.compile(rf"\?from={ids[20]}&before={ids[120]}$"))
    row, top = ada.evaluate(LINE_UNDER_MY_EYES)
    repaired = "document.addEventListener('live:repaired', () => { document.body.dataset.repaired = ''; })"
    ada.evaluate(repaired)
    with app.app_context():
        db.session.get(Message, ids[30]).edit("edited, and nobody was told")
        app.extensions["live"].refresh("chat:room:1", "#messages")
        db.session.commit()
    expect(ada.locator("body")).to_have_attribute("data-repaired", "")
    assert bodies(ada) == ["edited, and nobody was told" if n == 30 else f"old {n}" for n in range(20, 120)]
    ada.evaluate(A_FRAME_LATER)
    assert abs(ada.evaluate(TOP_OF, row) - top) < 1


def test_what_was_found_long_ago_opens_where_it_stands_and_stays(enter, talk, app):
    ids = talk("grace", [f"old {n}" for n in range(1100)], quiet=True)
    ada = enter("ada", "stream", f"{ROOM}?from={ids[3]}#message-{ids[3]}")
    expect(ada).to_have_url(re.compile(rf"\?from={ids[3]}&before={ids[1003]}#message-{ids[3]}$"))
    expect(ada.locator("#older .message").first).to_be_in_viewport()
    expect(ada.locator("#older .message").first).to_contain_text("old 3")
