"""axe-core on every page and state of the chat, light and dark, on a telephone and a wide screen."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from blueprints.auth import User
from blueprints.chat import rooms as rooms_of
from blueprints.chat.broadcasts import typing
from blueprints.chat.models import Message
from database import db
from tests.browser.axe import TELEPHONE, WALL, check, refused, settled, visit, whole_inside
from tests.support.chatting import ROOM, by, field, say
from tests.support.databases import email_of

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("rooms"), pytest.mark.long]
DAYS = "update messages set created_at = '2026-01-02 03:04:05' where id < 3"


@pytest.fixture
def site(serve):
    """With the beat of a real room: a busy machine must not look like a lost contact."""
    return serve(LIVE_BEAT_S=5, LIVE_POLL_WAIT_S=5)


@pytest.fixture(params=[TELEPHONE, WALL], ids=["telephone", "wall"])
def screen(request):
    return request.param


@pytest.fixture
def spoken(app, talk):
    """A room with everything in it that a message can have, by people who all are in it."""
    talk("ada", ["I was here", "and said more"], quiet=True)
    ids = talk("grace", ["psst @Ada, look at https://levain.test", "edited", "deleted"], quiet=True)
    with app.app_context():
        grace = User.find(email_of("grace"))
        named, edited, deleted = (db.session.get(Message, number) for number in ids)
        for kind in ("heart", "pizza"):
            named.react(grace, kind)
        named.react(User.find(email_of("ada")), "heart")
        edited.edit("edited, and again")
        deleted.delete()
        db.session.execute(db.text(DAYS))
        db.session.commit()
    return ids


@pytest.fixture
def closed(app, rooms):
    """Grace's closed room, with ada in it: its path."""
    with app.app_context():
        grace, ada = (User.find(email_of(name)) for name in ("grace", "ada"))
        room = rooms_of.open_room(grace, "Friday crew", "Who works on Friday.", closed=True)
        rooms_of.add(room, ada.id)
        rooms_of.direct(grace, ada)
        db.session.commit()
        return f"/chat/rooms/{room.id}"


def test_the_pages_around_the_rooms(open_as, axe, screen, closed, spoken, site):
    grace = open_as("grace", "/chat/", viewport=screen)
    settled(grace)
    pages = ["/chat/", "/chat/rooms/new", "/chat/directs/new", "/chat/directs/new?q=nobody", "/chat/search"]
    pages += [
        "/chat/search?q=edited",
        "/chat/search?q=nothing",
        f"{closed}/people",
        f"{closed}/people?q=nobody",
    ]
    pages += [f"{closed}/people?q=carlo", "/chat/rooms/3", f"/chat/messages/{spoken[1]}", "/chat/rooms/999"]
    visit(grace, axe, *pages)
    refused(grace, axe, f"{site.url}/chat/rooms/new", "Open the room", "a new room, refused")
    grace.goto(f"{site.url}/chat/messages/{spoken[1]}")
    grace.get_by_label("Edit it").fill("")
    grace.get_by_role("button", name="Save").click()
    expect(grace.locator("#text-problem")).not_to_be_empty()
    check(grace, axe, "an edit, refused")


def test_a_room_that_is_closed_to_me(open_as, axe, closed):
    carlo = open_as("carlo", closed)
    settled(carlo)
    expect(carlo.get_by_role("heading", level=1)).to_be_visible()
    check(carlo, axe, "closed to me")


def test_what_was_said(enter, app, talk, axe, screen, spoken):
    ada = enter("ada", "stream", viewport=screen)
    ada.evaluate("document.hasFocus = () => false")
    expect(ada.locator("[data-new]")).to_have_count(1)
    check(ada, axe, "what was said")
    with app.app_context():
        typing(1, User.find(email_of("grace")))
    expect(ada.locator("#typing")).not_to_be_empty()
    check(ada, axe, "somebody is typing")
    by(ada, "and said more").hover()
    by(ada, "and said more").locator(".more").click()
    whole_inside(ada, "#menu")
    ada.evaluate("document.getElementById('chat').style.visibility = 'hidden'")  # what it covers nobody sees
    check(ada, axe, "the menu of a message", part="#menu")
    ada.evaluate("document.getElementById('chat').style.visibility = ''")
    ada.get_by_role("button", name="Edit").click()
    expect(ada.locator("#editing")).to_be_visible()
    check(ada, axe, "editing")
    ada.get_by_role("button", name="Cancel").click()
    ada.locator("#text").press("Enter")
    expect(ada.locator("#text-problem")).not_to_be_empty()
    check(ada, axe, "nothing written")


def test_older_messages(enter, talk, axe, screen, spoken):
    ada = enter("ada", "stream", f"{ROOM}?before={spoken[2]}", viewport=screen)
    check(ada, axe, "older messages")


def test_with_much_new_and_further_up(enter, talk, axe, screen):
    talk("ada", ["I was here"], quiet=True)
    talk("grace", [f"line {n}" for n in range(112)], quiet=True)
    ada = enter("ada", viewport=screen)
    expect(ada.locator("#missed")).to_be_visible()
    ada.locator("#scroll").evaluate("(box) => { box.scrollTop -= 600; }")
    expect(ada.locator("#to-end")).to_be_visible()
    # Both lie over what is said; so that nothing is judged through them, that goes.
    ada.evaluate(
        "() => { for (const id of ['messages', 'earlier']) document.getElementById(id).style.visibility = 'hidden'; }"
    )
    check(ada, axe, "much new, further up")


def test_what_is_on_its_way(enter, axe, screen):
    ada = enter("ada", "stream", viewport=screen)
    answer = {"status": 422, "body": "<p>Not today.</p>", "content_type": "text/html"}
    ada.route("**/messages", lambda route: route.fulfill(**answer))
    say(ada, "refused")
    expect(ada.locator(".failed")).to_be_visible()
    check(ada, axe, "refused")
    ada.unroute("**/messages")
    ada.context.set_offline(True)
    say(ada, "waits")
    expect(ada.locator("#pending li", has_text="Waiting to be sent")).to_be_visible()
    expect(ada.locator("html")).to_have_attribute("data-live", "stale")
    check(ada, axe, "no contact, and a message waits")


def test_by_long_poll_and_with_a_picture(enter, axe, screen, tmp_path):
    Image.new("RGB", (60, 40), "red").save(tmp_path / "oven.png")
    ada = enter("ada", "poll", viewport=screen)
    check(ada, axe, "by long-poll, and nothing said")
    ada.locator("#file").set_input_files(tmp_path / "oven.png")
    expect(ada.locator("#picture-preview")).to_have_js_property("naturalWidth", 60)
    check(ada, axe, "a picture is chosen")
    say(ada, "")
    expect(ada.locator(".picture img")).to_have_js_property("naturalWidth", 60)
    check(ada, axe, "a picture")


def test_taken_out(enter, open_as, axe, screen, closed):
    ada = enter("ada", "stream", closed, viewport=screen)
    field(ada).fill("what I was writing")
    boss = open_as("grace", f"{closed}/people")
    boss.get_by_role("button", name="Take Ada out").click()
    expect(ada.get_by_role("heading", name="You no longer have access")).to_be_visible()
    check(ada, axe, "taken out")
