"""Unread counts are exact, whatever happens at the same time. On both databases."""

import threading
from uuid import uuid4

import pytest

from blueprints.chat import rooms as rooms_of
from blueprints.chat import unread
from blueprints.chat.models import Membership, Message, Room
from database import db

pytestmark = pytest.mark.both_databases


def lounge(rooms):
    return db.session.get(Room, rooms[0])


def counts(room, user):
    row = room.membership(user.id)
    return row.unread, row.mentions


def true_count(room, user):
    """Messages of others after the last one read, counted one by one."""
    read_id = room.membership(user.id).read_id
    query = db.select(Message).filter_by(room_id=room.id, deleted_at=None)
    return sum(each.id > read_id and each.user_id != user.id for each in db.session.scalars(query))


def test_others_count_my_own_do_not(app, rooms, person):
    with app.app_context():
        room, ada, grace = lounge(rooms), person("ada"), person("grace")
        room.post(ada, "first", "t1")
        room.post(grace, "hello @Ada and @Grace", "t2")
        room.post(ada, "mine", "t3")
        assert counts(room, ada) == (1, 1)
        assert counts(room, grace) == (1, 0)


def test_reading_goes_forward_and_back_only_when_asked(app, rooms, person):
    with app.app_context():
        room, ada, grace = lounge(rooms), person("ada"), person("grace")
        room.post(ada, "first", "t0")
        ids = [room.post(grace, f"n{n} @Ada", f"t{n}x")[0].id for n in range(5)]
        unread.read(room.id, ada.id, upto=ids[3])
        assert counts(room, ada) == (1, 1)
        assert unread.read(room.id, ada.id, upto=ids[1]) == (False, False)
        assert counts(room, ada) == (1, 1)
        unread.read(room.id, ada.id, back_to=ids[1])
        assert counts(room, ada) == (4, 4)


def test_edit_and_delete_keep_it_true(app, rooms, person):
    with app.app_context():
        room, ada, grace = lounge(rooms), person("ada"), person("grace")
        room.post(ada, "first", "t0")
        named, plain = (room.post(grace, text, f"t{n}x")[0] for n, text in enumerate(["@Ada", "x"]))
        assert counts(room, ada) == (2, 1)
        named.edit("nobody any more")
        plain.edit("now @Ada is named")
        assert counts(room, ada) == (2, 1)
        plain.delete()
        assert counts(room, ada) == (1, 0)


def test_a_mention_brings_somebody_into_an_open_room_only(app, rooms, person):
    with app.app_context():
        ada, grace = person("ada"), person("grace")
        lounge(rooms).post(ada, "hello @Grace", "t1")
        assert counts(lounge(rooms), grace) == (1, 1)
        closed = rooms_of.open_room(ada, "Friday crew", "", closed=True)
        message, _ = closed.post(ada, "hello @Grace", "t2")
        assert (message.mentions, closed.membership(grace.id)) == ([], None)


def test_posting_and_reading_at_once_leaves_an_exact_count_and_one_order(app, rooms, person):
    with app.app_context():
        people = [person(name).id for name in ("ada", "grace", "carlo")]
        for user_id in people:
            rooms_of.add(lounge(rooms), user_id)
        db.session.commit()
    orders = []

    def work(user_id):
        with app.app_context():
            user = db.session.get(rooms_of.User, user_id)
            for _ in range(12):
                message, _ = lounge(rooms).post(user, "words", uuid4().hex)
                newest, mine = message.id, message.id
                db.session.commit()
                lounge(rooms).lock()
                newest = db.session.scalar(db.select(db.func.max(Message.id)).filter_by(room_id=rooms[0]))
                orders.append(mine <= newest)
                unread.read(rooms[0], user_id, upto=mine)
                db.session.commit()

    threads = [threading.Thread(target=work, args=[user_id]) for user_id in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        room = lounge(rooms)
        assert len(orders) == 36
        for user_id in people:
            user = db.session.get(rooms_of.User, user_id)
            assert counts(room, user)[0] == true_count(room, user)
        assert db.session.query(Membership).count() == 3
