"""The log of a room: days and times in its reader's zone, who wrote in one go, and what of it is spoken."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from blueprints.auth import User
from blueprints.chat import rooms as rooms_of
from blueprints.chat.broadcasts import message_changed, typing
from blueprints.chat.models import Message
from database import db, utcnow
from tests.support.chatting import LISTEN, ROOM, by
from tests.support.databases import email_of

pytestmark = [pytest.mark.timeout(240), pytest.mark.usefixtures("rooms"), pytest.mark.long]
PEOPLE = ("grace", "carlo", "root", "mallory")


def test_days_and_times_are_the_readers_and_five_minutes_are_one_go(enter, talk, app):
    ids = talk("grace", ["before midnight", "after it", "in one go", "later"], quiet=True)
    # In Kolkata, five and a half hours ahead, yesterday ends at 18:30.
    evening = utcnow().replace(hour=18, minute=29, second=30, microsecond=0) - timedelta(days=3)
    with app.app_context():
        for number, seconds in zip(ids, (0, 60, 300, 661), strict=True):
            db.session.get(Message, number).created_at = evening + timedelta(seconds=seconds)
        db.session.commit()
    ada = enter("ada", timezone_id="Asia/Kolkata", locale="en-GB")
    first, second = (
        f"{evening + timedelta(days=n):%A},? {(evening + timedelta(days=n)).day}" for n in (0, 1)
    )
    expect(by(ada, "before midnight")).to_have_attribute("data-mark", re.compile(f"^{first}"))
    expect(by(ada, "after it")).to_have_attribute("data-mark", re.compile(f"^{second} "))
    expect(by(ada, "before midnight").locator("time")).to_have_text(re.compile("23:59$"))
    expect(by(ada, "after it").locator("time")).to_have_text(re.compile("00:00$"))
    follows = ada.locator("#messages .message[data-follows] .body")
    expect(follows).to_have_text(["in one go"])


def test_an_edit_is_two_words_a_deletion_none_and_history_is_not_read_out(enter, talk, app):
    ids = talk("grace", [f"old {n}" for n in range(60)], quiet=True)
    ada = enter("ada", "stream")
    ada.evaluate(LISTEN)
    ada.locator("#scroll").evaluate("(box) => { box.scrollTop = 0; }")
    expect(ada.locator("#messages .message")).to_have_count(60)
    with app.app_context():
        edited, deleted = (db.session.get(Message, number) for number in ids[-2:])
        deleted.delete()
        message_changed(deleted)
        edited.edit("changed, at length")
        message_changed(edited)
        db.session.commit()
    expect(ada.locator("body")).to_have_attribute("data-spoken", "1")
    expect(ada.locator(".gone")).to_have_count(1)
    assert ada.evaluate("spoken") == ["A message was edited"]


def test_three_who_type_have_names_four_are_several(enter, app):
    ada = enter("ada")
    ada.evaluate(
        "setTimeout = Object.assign(() => 0, {})"
    )  # so that nobody stops typing, however slow this is
    for count, said in [(3, "Carlo, Grace, and Root are typing"), (4, "Several people are typing")]:
        with app.app_context():
            for name in PEOPLE[:count]:
                typing(1, User.find(email_of(name)))
        expect(ada.locator("#typing")).to_have_text(said)


def test_from_room_to_room_by_keyboard(enter, app):
    with app.app_context():
        other = rooms_of.open_room(User.find(email_of("grace")), "Patio", "", closed=False)
        db.session.commit()
        path = f"/chat/rooms/{other.id}"
    ada = enter("ada", viewport={"width": 1280, "height": 800})
    ada.locator(f'#rooms a[href="{ROOM}"]').focus()
    ada.keyboard.press("Tab")
    ada.keyboard.press("Enter")
    ada.wait_for_url(f"**{path}")
    expect(ada.locator("#rooms [aria-current=page] .name")).to_have_text("Patio")


def test_an_open_menu_stays_open_while_its_message_changes(enter, talk, app):
    (number,) = talk("grace", ["about to change"], quiet=True)
    ada = enter("ada")
    by(ada, "about to change").hover()
    by(ada, "about to change").locator(".more").click()
    expect(ada.locator("[data-react=heart]")).to_be_focused()
    with app.app_context():
        message = db.session.get(Message, number)
        message.edit("changed")
        message_changed(message)
        db.session.commit()
    expect(by(ada, "changed")).to_be_visible()
    expect(ada.locator("#menu")).to_be_visible()
    expect(ada.locator("[data-react=heart]")).to_be_focused()
    ada.keyboard.press("Escape")
    expect(ada.locator("#menu")).to_be_hidden()
