"""Old page + pushed events == fresh page, once per event of the chat, on both databases."""

import io
from uuid import uuid4

import pytest
from PIL import Image

from blueprints.auth import User
from blueprints.chat import rooms as rooms_of
from blueprints.chat.models import Message, Room
from database import db
from live.testing import converges
from tests.support.databases import email_of

pytestmark = pytest.mark.both_databases
# The numbers beside the rooms are drawn by chat-badge.js from the badge's own region, which is compared.
DRAWN = ["[data-unread-of]"]


@pytest.fixture
def room(app):
    with app.app_context():
        room = Room(name="Lounge", about="Everything.")
        db.session.add(room)
        db.session.commit()
        return room.id


@pytest.fixture
def closed(app, room):
    """Grace's, with ada in it."""
    with app.app_context():
        grace, ada = (User.find(email_of(name)) for name in ("grace", "ada"))
        closed = rooms_of.open_room(grace, "Friday crew", "", closed=True)
        rooms_of.add(closed, ada.id)
        db.session.commit()
        return closed.id


@pytest.fixture
def grace(as_user):
    return as_user("grace")


@pytest.fixture
def ada(as_user):
    return as_user("ada")


def done(answer):
    assert answer.status_code in (200, 204, 303), answer.text


def say(client, room, text):
    done(client.post(f"/chat/rooms/{room}/messages", data={"text": text, "token": uuid4().hex}))


def newest(app):
    with app.app_context():
        return db.session.scalars(db.select(Message).order_by(Message.id.desc())).first().id


def user_id(app, name):
    with app.app_context():
        return User.find(email_of(name)).id


def test_every_change_of_a_message(app, ada, grace, room):
    url = f"/chat/rooms/{room}"
    say(ada, room, "I have been here")
    for text in ("hello", "<b>@Ada</b> & https://levain.test/?a=1&b=2.", "two\nlines"):
        assert converges(ada, url, lambda text=text: say(grace, room, text), ignore=DRAWN)
    last = f"/chat/messages/{newest(app)}"
    for path, data in [
        ("", {"text": "edited, and @Ada"}),
        ("/reactions", {"kind": "heart"}),
        ("/reactions", {"kind": "pizza", "on": "1"}),
        ("/reactions", {"kind": "heart", "on": "0"}),
        ("", {"text": "edited again"}),
        ("/deletion", {}),
    ]:
        change = lambda path=path, data=data: done(grace.post(last + path, data=data))  # noqa: E731
        assert converges(ada, url, change, ignore=DRAWN)


def test_older_messages_change_and_get_no_company(app, ada, grace, room):
    for text in ("one", "two", "three"):
        say(grace, room, text)
    third = newest(app)
    url = f"/chat/rooms/{room}?before={third}"
    assert converges(ada, url, lambda: say(grace, room, "what comes stands below its end"))
    for path, data in [("", {"text": "edited"}), ("/reactions", {"kind": "heart"}), ("/deletion", {})]:
        change = lambda path=path, data=data: done(grace.post(f"/chat/messages/{third - 1}{path}", data=data))  # noqa: E731
        assert converges(ada, url, change)
    assert "This message was deleted." in ada.get(url).text


def test_a_picture(ada, grace, room):
    file = io.BytesIO()
    Image.new("RGB", (6, 4)).save(file, "PNG")

    def show():
        upload = {"file": (io.BytesIO(file.getvalue()), "a.png"), "text": "look", "token": uuid4().hex}
        done(grace.post(f"/chat/rooms/{room}/messages", data=upload))

    assert converges(ada, f"/chat/rooms/{room}", show, ignore=DRAWN)


def test_what_is_unread_on_any_page(app, ada, grace, room, closed):
    say(ada, room, "I have been here")
    for url in ("/", "/orders/", "/chat/"):
        for each in (room, closed):
            assert converges(ada, url, lambda each=each: say(grace, each, "news"), ignore=DRAWN)
        last = newest(app)
        read = lambda: done(ada.post(f"/chat/rooms/{closed}/read", data={"upto": last}))  # noqa: B023, E731
        assert converges(ada, url, read, ignore=DRAWN)
        back = lambda: done(ada.post(f"/chat/rooms/{closed}/read", data={"back": last}))  # noqa: B023, E731
        assert converges(ada, url, back, ignore=DRAWN)
        assert converges(ada, url, lambda: done(grace.post(f"/chat/messages/{last}/deletion")), ignore=DRAWN)  # noqa: B023


def test_rooms_come_and_go(app, ada, grace, room, closed):
    mine = user_id(app, "ada")
    out, back = f"/chat/rooms/{closed}/people/{mine}/removal", f"/chat/rooms/{closed}/people"
    for url in ("/chat/", f"/chat/rooms/{room}"):
        assert converges(ada, url, lambda: done(grace.post(out)), ignore=DRAWN)
        assert converges(ada, url, lambda: done(grace.post(back, data={"user": mine})), ignore=DRAWN)
        name = {"name": f"New {uuid4().hex[:6]}", "kind": "open"}
        assert converges(ada, url, lambda name=name: done(grace.post("/chat/rooms", data=name)), ignore=DRAWN)
    write = lambda: done(grace.post("/chat/directs", data={"user": mine}))  # noqa: E731
    assert converges(ada, "/chat/", write, ignore=DRAWN)


def test_people_come_and_go(app, ada, grace, closed, as_user):
    carlo = user_id(app, "carlo")
    people = f"/chat/rooms/{closed}/people"
    for url in (f"/chat/rooms/{closed}", people):
        assert converges(ada, url, lambda: done(grace.post(people, data={"user": carlo})))
        assert converges(ada, url, lambda: done(grace.post(f"{people}/{carlo}/removal")))
