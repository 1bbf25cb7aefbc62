"""Unread counts are exact, whatever happens at the same time. On both databases."""

import random
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


def true_counts(room, user):
    """Messages of others after the last one read, and those of them that name the person, counted one by one."""
    read_id = room.membership(user.id).read_id
    query = db.select(Message).filter_by(room_id=room.id, deleted_at=None)
    waiting = [each for each in db.session.scalars(query) if each.id > read_id and each.user_id != user.id]
    return len(waiting), sum(user.id in each.names for each in waiting)


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
        assert unread.read(room, ada.id, upto=ids[3])
        assert counts(room, ada) == (1, 1)
        assert unread.read(room, ada.id, upto=ids[1]) is None
        assert counts(room, ada) == (1, 1)
        unread.read(room, ada.id, back_to=ids[1])
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


def test_whatever_is_done_the_counts_are_those_counted_one_by_one(app, rooms, person):
    dice = random.Random(5)
    with app.app_context():
        room, people, ids = lounge(rooms), [person(name) for name in ("ada", "grace", "carlo")], []
        for step in range(60):
            who = dice.choice(people)
            text = f"{step} for @{dice.choice(people).name}" if dice.random() < 0.5 else str(step)
            do = dice.choice(["post", "post", "post", "edit", "delete", "read", "back"]) if ids else "post"
            message = ids and db.session.get(Message, dice.choice(ids))
            if do == "post":
                ids.append(room.post(who, text, uuid4().hex)[0].id)
            elif do == "edit":
                message.edit(text)
            elif do == "delete":
                message.delete()
            else:
                unread.read(room.lock(), who.id, **{"upto" if do == "read" else "back_to": message.id})
            db.session.commit()
            for each in people:
                if room.membership(each.id):
                    assert counts(room, each) == true_counts(room, each), (step, do)


def talk(app, room_id, user_id, newest_ids):
    """Posts, edits, deletes and reads; `newest_ids` gets (mine, the newest then) after each post."""
    with app.app_context():
        for step in range(12):
            room, user = db.session.get(Room, room_id), db.session.get(rooms_of.User, user_id)
            message, _ = room.post(user, "words for @Ada", uuid4().hex)
            mine = message.id
            db.session.commit()
            if step % 4 == 1:
                message.edit("words")
            elif step % 4 == 3:
                message.delete()
            db.session.commit()
            newest = db.session.scalar(db.select(db.func.max(Message.id)).filter_by(room_id=room_id))
            newest_ids.append((mine, newest))
            unread.read(room.lock(), user_id, upto=mine)
            db.session.commit()


def test_posting_and_reading_at_once_leaves_an_exact_count_and_one_order(app, rooms, person):
    with app.app_context():
        people = [person(name).id for name in ("ada", "grace", "carlo")]
        for user_id in people:
            rooms_of.add(lounge(rooms), user_id)
        db.session.commit()
    newest_ids = []
    threads = [threading.Thread(target=talk, args=[app, rooms[0], user_id, newest_ids]) for user_id in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(newest_ids) == 36
    assert all(mine <= newest for mine, newest in newest_ids)
    with app.app_context():
        room = lounge(rooms)
        assert room.posted == 36
        for user_id in people:
            user = db.session.get(rooms_of.User, user_id)
            assert counts(room, user) == true_counts(room, user)
        assert db.session.query(Membership).count() == 3
