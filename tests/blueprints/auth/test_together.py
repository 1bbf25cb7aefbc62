"""Many who ask at the same time who they are: one question, and nobody gets another's answer, or an old one."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from blueprints.auth import LoginSession, User
from blueprints.auth.together import Together
from database import db
from tests.blueprints.pages import queries
from tests.faults.limits import until
from tests.support.databases import email_of

MANY = 20


class Slow:
    """Gives each key in capitals, and says when; a question waits until it is let go."""

    def __init__(self):
        self.asked, self.go = [], threading.Event()
        self.together = Together(self)

    def __call__(self, keys):
        self.asked.append(set(keys))
        number = len(self.asked)
        assert self.go.wait(10)
        if "bad" in keys:
            raise ZeroDivisionError
        return {key: (key.upper(), number) for key in keys if key != "nobody"}

    def all_join(self, count):
        """Waits until so many have joined the next question."""
        until(lambda: self.together._next is not None and len(self.together._next.keys) == count)


@pytest.fixture
def slow():
    return Slow()


def test_one_who_is_alone_asks_alone_and_at_once(slow):
    slow.go.set()
    assert slow.together("ada") == ("ADA", 1)
    assert slow.together("ada") == ("ADA", 2)
    assert slow.together("nobody") is None
    assert slow.asked == [{"ada"}, {"ada"}, {"nobody"}]


def test_who_comes_while_a_question_is_asked_shares_the_next_one(slow, monkeypatch):
    with ThreadPoolExecutor(MANY + 1) as people:
        first = people.submit(slow.together, "first")
        until(lambda: slow.asked)
        together = threading.Event()
        monkeypatch.setattr("blueprints.auth.together.sleep", lambda _s: together.wait(10))
        others = {f"p{n}": people.submit(slow.together, f"p{n}") for n in range(MANY)}
        slow.all_join(MANY)
        together.set()
        slow.go.set()
        assert first.result(10) == ("FIRST", 1)
        assert {name: answer.result(10) for name, answer in others.items()} == {
            name: (name.upper(), 2) for name in others
        }
    assert slow.asked == [{"first"}, set(others)]


def test_an_error_is_everybodys_and_the_next_question_is_a_new_one(slow, monkeypatch):
    together = threading.Event()
    monkeypatch.setattr("blueprints.auth.together.sleep", lambda _s: together.wait(10))
    slow.go.set()
    with ThreadPoolExecutor(2) as people:
        both = [people.submit(slow.together, name) for name in ("bad", "good")]
        slow.all_join(2)
        together.set()
        for answer in both:
            with pytest.raises(ZeroDivisionError):
                answer.result(10)
    assert slow.together("good") == ("GOOD", 2)


def test_one_who_is_ended_before_the_question_leaves_nobody_waiting(slow, monkeypatch):
    slow.go.set()
    with monkeypatch.context() as patch:
        patch.setattr("blueprints.auth.together.sleep", lambda _s: sys.exit())
        with pytest.raises(SystemExit):
            slow.together("ada")
    assert slow.together("ada") == ("ADA", 1)


@pytest.mark.both_databases
def test_two_browsers_of_one_person_are_two_sessions_and_nobody_keeps_the_rows(app, as_user):
    as_user("ada"), as_user("ada"), as_user("grace")
    with app.test_request_context("/live/stream"), queries(app) as asked:
        ids = set(db.session.scalars(sa.select(LoginSession.id)))
        asked.clear()
        known = app.extensions["connecting"]._ask(ids)
        assert len(asked) == 1
        assert {key: identity.session_id for key, identity in known.items()} == {key: key for key in ids}
        names = sorted(identity.user.email for identity in known.values())
        assert names == sorted(map(email_of, ("ada", "ada", "grace")))
        assert not any(isinstance(row, User) for row in db.session)
