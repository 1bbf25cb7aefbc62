"""What chat adds to every page: its questions, when thousands of pages come back at once."""

from uuid import uuid4

import pytest

from live import Identity
from live.testing import connection
from tests.blueprints.pages import queries


@pytest.fixture
def questions(app, as_user):
    """questions(): how many Ada's page asks when it comes back."""
    ada = as_user("ada")
    address = connection(ada.get("/orders/").text).address("stream")

    def count():
        with queries(app) as asked:
            assert ada.head(address).status_code == 200  # admitted, and no stream is opened
        return len(asked)

    return count


@pytest.fixture
def follows(app, rooms, person):
    """follows(): the rooms whose news Ada's pages are told."""

    def topics():
        with app.app_context():
            user = person("ada")
            identity = Identity("-", user.id, user.rights_version, user)
            news = frozenset(f"chat:news:{room_id}" for room_id in rooms)
            return [int(topic[10:]) for topic in app.extensions["live"].gate.still_allowed(identity, news)]

    return topics


def says(who, room_id, text):
    fields = {"text": text, "token": uuid4().hex}
    assert who.post(f"/chat/rooms/{room_id}/messages", data=fields).status_code == 303


def leaves(app, who, user, room_id):
    with app.app_context():
        path = f"/chat/rooms/{room_id}/people/{user('ada').id}/removal"
    assert who.post(path).status_code == 303


@pytest.mark.both_databases
def test_a_page_that_comes_back_asks_one_question_until_a_membership_has_changed(
    app, as_user, rooms, person, questions, follows
):
    ada, carlo = as_user("ada"), as_user("carlo")
    assert [questions() for _ in range(3)] == [2, 1, 1]
    says(ada, rooms[0], "here I am")
    assert [questions() for _ in range(2)] == [2, 1]
    says(ada, rooms[0], "and I am here still")
    assert (questions(), follows()) == (1, [rooms[0]])
    says(carlo, rooms[1], "@Ada come over")
    assert (questions(), sorted(follows())) == (2, rooms)
    leaves(app, ada, person, rooms[1])
    assert (questions(), follows()) == (2, [rooms[0]])
