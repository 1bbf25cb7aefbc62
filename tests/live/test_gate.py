"""What the gate remembers of the topics that every page of a user follows."""

import pytest

from live import Identity
from live import gate as gates
from live.gate import Gate
from live.topics import TopicList, Topics


@pytest.fixture
def asked():
    return []


@pytest.fixture
def history():
    return {"epoch": "first"}


@pytest.fixture
def gate(asked, history):
    def frame(user):
        asked.append(user)
        return [f"a:{user}"]

    return Gate(Topics(), TopicList("key"), lambda: None, [frame], lambda: history["epoch"])


def follows(gate, user="ada", version=1, session=""):
    return gate.still_allowed(
        Identity(session or f"{user}-1", user, version, user), frozenset(["a:ada", "a:grace"])
    )


def test_it_is_asked_once_for_each_session_and_version_of_its_user(gate, asked):
    assert [follows(gate) for _ in range(3)] == [{"a:ada"}] * 3
    assert (follows(gate, "grace"), asked) == ({"a:grace"}, ["ada", "grace"])
    follows(gate, version=2)
    assert asked == ["ada", "grace", "ada"]


def test_a_session_that_somebody_else_has_now_is_asked_for_anew(gate, asked):
    assert (follows(gate, session="s"), follows(gate, "grace", session="s")) == ({"a:ada"}, {"a:grace"})
    assert asked == ["ada", "grace"]


def test_a_database_of_yesterday_begins_a_new_epoch_and_its_versions_mean_something_else(
    gate, asked, history
):
    follows(gate)
    history["epoch"] = "second"
    follows(gate)
    assert asked == ["ada", "ada"]


def test_so_many_are_remembered_and_then_those_forgotten_that_were_away_longest(gate, asked, monkeypatch):
    monkeypatch.setattr(gates, "MAX_FRAMES", 2)
    for user in ("ada", "grace", "ada"):
        follows(gate, user)
    assert asked == ["ada", "grace"]
    follows(gate, "carlo")
    follows(gate, "ada")
    assert asked == ["ada", "grace", "carlo"]
    follows(gate, "grace")
    assert asked == ["ada", "grace", "carlo", "grace"]
