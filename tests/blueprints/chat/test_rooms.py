"""Open, closed and direct rooms: who gets in, who is told, and that "not yours" looks like "not there"."""

import pytest

from blueprints.auth import User
from blueprints.chat import rooms as rooms_of
from blueprints.chat.broadcasts import room_topic
from blueprints.chat.models import Room
from database import db
from tests.blueprints.pages import has, news, queries, soup
from tests.support.databases import email_of


@pytest.fixture
def ada(as_user):
    return as_user("ada")


@pytest.fixture
def grace(as_user):
    return as_user("grace")


def user_id(app, name):
    with app.app_context():
        return User.find(email_of(name)).id


def open_room(client, name="Friday crew", kind="closed", **fields):
    return client.post("/chat/rooms", data={"name": name, "kind": kind, **fields})


def names(client):
    return [
        name.text.replace(" closed", "").strip() for name in soup(client.get("/chat/")).select("#rooms .name")
    ]


def test_an_open_room_is_everybodys(ada, grace):
    answer = open_room(ada, "Patio", "open", about="Sun and shade.")
    assert answer.status_code == 303
    assert grace.get(answer.location).status_code == 200
    assert names(grace) == ["Patio"]


def test_a_closed_room_is_not_there_for_others(app, ada, grace):
    path = open_room(ada).location
    room_id = int(path.rsplit("/", 1)[1])
    assert names(ada) == ["Friday crew"]
    assert names(grace) == []
    ada.post(f"{path}/messages", data={"text": "secret words", "token": "t1"})
    for address in (path, f"{path}/people", "/chat/messages/1", "/chat/messages/999"):
        assert (address, grace.get(address).status_code) == (address, 404)
    for address, data in [
        (f"{path}/messages", {"text": "x", "token": "t2"}),
        (f"{path}/read", {"upto": 1}),
        (f"{path}/typing", {}),
        (f"{path}/people", {"user": user_id(app, "grace")}),
        ("/chat/messages/1/reactions", {"kind": "heart"}),
        ("/chat/messages/1", {"text": "mine"}),
    ]:
        assert (address, grace.post(address, data=data).status_code) == (address, 404)
    assert soup(grace.get("/chat/search?q=secret")).select(".hits li") == []
    assert len(soup(ada.get("/chat/search?q=secret")).select(".hits li")) == 1
    topics = app.extensions["live"].gate.topics
    with app.app_context():
        assert topics.allows(User.find(email_of("ada")), room_topic(room_id))
        assert not topics.allows(User.find(email_of("grace")), room_topic(room_id))


def test_whoever_is_added_is_in_and_whoever_is_taken_out_is_not(app, ada, grace):
    path, hers = open_room(ada).location, user_id(app, "grace")
    found = soup(ada.get(f"{path}/people?q=gra")).select("button[name=user]")
    assert [button["value"] for button in found] == [str(hers)]
    assert ada.post(f"{path}/people", data={"user": hers}).status_code == 303
    assert grace.get(path).status_code == 200
    with app.app_context():
        before = db.session.get(User, hers).rights_version
    assert ada.post(f"{path}/people/{hers}/removal").status_code == 303
    assert grace.get(path).status_code == 404
    with app.app_context():
        assert db.session.get(User, hers).rights_version == before + 1


def test_only_whoever_opened_a_room_takes_others_out_and_everybody_may_leave(app, ada, grace):
    path, hers = open_room(ada).location, user_id(app, "grace")
    ada.post(f"{path}/people", data={"user": hers})
    assert grace.post(f"{path}/people/{user_id(app, 'ada')}/removal").status_code == 403
    assert grace.post(f"{path}/people/{hers}/removal").location == "/chat/"
    assert grace.get(path).status_code == 404


def test_a_page_of_whoever_is_taken_out_gets_nothing_more(app, ada, grace):
    path, hers = open_room(ada).location, user_id(app, "grace")
    ada.post(f"{path}/people", data={"user": hers})
    page = grace.get(path)
    ada.post(f"{path}/people/{hers}/removal")
    ada.post(f"{path}/messages", data={"text": "among ourselves", "token": "t1"})
    events = news(grace, page, until=lambda event: event.name == "live:revoked")
    assert not [event for event in events if "among ourselves" in event.data]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "give the room a name"), ("x" * 61, "60 characters"), ("Lounge", "of that name")],
)
def test_a_room_that_cannot_be_is_refused_beside_its_field(ada, rooms, name, sentence):
    answer = open_room(ada, name, about="kept")
    page = soup(answer)
    assert answer.status_code == 422
    assert sentence in page.find(id="name-problem").text
    assert (page.find(id="name")["value"], page.find(id="about")["value"]) == (name, "kept")
    assert page.select_one("input[value=closed]").has_attr("checked")


def test_a_direct_message_is_one_room_of_two_by_the_name_of_the_other(app, ada, grace, as_user):
    first = ada.post("/chat/directs", data={"user": user_id(app, "grace")})
    again = grace.post("/chat/directs", data={"user": user_id(app, "ada")})
    assert first.location == again.location
    assert (names(ada), names(grace), names(as_user("root"))) == (["Grace"], ["Ada"], [])
    assert as_user("root").get(first.location).status_code == 404
    assert ada.post(f"{first.location}/people", data={"user": user_id(app, "root")}).status_code == 403
    assert ada.post("/chat/directs", data={"user": user_id(app, "ada")}).status_code == 400
    assert ada.post("/chat/directs", data={"user": "9" * 30}).status_code == 404


def test_a_new_open_room_is_told_to_those_who_look_at_the_list(ada, grace):
    page = grace.get("/chat/")
    open_room(ada, "Patio", "open")
    assert news(grace, page, until=has("#rooms"))


def test_search_finds_what_one_may_read_newest_first_and_pages(app, ada, rooms):
    with app.app_context():
        room, me = db.session.get(Room, rooms[0]), User.find(email_of("ada"))
        for n in range(35):
            room.post(me, f"Dough 100% number {n}", f"t{n}")
        db.session.commit()
    page = soup(ada.get("/chat/search?q=dough 100%25"))
    hits = [hit.text for hit in page.select(".hits .body")]
    assert (hits[0], len(hits)) == ("Dough 100% number 34", 30)
    older = soup(ada.get(page.select_one("a[rel=next]")["href"]))
    assert len(older.select(".hits li")) == 5
    assert soup(ada.get("/chat/search?q=100_")).select(".hits li") == []
    target = ada.get(page.select_one(".hits a")["href"])
    assert "Dough 100% number 34" in target.text


@pytest.mark.both_databases
def test_what_is_looked_for_is_found_in_either_case_of_any_letter(app, ada, grace, rooms):
    with app.app_context():
        somebody = User.find(email_of("grace"))
        db.session.get(Room, rooms[0]).post(somebody, "Une pizza à l'ÉMILE", "t1")
        somebody.name = "Ödön"
        db.session.commit()
    for text in ("émile", "Émile", "À L'É"):
        assert len(soup(ada.get(f"/chat/search?q={text}")).select(".hits li")) == 1
    for text in ("öd", "ÖDÖN"):
        assert "Write to Ödön" in ada.get(f"/chat/directs/new?q={text}").text


def test_lists_ask_no_more_for_many_than_for_one(app, ada, grace, rooms):
    def measure(path):
        with queries(app) as asked:
            assert ada.get(path).status_code == 200
        return len(asked)

    for n in range(2):
        ada.post(f"/chat/rooms/{rooms[n]}/messages", data={"text": "hello", "token": f"t{n}"})
    private = ada.post("/chat/directs", data={"user": user_id(app, "grace")}).location
    ada.post(f"{private}/messages", data={"text": "hello", "token": "t9"})
    grace.post(f"/chat/rooms/{rooms[0]}/messages", data={"text": "new to ada", "token": "t0"})
    paths = [
        "/",
        "/chat/",
        f"/chat/rooms/{rooms[0]}",
        f"/chat/rooms/{rooms[0]}/people",
        "/chat/search?q=hello",
    ]
    before = [measure(path) for path in paths]
    with app.app_context():
        me = User.find(email_of("ada"))
        for n, name in enumerate(("carlo", "root", "mallory")):
            other = User.find(email_of(name))
            rooms_of.direct(me, other)[0].post(other, "hello @Ada", f"d{n}")
            message, _ = db.session.get(Room, rooms[0]).post(other, "hello @Ada", f"r{n}")
            message.react(me, "heart")
        db.session.commit()
    assert [measure(path) for path in paths] == before
