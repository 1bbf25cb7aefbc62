"""What waits for one reader: bounded, in order, the newest of a key, nothing of a topic that was taken away."""

import json

import pytest

from live.event import Encoded, Event
from live.gate import Identity
from live.subscription import MAX_BUFFER_BYTES, Subscription
from live.testing import Parser
from live.testing.stream import read_envelope

ADA = Identity("ada-1", 1, 1, "ada")


@pytest.fixture(params=["stream", "socket"])
def reader(request):
    return Subscription(ADA, ["a:b", "c:d"], socket=request.param == "socket")


def taken(reader):
    blocks = reader.take(0)
    if blocks is None:
        return None
    if reader.socket:
        return [read_envelope(block.decode()) for block in blocks]
    return Parser().feed(b"".join(blocks))


def put(reader, n, data="x", key="", topic="a:b", target="#t", replay=False):
    encoded = Encoded(Event(topic, data, "", target, key), n, f"epoch000-{n}")
    reader.put(encoded, replay=replay)
    return len(encoded.envelope if reader.socket else encoded.sse)


def test_events_wait_in_order(reader):
    for n in range(1, 4):
        put(reader, n, f"{n}")
    assert [event.data for event in taken(reader)] == ["1", "2", "3"]
    assert taken(reader) == []


def test_a_buffer_that_is_just_full_is_kept_and_one_byte_more_ends_the_reader(reader):
    frame = put(reader, 1, "")
    assert len(taken(reader)) == 1
    put(reader, 1, "y" * (MAX_BUFFER_BYTES - frame))
    assert reader.reason == ""
    assert len(taken(reader)) == 1
    put(reader, 1, "y" * (MAX_BUFFER_BYTES - frame + 1))
    assert reader.reason == "slow"
    (bye,) = taken(reader)
    assert (bye.name, json.loads(bye.data)["reason"]) == ("live:bye", "slow")
    assert taken(reader) is None


def test_many_small_events_end_a_reader_that_does_not_take_them(reader):
    n = 0
    while not reader.reason:
        n += 1
        put(reader, n, "z" * 1000)
    assert MAX_BUFFER_BYTES // 1100 < n < MAX_BUFFER_BYTES // 1000 + 1
    assert len(taken(reader)) == 1


def test_a_reader_that_takes_in_time_never_ends(reader):
    for n in range(1, 1000):
        put(reader, n, "z" * 1000)
        if n % 200 == 0:
            assert len(taken(reader)) == 200
    assert reader.reason == ""


def test_a_replay_is_not_counted(reader):
    for n in range(1, 1000):
        put(reader, n, "z" * 1000, replay=True)
    put(reader, 1000, "live")
    assert reader.reason == ""
    assert len(taken(reader)) == 1000


def test_a_newer_event_of_a_key_removes_the_older_one_and_goes_to_the_end(reader):
    put(reader, 1, "old", key="k")
    put(reader, 2, "other")
    put(reader, 3, "new", key="k")
    assert [(event.data, event.id[-1]) for event in taken(reader)] == [("other", "2"), ("new", "3")]


def test_what_a_key_has_removed_is_counted_no_more(reader):
    for n in range(1, 1000):
        put(reader, n, "z" * 10000, key="k")
    assert reader.reason == ""
    assert len(taken(reader)) == 1


@pytest.mark.parametrize("other", [{"key": "other"}, {"target": "#other"}, {"topic": "c:d"}])
def test_a_key_counts_within_its_topic_and_target(reader, other):
    put(reader, 1, "a", key="k")
    put(reader, 2, "b", **({"key": "k"} | other))
    assert [event.data for event in taken(reader)] == ["a", "b"]


def test_events_without_a_key_are_all_kept(reader):
    for n in range(1, 4):
        put(reader, n, "same")
    assert len(taken(reader)) == 3


def test_a_topic_that_is_dropped_takes_what_waits_with_it(reader):
    put(reader, 1, "secret", key="k")
    put(reader, 2, "mine", topic="c:d")
    put(reader, 3, "secret")
    reader.drop_topic("a:b")
    assert [(event.name, event.data) for event in taken(reader)] == [("", "mine"), ("live:revoked", "a:b")]
    assert reader.topics == {"c:d"}


def test_what_a_dropped_topic_held_is_counted_no_more(reader):
    put(reader, 1, "z" * (MAX_BUFFER_BYTES - 2000))
    reader.drop_topic("a:b")
    put(reader, 2, "z" * (MAX_BUFFER_BYTES - 2000), topic="c:d")
    assert reader.reason == ""


def test_a_resync_throws_away_what_waits_and_ends(reader):
    put(reader, 1)
    reader.resync(7)
    put(reader, 2)
    reader.bye("restart", 1)
    assert [(event.name, event.data) for event in taken(reader)] == [("live:resync", '{"after": 7}')]
    assert (reader.reason, taken(reader)) == ("resync", None)


def test_a_goodbye_says_when_to_come_back():
    reader = Subscription(ADA, ["a:b"])
    reader.bye("restart", 1234)
    (bye,) = taken(reader)
    assert (bye.retry_ms, json.loads(bye.data)) == (1234, {"reason": "restart", "retry": 1234})


def test_a_closed_reader_gives_the_rest_and_then_nothing(reader):
    put(reader, 1)
    reader.close()
    put(reader, 2)
    assert len(taken(reader)) == 1
    assert taken(reader) is None


def test_quiet_news_wake_a_stream_but_not_a_poll():
    for finite in (False, True):
        reader = Subscription(ADA, ["a:b"], finite=finite)
        reader.greet(Encoded(Event("", "{}", "live:open"), None))
        assert reader._woken is not finite
