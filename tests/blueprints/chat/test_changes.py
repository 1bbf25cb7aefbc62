"""Editing, deleting and reacting, by plain form and by htmx; only to what is one's own, and once."""

import pytest

from blueprints.chat.models import Message
from database import db
from tests.blueprints.pages import AS_HTMX, soup


@pytest.fixture
def ada(as_user):
    return as_user("ada")


@pytest.fixture
def message(app, ada, rooms):
    """The address of a message of ada's."""
    ada.post(f"/chat/rooms/{rooms[0]}/messages", data={"text": "a word", "token": "t1"})
    with app.app_context():
        return f"/chat/messages/{db.session.scalars(db.select(Message)).one().id}"


def shown(client, rooms):
    return soup(client.get(f"/chat/rooms/{rooms[0]}")).select_one(".message")


def test_a_plain_form_edits_and_leads_back(ada, rooms, message):
    page = soup(ada.get(message))
    assert page.select_one("textarea[name=text]").text == "a word"
    answer = ada.post(message, data={"text": "another word"})
    assert answer.status_code == 303
    assert answer.location.startswith(f"/chat/rooms/{rooms[0]}#message-")
    row = shown(ada, rooms)
    assert (row.select_one(".body").text, row["data-version"]) == ("another word", "2")
    assert row.select_one(".edited")


def test_the_same_text_again_changes_nothing(ada, rooms, message):
    assert ada.post(message, data={"text": "a word"}, headers=AS_HTMX).status_code == 204
    assert shown(ada, rooms)["data-version"] == "1"


@pytest.mark.parametrize(("text", "sentence"), [(" ", "write something"), ("x" * 4001, "4,001")])
def test_a_bad_edit_is_refused_beside_the_field_and_kept(ada, rooms, message, text, sentence):
    answer = ada.post(message, data={"text": text})
    page = soup(answer)
    assert answer.status_code == 422
    assert sentence in page.find(id="text-problem").text
    assert page.find(id="text").text.strip() == text.strip()
    assert ada.post(message, data={"text": text}, headers=AS_HTMX).status_code == 422
    assert shown(ada, rooms).select_one(".body").text == "a word"


def test_nobody_changes_what_is_not_theirs(as_user, rooms, message):
    for name in ("grace", "root"):
        other = as_user(name)
        assert other.post(message, data={"text": "mine now"}).status_code == 403
        assert other.post(f"{message}/deletion").status_code == 403
        assert not soup(other.get(message)).select("textarea")
    assert shown(other, rooms).select_one(".body").text == "a word"


def test_what_is_deleted_is_gone_but_for_its_place(app, ada, rooms, message):
    ada.post(f"{message}/reactions", data={"kind": "heart"})
    for _ in range(2):
        assert ada.post(f"{message}/deletion").status_code == 303
    row = shown(ada, rooms)
    assert row.select_one(".body").text == "This message was deleted."
    assert not row.select(".reaction, .more")
    with app.app_context():
        assert db.session.scalars(db.select(Message.text)).one() == ""
    assert ada.post(f"{message}/reactions", data={"kind": "heart"}, headers=AS_HTMX).status_code == 204
    assert ada.post(message, data={"text": "back again"}, headers=AS_HTMX).status_code == 204
    assert "back again" not in ada.get(f"/chat/rooms/{rooms[0]}").text


def test_a_reaction_is_set_once_and_taken_back_once(ada, as_user, rooms, message):
    def count():
        return [button.text.strip() for button in shown(ada, rooms).select(".reaction")]

    for on, expected in [("1", ["1"]), ("1", ["1"]), ("0", []), ("0", []), (None, ["1"]), (None, [])]:
        ada.post(f"{message}/reactions", data={"kind": "pizza"} | ({"on": on} if on else {}))
        assert count() == expected
    ada.post(f"{message}/reactions", data={"kind": "pizza"})
    as_user("grace").post(f"{message}/reactions", data={"kind": "pizza"})
    assert count() == ["2"]
    assert ada.post(f"{message}/reactions", data={"kind": "bomb"}).status_code == 400
