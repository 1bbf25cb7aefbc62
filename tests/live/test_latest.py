"""Volatile values: worthless a second later, and of each key the newest is there for whoever comes."""

import json
import time

import pytest

from live.event import Event
from live.gate import Identity
from live.latest import SET_BACK_MS
from live.position import read
from live.subscription import Subscription
from live.testing import Parser
from tests.live.readers import TOPIC, Reader, publish

SETTLED_MS = 1


@pytest.fixture
def log(hub_log):
    return hub_log


def listening(log, hub):
    """A reader of a hub that hears the channel by now: what has no key is not kept for a hub that begins."""
    reader = Reader(hub, hub.position(), (TOPIC, "a:first"))
    log.publish_volatile(Event("a:first", "listens", "", "#first", "first"))
    assert reader.event().data == "listens"
    return reader


def test_two_volatile_values_of_one_millisecond_both_count(log, make_hub):
    hub = make_hub()
    reader = Reader(hub, hub.position())
    for text in ("99 %", "100 %"):
        log.publish_volatile(Event(TOPIC, text, "", "#bar", "bar", 1 << 41))
    while reader.event().data != "100 %":
        pass


def test_an_older_volatile_value_never_replaces_a_newer_one(log, make_hub):
    hub = make_hub()
    reader = listening(log, hub)
    for at_ms, text in ((1 << 41, "new"), ((1 << 41) - SET_BACK_MS + 1, "old")):
        log.publish_volatile(Event(TOPIC, text, "", "#bar", "bar", at_ms))
    publish(log, "end")
    seen = {reader.event().data, reader.event().data}
    log.publish_volatile(Event(TOPIC, "last", "", "#bar", "other", 1 << 41))
    assert (seen, reader.event().data) == ({"new", "end"}, "last")


def test_after_a_clock_was_set_back_volatile_values_go_on(log, make_hub):
    hub = make_hub()
    reader = Reader(hub, hub.position())
    before, now = 1 << 41, (1 << 41) - 3_600_000
    for key in ("bar", "other"):
        log.publish_volatile(Event(TOPIC, f"{key} before", "", "#bar", key, before))
        assert reader.event().data == f"{key} before"
    log.publish_volatile(Event(TOPIC, "bar after", "", "#bar", "bar", now))
    assert reader.event().data == "bar after"
    seen = [late(hub, seen_ms) for seen_ms in (before, now + SETTLED_MS)]
    assert seen == [{"bar after", "other before"}, set()]  # whoever has seen the time to come gets all, once


def test_a_volatile_value_is_there_for_late_comers_for_its_time_and_no_longer(log, make_hub, monkeypatch):
    hub = make_hub()
    reader = Reader(hub, hub.position())
    an_hour_ago = int(time.time() * 1000) - 3_600_000  # by the clock of whoever made it
    log.publish_volatile(Event(TOPIC, "50 %", "", "#bar", "bar", an_hour_ago))
    assert reader.event().data == "50 %"
    hub.beat()
    assert late(hub, 0) == {"50 %"}
    monkeypatch.setattr("live.latest.LATEST_KEPT_S", 0)
    hub.beat()
    assert late(hub, 0) == set()


def late(hub, seen_ms):
    """What somebody who comes now is given."""
    reader = Subscription(Identity("ada-1", "ada", 1, "ada"), [TOPIC], seen_ms=seen_ms)
    hub.join(reader, read(hub.position()), 0)
    events = Parser().feed(b"".join(reader.take(0)))
    hub.leave(reader)
    return {event.data for event in events if not event.name}


def test_a_long_poll_on_its_way_back_gets_what_was_said_meanwhile(log, make_hub):
    hub, now = make_hub(), int(time.time() * 1000)
    watcher = listening(log, hub)
    for text, at_ms in (("old", now - 5000), ("seen", now - 1), ("new", now)):
        log.publish_volatile(Event(TOPIC, text, "live:typing", at_ms=at_ms))
    assert watcher.texts(3) == ["old", "seen", "new"]

    def comes_back(seen_ms, finite=True, position=None):
        reader = Subscription(Identity("s", "ada", 1, "ada"), [TOPIC], finite=finite, seen_ms=seen_ms)
        hub.join(reader, read(position or hub.position()), hub.number())
        return [e.data for e in Parser().feed(b"".join(reader.take(0)))][1:]  # behind `open`

    assert comes_back(now - 1) == ["new"]
    assert comes_back(now) == []
    begun = hub.position()
    publish(log, "what they wrote")
    assert watcher.texts(1) == ["what they wrote"]
    assert comes_back(now - 1, position=begun) == ["new", "what they wrote"]
    assert comes_back(1) == ["seen", "new"]  # from long ago, and what is that old is worth nothing now
    assert comes_back(0) == comes_back(1, finite=False) == []  # a page that comes, a stream that returns
    hub.beat()
    (beat,) = (e for e in Parser().feed(b"".join(watcher.subscription.take(0))) if e.name == "live:beat")
    assert now - 1 <= json.loads(beat.data)["seen"] <= now


def test_garbage_on_the_channel_does_not_stop_the_volatile_events(log, make_hub, broken_redis):
    hub = make_hub()
    reader = listening(log, hub)
    for garbage in ("{", "[]", "1", '{"x": 1}'):
        broken_redis.publish(log.channel, garbage)
    log.publish_volatile(Event(TOPIC, "good", "", "#bar", "bar", int(time.time() * 1000)))
    assert reader.event().data == "good"
