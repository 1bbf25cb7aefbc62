"""What the browser tests of the chat share: people in a room by one transport or another, and talk behind their backs."""

import json
import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from blueprints.auth import User
from blueprints.chat.broadcasts import message_posted
from blueprints.chat.models import Room
from database import db
from tests.support.databases import email_of

ROOM = "/chat/rooms/1"


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
        return page

    return open_room


@pytest.fixture
def talk(app):
    """talk("grace", ["one", "two"]): said in the lounge, from another process; the ids. `quiet`: nobody is told."""

    def say_all(name, texts, room=1, quiet=False):
        with app.app_context():
            author, ids = User.find(email_of(name)), []
            for text in texts:
                message, _ = db.session.get(Room, room).post(author, text, uuid4().hex)
                ids.append(message.id)
                if not quiet:
                    message_posted(message)
                    db.session.commit()
            db.session.commit()
            return ids

    return say_all


def field(page):
    return page.get_by_label("Message to")


def say(page, text):
    field(page).fill(text)
    field(page).press("Enter")


def said(page):
    return page.locator("#messages .body").all_inner_texts()


def by(page, text):
    body = page.locator(".body", has_text=re.compile(f"^{re.escape(text)}$"))
    return page.locator(".message", has=body)


def same_as_fresh(open_as, page, name, path=ROOM):
    """The strongest single check: equal to a fresh load."""
    fresh = open_as(name, path)
    expect(fresh.locator("html")).to_have_attribute("data-live", "live")
    assert said(page) == said(fresh)
    fresh.context.close()
