"""What a post costs the database: the same for two members and for sixty, and one turn of whoever may write."""

import threading
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import event

import database
from blueprints.auth import User
from blueprints.chat import limits
from blueprints.chat import rooms as rooms_of
from blueprints.chat.models import Room
from database import db


@contextmanager
def watched(app):
    """The statements that this thread sends to the database inside."""
    statements, me = [], threading.current_thread()

    def note(_connection, _cursor, statement, *_):
        if threading.current_thread() is me:  # and not the relay
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def add_members(app, room_id, count):
    with app.app_context():
        names = [uuid4().hex for _ in range(count)]
        people = [User(email=f"{name}@levain.test", name=name, password_hash="-") for name in names]
        db.session.add_all(people)
        db.session.flush()
        for each in people:
            rooms_of.add(db.session.get(Room, room_id), each.id)
        db.session.commit()


@pytest.mark.both_databases
def test_a_post_costs_the_same_whoever_many_are_in_the_room(app, as_user, rooms):
    ada, costs = as_user("ada"), []

    def post(text="hello"):
        fields = {"text": text, "token": uuid4().hex}
        assert ada.post(f"/chat/rooms/{rooms[0]}/messages", data=fields).status_code == 303

    post("here I am")
    for others in (1, 58):
        add_members(app, rooms[0], others)
        post()  # the second time of each statement
        before = rows(app)
        with watched(app) as statements:
            post()
        costs.append((len(statements), rows(app) - before))
    assert costs[0] == costs[1]
    assert costs[0][1] == 3  # the message, the room's new number, and how far its author is
    assert costs[0][0] <= 18


def rows(app):
    """How many the outbox ever had."""
    with app.app_context():
        return db.session.scalar(sa.text("SELECT max(id) FROM live_outbox"))


POSTS = {
    "a message": ("/chat/rooms/{room}/messages", {"text": "hello", "token": "t1"}),
    "an edit": ("/chat/messages/1", {"text": "hello @Grace"}),
    "a reaction": ("/chat/messages/1/reactions", {"kind": "heart"}),
    "a deletion": ("/chat/messages/1/deletion", {}),
    "having read": ("/chat/rooms/{room}/read", {"back": "1"}),
    "typing": ("/chat/rooms/{room}/typing", {}),
}


@pytest.mark.parametrize("what", POSTS)
def test_a_change_takes_the_file_of_sqlite_once_and_asks_redis_before(as_user, rooms, what, monkeypatch):
    ada, (path, fields) = as_user("ada"), POSTS[what]
    first = {"text": "first", "token": "t0"}
    assert ada.post(f"/chat/rooms/{rooms[0]}/messages", data=first).status_code == 303
    done, me = [], threading.current_thread()

    def note(word, function, *arguments):
        result = function(*arguments)  # an attempt that met somebody else's lock does not come so far
        if threading.current_thread() is me:  # and not the relay
            done.append(word)
        return result

    monkeypatch.setattr(database, "_lock", partial(note, "lock", database._lock))
    monkeypatch.setattr(limits.tally, "ask", partial(note, "ask", limits.tally.ask))
    assert ada.post(path.format(room=rooms[0]), data=fields).status_code in (204, 303)
    assert done[0] == "ask"
    assert done.count("lock") == (what != "typing")
    assert what == "typing" or done[-1] == "lock"
