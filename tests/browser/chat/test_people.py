"""People in a room: who is here, who is typing, what is spoken, keys for everything, and whoever is taken out."""

import pytest
from playwright.sync_api import expect

from blueprints.auth import User
from blueprints.chat import rooms as rooms_of
from blueprints.chat.broadcasts import message_posted, typing
from blueprints.chat.models import Message
from database import db
from tests.faults.limits import in_time
from tests.support.chatting import LISTEN, by, field, say
from tests.support.databases import email_of

pytestmark = [pytest.mark.timeout(240), pytest.mark.usefixtures("rooms"), pytest.mark.long]


@pytest.fixture
def closed(app, rooms):
    """Grace's closed room, with ada in it: its path."""
    with app.app_context():
        grace, ada = (User.find(email_of(name)) for name in ("grace", "ada"))
        room = rooms_of.open_room(grace, "Friday crew", "", closed=True)
        rooms_of.add(room, ada.id)
        db.session.commit()
        return f"/chat/rooms/{room.id}"


def test_who_is_here_is_true(enter, transport):
    ada = enter("ada", viewport={"width": 1400, "height": 800})
    say(ada, "hello")
    grace = enter("grace", transport)
    say(grace, "hello")
    both = ada.locator("#people [data-here]")
    expect(both).to_have_count(2)
    expect(ada.locator("#here-count")).to_have_text("2 here")
    second = grace.context.new_page()
    second.goto(grace.url)
    expect(second.locator("html")).to_have_attribute("data-live", "live")
    second.close()
    grace.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    grace.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    grace.wait_for_timeout(3000)  # a tab that stays behind, looked at or not, keeps its person here
    expect(both).to_have_count(2)
    grace.close()
    expect(both).to_have_count(1)
    expect(ada.locator("#people [data-here] .name")).to_have_text("Ada")


def test_typing_is_quiet_and_passes(enter, transport):
    ada, grace = enter("ada", transport), enter("grace")
    ada.evaluate(LISTEN)
    field(grace).press_sequentially("hel")
    expect(ada.locator("#typing")).to_have_text("Grace is typing", timeout=1000 * in_time(1.5))
    expect(ada.locator("#typing")).to_be_empty(timeout=1000 * in_time(6.5))
    assert (ada.evaluate("inLog"), ada.evaluate("spoken")) == (0, [])
    grace.wait_for_timeout(3000)  # so often a page says it
    field(grace).press_sequentially("lo")
    expect(ada.locator("#typing")).to_have_text("Grace is typing")
    field(grace).press("Enter")
    expect(by(ada, "hello")).to_be_visible()
    assert ada.locator("#typing").inner_text() == ""


def test_who_has_just_spoken_is_not_typing(enter, app):
    ada, grace = enter("ada"), enter("grace")
    ada.evaluate(
        """() => {
            performance.now = () => 1e6; // no time passes, however slow the machine is
            document.addEventListener("live:chat-typing", () => { document.body.dataset.heard = ""; });
        }"""
    )
    say(grace, "done")
    expect(by(ada, "done")).to_be_visible()
    with app.app_context():
        typing(1, User.find(email_of("grace")))  # on its way for longer than the message
    expect(ada.locator("body")).to_have_attribute("data-heard", "")
    assert ada.locator("#typing").inner_text() == ""


def test_whoever_wants_to_types_quietly(enter):
    grace = enter("grace")
    asked = []
    grace.on("request", lambda request: asked.append(request.url))
    grace.get_by_role("link", name="People").click()
    grace.get_by_label("Show others when I type").uncheck()
    grace.get_by_role("link", name="Back to the room").click()
    expect(grace.locator("#chat")).to_have_attribute("data-started", "")
    field(grace).press_sequentially("quietly")
    field(grace).press("Enter")
    expect(by(grace, "quietly")).to_be_visible()
    assert not [url for url in asked if url.endswith("/typing")]
    grace.get_by_label("Show others when I type").check()
    with grace.expect_request("**/typing"):
        field(grace).press_sequentially("aloud")


def test_it_is_spoken_once_and_a_burst_as_a_number(enter, talk):
    talk("grace", ["history"], quiet=True)
    ada = enter("ada", "stream")
    ada.evaluate(LISTEN)
    say(ada, "my own")
    talk("grace", ["a word"])
    expect(ada.locator("body")).to_have_attribute("data-spoken", "1")
    talk("grace", [f"burst {n}" for n in range(20)], at_once=True)
    expect(ada.locator("body")).to_have_attribute("data-spoken", "2")
    assert ada.evaluate("spoken") == ["Grace: a word", "20 new messages"]
    log = ada.locator("#messages")
    assert (log.get_attribute("role"), log.get_attribute("aria-live")) == ("log", "off")


def test_what_was_said_before_mine_and_comes_after_it_is_news(enter, talk, app):
    ada = enter("ada", "stream")
    ada.evaluate(LISTEN)
    (earlier,) = talk("grace", ["said before"], quiet=True)
    say(ada, "mine came with its answer")
    expect(by(ada, "mine came with its answer")).to_be_visible()
    with app.app_context():
        message_posted(db.session.get(Message, earlier))
        db.session.commit()
    expect(ada.locator("#messages .body")).to_have_text(["said before", "mine came with its answer"])
    expect(ada.locator("body")).to_have_attribute("data-spoken", "1")
    assert ada.evaluate("spoken") == ["Grace: said before"]


def walk_to(page, text):
    """Into the log with the keyboard, and to a message with arrows."""
    page.locator("#messages").focus()
    page.keyboard.press("End")
    while page.evaluate("document.activeElement.querySelector('.body').textContent") != text:
        page.keyboard.press("ArrowUp")


@pytest.fixture
def three(enter):
    """Ada and grace, with "one" and "two" of ada and "three" of grace."""
    ada, grace = enter("ada"), enter("grace")
    for text in ("one", "two"):
        say(ada, text)
    expect(by(ada, "two")).to_be_visible()
    say(grace, "three")
    expect(by(ada, "three")).to_be_visible()
    return ada, grace


def test_arrows_walk_through_the_log_and_escape_leads_back(three):
    ada, _ = three
    ada.locator("#messages").focus()
    for key, text in [("ArrowUp", "three"), ("ArrowUp", "two"), ("Home", "one"), ("End", "three")]:
        ada.keyboard.press(key)
        expect(by(ada, text)).to_be_focused()
    ada.keyboard.press("Escape")
    expect(field(ada)).to_be_focused()


def test_edit_and_delete_by_keyboard(three):
    ada, grace = three
    walk_to(ada, "two")
    ada.keyboard.press("e")
    expect(field(ada)).to_have_value("two")
    ada.keyboard.type("!")
    ada.keyboard.press("Enter")
    expect(by(grace, "two!")).to_be_visible()
    expect(field(ada)).to_be_focused()
    walk_to(ada, "one")
    for key in ("Delete", "Enter", "Enter"):
        ada.keyboard.press(key)
    expect(grace.locator(".gone")).to_have_count(1)
    ada.keyboard.press("Escape")
    expect(field(ada)).to_be_focused()


def test_react_and_reply_by_keyboard_while_messages_come(three):
    ada, grace = three
    walk_to(ada, "three")
    ada.keyboard.press("Enter")
    expect(ada.locator("[data-react=heart]")).to_be_focused()
    ada.keyboard.press("Enter")
    expect(by(grace, "three").locator(".reaction")).to_have_text("1")
    expect(by(ada, "three")).to_be_focused()
    ada.keyboard.press("r")
    expect(field(ada)).to_have_value("@Grace ")
    ada.keyboard.type("tha")
    say(grace, "and more comes")
    expect(by(ada, "and more comes")).to_be_visible()
    ada.keyboard.type("nks")
    expect(field(ada)).to_have_value("@Grace thanks")
    ada.keyboard.press("Enter")
    expect(grace.locator(".mention")).to_have_text("@Grace")


def test_a_mention_counts_on_every_page(enter, open_as):
    ada, grace = open_as("ada", "/orders/"), enter("grace")
    expect(ada.locator("html")).to_have_attribute("data-live", "live")
    say(grace, "psst @Ada, look")
    expect(ada.locator("#chat-total")).to_have_text("1")
    expect(ada.locator("#chat-total")).to_have_attribute("aria-label", "1 unread, 1 with your name")


def test_whoever_is_taken_out_sees_it_and_nothing_more(enter, closed, transport, app):
    ada, grace = enter("ada", transport, closed), enter("grace", path=closed)
    say(grace, "while you were here")
    expect(by(ada, "while you were here")).to_be_visible()
    field(ada).fill("what I was writing")
    boss = grace.context.new_page()
    boss.goto(f"{grace.url.partition('?')[0]}/people")
    boss.get_by_role("button", name="Take Ada out").click()
    expect(ada.get_by_role("heading", name="You no longer have access")).to_be_visible(
        timeout=1000 * in_time(2)
    )
    say(grace, "now that she is gone")
    expect(by(grace, "now that she is gone")).to_be_visible()
    expect(ada.get_by_text("while you were here")).to_have_count(0)
    expect(ada.get_by_text("now that she is gone")).to_have_count(0)
    expect(field(ada)).to_have_value("what I was writing")
    expect(field(ada)).to_be_editable(editable=False)
    ada.get_by_role("link", name="To the other rooms").click()
    expect(ada.get_by_role("heading", name="Chat")).to_be_visible()
    expect(ada.locator("#rooms .name")).to_have_text(["Lounge"])
    assert ada.goto(grace.url).status == 404


def test_whoever_is_taken_out_while_reading_older_messages_loses_them_too(enter, open_as, closed, talk):
    number = int(closed.rsplit("/", 1)[1])
    ids = talk("grace", [f"said {n}" for n in range(3)], room=number, quiet=True)
    ada = open_as("ada", f"{closed}?before={ids[-1]}")
    expect(ada.locator("#older .message")).to_have_count(2)
    expect(ada.locator("html")).to_have_attribute("data-live", "live")
    boss = open_as("grace", f"{closed}/people")
    boss.get_by_role("button", name="Take Ada out").click()
    expect(ada.get_by_role("heading", name="You no longer have access")).to_be_visible()
    for left in (ada.get_by_text("said"), ada.locator("#people li"), ada.locator(".conversation > .pager")):
        expect(left).to_have_count(0)
    ada.get_by_role("link", name="To the other rooms").click()
    expect(ada.locator("#rooms .name")).to_have_text(["Lounge"])
