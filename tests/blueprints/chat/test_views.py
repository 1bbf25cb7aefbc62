"""Rooms and posting as people meet them, by plain form and by htmx."""

from uuid import uuid4

import pytest

from blueprints.auth import User
from blueprints.chat.broadcasts import room_topic
from blueprints.chat.models import Room
from database import db
from extensions import live
from tests.blueprints.pages import AS_HTMX, has, news, queries, soup
from tests.support.databases import email_of


@pytest.fixture
def ada(as_user):
    return as_user("ada")


def post(client, room, text="Hello", token=None, **options):
    data = {"text": text, "token": token or uuid4().hex}
    return client.post(f"/chat/rooms/{room}/messages", data=data, **options)


def fill(app, room, count):
    with app.app_context():
        ada = User.find(email_of("ada"))
        for n in range(count):
            db.session.get(Room, room).post(ada, f"message {n}", uuid4().hex)
        db.session.commit()


def said(answer):
    return [message.text for message in soup(answer).select(".message .body")]


def test_the_rooms_are_listed(ada, rooms):
    assert [name.text for name in soup(ada.get("/chat/")).select("#rooms .name")] == ["Kitchen", "Lounge"]


def test_without_rooms_the_page_says_so(ada):
    assert "no room to talk in yet" in ada.get("/chat/").text


def test_a_plain_post_leads_back_to_the_message(ada, rooms):
    answer = post(ada, rooms[0])
    assert answer.status_code == 303
    path, _, anchor = answer.location.partition("#")
    page = soup(ada.get(path))
    assert page.find(id=anchor).select_one(".body").text == "Hello"


def test_htmx_gets_the_message_itself(ada, rooms):
    answer = post(ada, rooms[0], headers=AS_HTMX)
    assert answer.status_code == 200
    assert 'hx-target="#messages"' in answer.text


@pytest.mark.both_databases
def test_redis_is_asked_who_is_here_while_nobody_holds_the_database(ada, rooms, monkeypatch):
    asked = []
    monkeypatch.setattr(live, "presence", lambda _topic: asked.append(db.session().in_transaction()) or [])
    assert ada.get(f"/chat/rooms/{rooms[0]}").status_code == 200
    assert post(ada, rooms[0], "").status_code == 422
    assert asked == [False, False]


@pytest.mark.parametrize("headers", [{}, AS_HTMX])
def test_a_repeated_post_is_one_message(ada, rooms, headers):
    first = post(ada, rooms[0], token="same", headers=headers)
    again = post(ada, rooms[0], token="same", headers=headers)
    assert (first.status_code, again.status_code) == ((200, 204) if headers else (303, 303))
    assert said(ada.get(f"/chat/rooms/{rooms[0]}")) == ["Hello"]


def test_a_message_shows_in_its_room_only(ada, rooms):
    post(ada, rooms[0])
    assert said(ada.get(f"/chat/rooms/{rooms[1]}")) == []


def test_what_is_written_stays_text(ada, rooms):
    post(ada, rooms[0], "<script>alert(1)</script>\n<b>x</b>")
    answer = ada.get(f"/chat/rooms/{rooms[0]}")
    assert said(answer) == ["<script>alert(1)</script>\n<b>x</b>"]
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(("text", "sentence"), [("  ", "write something"), ("x" * 4001, "4,001 characters")])
def test_a_refused_message_is_kept_in_its_field(ada, rooms, text, sentence):
    answer = post(ada, rooms[0], text)
    page = soup(answer)
    assert answer.status_code == 422
    assert sentence in page.find(id="text-problem").text
    assert page.find(id="text").text.strip() == text.strip()
    assert page.find(id="text")["aria-invalid"] == "true"
    assert said(ada.get(f"/chat/rooms/{rooms[0]}")) == []


def test_htmx_gets_the_composer_with_the_sentence(ada, rooms):
    answer = post(ada, rooms[0], " ", headers=AS_HTMX)
    assert answer.status_code == 422
    assert answer.text.startswith('<hx-partial hx-target="#text-problem"')
    assert "write something" in answer.text


def test_a_room_that_is_not_there_is_404(ada, rooms):
    assert ada.get("/chat/rooms/999999").status_code == 404
    assert post(ada, 999999).status_code == 404


@pytest.mark.parametrize("before", ["0", "-1", "99999999999999999999"])
def test_a_page_before_no_message_is_404(ada, rooms, before):
    assert ada.get(f"/chat/rooms/{rooms[0]}?before={before}").status_code == 404


def test_older_messages_are_a_page_of_their_own(app, ada, rooms):
    fill(app, rooms[0], 51)
    newest = ada.get(f"/chat/rooms/{rooms[0]}")
    assert said(newest) == [f"message {n}" for n in range(1, 51)]
    older = ada.get(soup(newest).select_one("#earlier a")["href"])
    assert said(older) == ["message 0"]
    # What comes in now belongs at the other end: it has no list to add to, and no field to write in.
    assert not soup(older).select("#messages, #composer")
    assert len(soup(older).select("#older[data-live-region], #live-connect[data-live-socket], .bar")) == 3


@pytest.mark.parametrize("asks", [{}, {"Live-Repair": "1"}], ids=["a reader", "a repair"])
def test_older_messages_are_the_same_whoever_asks_and_however_much_comes(app, ada, rooms, asks, monkeypatch):
    monkeypatch.setattr("blueprints.chat.models.MAX_WINDOW", 3)
    fill(app, rooms[0], 6)
    room = f"/chat/rooms/{rooms[0]}"
    far = ada.get(f"{room}?from=2")
    assert far.location == f"{room}?from=2&before=5"
    for count in range(2):
        assert said(ada.get(far.location, headers=asks)) == [f"message {n}" for n in (1, 2, 3)]
        fill(app, rooms[0], count)
    assert ada.get(f"{room}?from=2", headers={"Live-Repair": "1"}).location == room


def test_who_has_written_more_since_than_a_page_holds_still_comes_to_the_newest(
    app, ada, as_user, rooms, monkeypatch
):
    post(ada, rooms[0], "I am here")
    post(as_user("carlo"), rooms[0], "welcome")
    fill(app, rooms[0], 60)
    monkeypatch.setattr("blueprints.chat.models.MAX_WINDOW", 20)
    page = ada.get(f"/chat/rooms/{rooms[0]}")
    assert (page.status_code, 'id="composer"' in page.text, "message 59" in page.text) == (200, True, True)


def test_a_room_asks_no_more_for_many_messages_than_for_one(app, ada, rooms):
    post(ada, rooms[0])
    with queries(app) as for_one:
        ada.get(f"/chat/rooms/{rooms[0]}")
    for _ in range(8):
        post(ada, rooms[0])
    with queries(app) as for_many:
        ada.get(f"/chat/rooms/{rooms[0]}")
    assert len(for_many) == len(for_one)


def test_the_others_in_the_room_get_the_message(ada, as_user, rooms):
    grace = as_user("grace")
    page = grace.get(f"/chat/rooms/{rooms[0]}")
    post(ada, rooms[1], "elsewhere")
    post(ada, rooms[0], "Anybody here?")
    events = news(grace, page, until=has("Anybody here?"))
    assert not [event for event in events if "elsewhere" in event.data]


def test_only_rooms_that_exist_can_be_followed(app, rooms, person):
    topics = app.extensions["live"].gate.topics
    with app.app_context():
        assert topics.allows(person("ada"), room_topic(rooms[0]))
        assert not topics.allows(person("ada"), room_topic(999999))
        assert not topics.allows(person("ada"), room_topic(2**31))


@pytest.mark.parametrize("path", ["/chat/", "/chat/rooms/1"])
def test_whoever_is_not_signed_in_is_asked_to(client, rooms, path):
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
