"""200 hostile texts through the real chat, on every transport: letter by letter, one message each, nothing runs."""

import json

import pytest
from limits import RateLimitItemPerMinute
from playwright.sync_api import expect

from blueprints.auth import User
from blueprints.chat import limits
from blueprints.chat import rooms as rooms_of
from blueprints.chat.models import Room
from database import db
from tests.support import clients
from tests.support.databases import email_of
from tests.support.door import HOLD_ALL, REFUSE, Door
from tests.support.live_pages import RECORDER, is_in

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
CANARY = "window.canary = (window.canary || 0) + 1"
SEEDS = [
    f"<script>{CANARY}</script>",
    f'<img src=x onerror="{CANARY}">',
    '<b hx-get="/evil" hx-trigger="load">x</b>',
    f'<b hx-on:click="{CANARY}" hx-on::load="{CANARY}">x</b>',
    '<hx-partial hx-target="#messages" hx-swap="innerHTML">gone</hx-partial>',
    '<p id="messages" hx-swap-oob="true">gone</p>',
    '<hx-upsert id="messages">gone</hx-upsert>',
    "data: one\n\ndata: two",
    "one\nid: 99999999\nevent: live:bye\ndata: {}",
    "retry: 1\n\nevent: live:resync\ndata: {}",
    "a carriage\rid: 99999999\r\revent: live:bye",
    "line\u2028separator\u2029paragraph",
    "\ufeffbyte order mark",
    '{"content": "<b>x</b>", "target": "body", "swap": "innerHTML"}',
    '{"event": "live:bye", "data": "{}", "id": "x-1"}',
    "42",
    "null",
    "</article></div></main><h1>out</h1>",
    "<title>taken over</title>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; &amp;amp; &#x3c;script&#x3e;",
    "]]><!--",
    "javascript:alert(1)",
    "\u202eright to left \u200d\U0001f468\u200d\U0001f373 \U0001f355",
    "tab\tand  two spaces",
]
# Attributes that do something.
# Of what stands in the room only our own "more" beside each message leads anywhere.
ACTIVE = """[...document.querySelectorAll("#messages *:not(a.more[href^='/chat/messages/'])")]
    .flatMap((e) => e.getAttributeNames()).filter((name) => /^(hx-|on|src|href)/.test(name))"""
TEXTS = [f"{seed} #{n}" for n in range(8) for seed in SEEDS]
WAYS = {
    "stream": {"/chat/rooms/1/socket": REFUSE},
    "poll": {"/chat/rooms/1/socket": REFUSE, "/live/stream": HOLD_ALL},
    "socket": {},
}


@pytest.fixture
def doors(site):
    doors = {kind: Door(site.port) for kind in WAYS}
    for kind, door in doors.items():
        door.rules = WAYS[kind]
    yield doors
    for door in doors.values():
        door.stop()


@pytest.fixture
def grace(app, rooms):
    """She and Ada are of the room already: who comes in by speaking or reading has every page fetch who is there."""
    with app.app_context():
        for name in ("grace", "ada"):
            rooms_of.add(db.session.get(Room, 1), User.find(email_of(name)).id)
        db.session.commit()
    return clients.signed_in(app, "grace")


def test_hostile_texts_are_shown_letter_by_letter_and_nothing_runs(grace, open_as, doors, monkeypatch):
    for name in ("PER_MINUTE", "AT_ONCE"):  # so fast nobody may speak, else
        monkeypatch.setattr(limits, name, RateLimitItemPerMinute(10 * len(TEXTS)))
    pages = {kind: open_as("ada", "/chat/rooms/1", door.url) for kind, door in doors.items()}
    for kind, page in pages.items():
        is_in(page, "polling" if kind == "poll" else "live", kind)
        page.evaluate(RECORDER)
    assert len(TEXTS) == 200
    assert grace.post("/chat/rooms/1/messages", data={"text": "no\0", "token": "nul"}).status_code == 400
    for number, text in enumerate(TEXTS):
        answer = grace.post(
            "/chat/rooms/1/messages", data={"text": text.replace("\n", "\r\n"), "token": f"t{number}"}
        )
        assert answer.status_code == 303, (text, answer.text)
    for kind, page in pages.items():
        expect(page.locator("#messages > article")).to_have_count(len(TEXTS))
        shown = page.locator("#messages .body").evaluate_all("(all) => all.map((each) => each.textContent)")
        # An HTML parser makes one LF of each line end.
        assert shown == [text.replace("\r", "\n").strip() for text in TEXTS], kind
        assert page.evaluate(ACTIVE) == [], kind
        assert page.locator("#messages :is(script, img, template, title, h1)").count() == 0, kind
        assert page.evaluate("[window.canary ?? null, document.title.includes('taken'), repairs]") == [
            None,
            False,
            0,
        ]
        assert json.dumps(page.evaluate("states")) == "[]", kind
