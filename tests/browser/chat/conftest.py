"""People in a room by one transport or another, and talk behind their backs."""

import json
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from blueprints.auth import User
from blueprints.chat.broadcasts import message_posted
from blueprints.chat.models import Room
from database import db
from tests.support.chatting import ROOM
from tests.support.databases import email_of


@pytest.fixture(params=["socket", "stream", "poll"])
def transport(request):
    return request.param


@pytest.fixture
def enter(open_as):
    """enter("ada", "poll"): a person in the lounge, live by that transport."""

    def open_room(name, transport="socket", path=ROOM, **options):
        page = open_as(name, "/login", **options)
        verdict = json.dumps({"transport": transport, "until": 10**15})
        page.add_init_script(f"sessionStorage.setItem('live-transport', {json.dumps(verdict)})")
        page.goto(page.url.partition("/login")[0].rstrip("/") + path, wait_until="commit")
        state = "polling" if transport == "poll" else "live"
        expect(page.locator("html")).to_have_attribute("data-live", state)
        expect(page.locator("#live-connect")).to_have_attribute("data-live-transport", transport)
        expect(page.locator("#chat")).to_have_attribute("data-started", "")
        return page

    return open_room


@pytest.fixture
def talk(app):
    """talk("grace", ["one", "two"]): said in the lounge, from another process; the ids. `quiet`: nobody is told;
    `at_once`: in one transaction, however slow the machine is."""

    def say_all(name, texts, room=1, quiet=False, at_once=False):
        with app.app_context():
            author, ids = User.find(email_of(name)), []
            for text in texts:
                message, _ = db.session.get(Room, room).post(author, text, uuid4().hex)
                ids.append(message.id)
                if not quiet:
                    message_posted(message)
                if not (quiet or at_once):
                    db.session.commit()
            db.session.commit()
            return ids

    return say_all
