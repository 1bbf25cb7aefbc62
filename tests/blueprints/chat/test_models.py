"""Messages in the database: posted once, in order, within bounds. On both databases."""

import pytest

from blueprints.chat.models import MESSAGES_PER_PAGE, Room
from blueprints.chat.texts import UnfitMessageError, shown
from database import db

pytestmark = pytest.mark.both_databases


def lounge(rooms):
    return db.session.get(Room, rooms[0])


def test_a_message_is_kept_as_it_was_written(app, rooms, person):
    with app.app_context():
        message, is_new = lounge(rooms).post(person("ada"), "  a\r\nb <b> 🍕 ", "t1")
        assert is_new
        assert (message.text, message.author_name, message.version) == ("a\nb <b> 🍕", "Ada", 1)


def test_the_same_token_posts_once(app, rooms, person):
    with app.app_context():
        first, _ = lounge(rooms).post(person("ada"), "one", "t1")
        again, is_new = lounge(rooms).post(person("ada"), "other words", "t1")
        assert (again.id, is_new, again.text) == (first.id, False, "one")
        assert len(lounge(rooms).messages()) == 1


def test_a_token_is_somebodys_own(app, rooms, person):
    with app.app_context():
        lounge(rooms).post(person("ada"), "one", "t1")
        assert lounge(rooms).post(person("grace"), "two", "t1")[1]


@pytest.mark.parametrize("typed", ["Émile", "émile", "ÉMILE"])
def test_a_name_of_other_letters_than_asciis_is_found_in_any_case(app, rooms, person, typed):
    with app.app_context():
        person("grace").name = "Émile"
        message, _ = lounge(rooms).post(person("ada"), f"bonjour @{typed}, and @ada", "t1")
        assert f'">@{typed}</span>' in shown(message.text, message.mentions)
        assert [mention.name for mention in message.mentions] == ["Ada", "Émile"]


@pytest.mark.parametrize("text", ["", "   \n", None, 7, ["x"], "x" * 4001, "a\0b", "\ud83c"])
def test_what_cannot_be_a_message_is_refused(app, rooms, person, text):
    with app.app_context():
        with pytest.raises(UnfitMessageError):
            lounge(rooms).post(person("ada"), text, "t1")
        assert lounge(rooms).messages() == []


@pytest.mark.parametrize("token", ["", None, 7, "x" * 65, "a b", "é"])
def test_a_post_without_a_proper_token_is_refused(app, rooms, person, token):
    with app.app_context(), pytest.raises(UnfitMessageError):
        lounge(rooms).post(person("ada"), "words", token)


def test_pages_go_back_without_a_hole(app, rooms, person):
    with app.app_context():
        room, ada = lounge(rooms), person("ada")
        ids = [room.post(ada, f"message {n}", f"t{n}")[0].id for n in range(MESSAGES_PER_PAGE + 5)]
        newest = room.messages()
        older = room.messages(before=newest[0].id)
        assert [message.id for message in older + newest] == ids
        assert room.has_before(newest[0])
        assert not room.has_before(older[0])
