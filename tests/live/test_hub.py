"""The hub against a real Redis that is flushed, trimmed and cut off: what it tells the readers it has."""

import json
import time

import pytest

from live.event import GRANT, REVOKE, Event
from live.gate import Identity
from live.hub import RECHECK_AT_ONCE, Hub
from live.latest import SET_BACK_MS
from live.log import Log, connect, new_uuid
from live.position import Position, read
from live.readers import Readers
from live.subscription import Subscription
from live.testing import Parser

ANSWER_S = 20
SETTLED_MS = 1
TOPIC = "a:b"


@pytest.fixture
def log(broken_redis, spare_redis):
    return Log(connect(spare_redis), "hub", 50)


@pytest.fixture
def make_hub(spare_redis, broken_redis, monkeypatch):
    monkeypatch.setattr("live.hub.READ_BLOCK_MS", 100)  # how long an idle hub takes to stop
    hubs = []

    def make(start=True, recheck_s=60, still_valid=lambda _readers: None):
        log = Log(connect(spare_redis), "hub", 50)
        hubs.append(Hub(log, build="b", beat_s=0.1, recheck_s=recheck_s, still_valid=still_valid))
        if start:
            hubs[-1].start()
        return hubs[-1]

    yield make
    for hub in hubs:
        hub._stopping.set()  # all at once, so that they wait for their last answers at the same time
    for hub in hubs:
        hub.stop()


class Reader:
    """A subscription, read like a stream."""

    def __init__(self, hub, position, topics=(TOPIC,), user="ada"):
        self.position = str(position)
        self.subscription = Subscription(Identity(f"{user}-1", user, 1, user), topics)
        self._parser, self._events = Parser(), []
        hub.join(self.subscription, read(str(position)), hub.number())

    def event(self):
        deadline = time.monotonic() + ANSWER_S
        while True:
            while self._events:
                event = self._events.pop(0)
                if event.name not in ("live:open", "live:beat"):
                    return event
            blocks = self.subscription.take(deadline - time.monotonic())
            assert blocks, "no event in time, or the reader has ended"
            self._events += self._parser.feed(b"".join(blocks))

    def texts(self, count):
        return [self.event().data for _ in range(count)]


def publish(log, *texts, topic=TOPIC, known=0):
    return log.publish([(new_uuid(), Event(topic, text)) for text in texts], known)


def test_two_hubs_say_the_same_with_the_same_ids(log, make_hub):
    readers = [Reader(hub, hub.position()) for hub in (make_hub(), make_hub())]
    publish(log, *map(str, range(20)))
    first, second = ([reader.event() for _ in range(20)] for reader in readers)
    assert first == second
    assert [event.data for event in first] == list(map(str, range(20)))


def test_a_reader_that_was_here_before_the_history_gets_it_all(log, make_hub):
    epoch, _ = publish(log, "1", "2", "3")
    hub = make_hub(start=False)
    reader = Reader(hub, Position(epoch, 1))
    hub.start()
    assert reader.texts(2) == ["2", "3"]


def test_a_reader_ahead_of_the_hub_waits_and_gets_nothing_twice(log, make_hub):
    hub = make_hub()
    before = read(hub.position())
    with hub._lock:  # the hub has not taken it in yet: another process was faster
        publish(log, "seen there")
        reader = Reader(hub, Position(before.epoch, before.n + 1))
    publish(log, "new")
    assert reader.event().data == "new"


def test_a_position_ahead_of_redis_itself_is_resynced(log, make_hub):
    hub = make_hub()
    reader = Reader(hub, Position(read(hub.position()).epoch, 10**14))
    assert reader.event().name == "live:resync"


def test_a_position_older_than_the_window_is_resynced_and_its_edge_is_not(log, make_hub):
    epoch, _ = publish(log, *map(str, range(60)))
    hub = make_hub()
    assert Reader(hub, Position(epoch, 9)).event().name == "live:resync"
    assert Reader(hub, Position(epoch, 10)).texts(50) == list(map(str, range(10, 60)))


def test_the_window_of_an_old_hub_moves_on(log, make_hub):
    hub = make_hub()
    watcher = Reader(hub, hub.position())
    for half in (range(30), range(30, 60)):  # all at once would be more than the log keeps
        epoch, _ = publish(log, *map(str, half))
        watcher.texts(30)
    assert Reader(hub, Position(epoch, 9)).event().name == "live:resync"
    assert Reader(hub, Position(epoch, 10)).event().data == "10"


@pytest.mark.parametrize("lose", ["flushall", "log", "meta", "trim"])
def test_connected_readers_are_resynced_when_the_history_was_lost(log, make_hub, broken_redis, lose):
    hub = make_hub()
    publish(log, "before")
    reader = Reader(hub, hub.position())
    {
        "flushall": broken_redis.flushall,
        "log": lambda: broken_redis.delete("live:{hub}:log"),
        "meta": lambda: broken_redis.delete("live:{hub}:meta"),
        "trim": lambda: broken_redis.xtrim("live:{hub}:log", maxlen=0, approximate=False),
    }[lose]()
    publish(log, "after")
    while (event := reader.event()).data == "before":
        pass
    assert event.name == "live:resync"
    again = Reader(hub, hub.position())
    publish(log, "new")
    assert again.event().data == "new"


@pytest.mark.long
def test_a_server_that_comes_back_with_an_old_history_is_not_believed(log, make_hub, broken_redis):
    """Without an outbox only the processes know of the time between; the run_id is the same, nothing is missing."""
    hub = make_hub()
    publish(log, "before")
    reader, asleep = Reader(hub, hub.position()), hub.position()
    old = {key: broken_redis.dump(key) for key in broken_redis.keys("live:{hub}:*")}
    log.reset()
    assert reader.event().name == "live:resync"
    between = Reader(hub, hub.position())
    publish(log, "between")
    assert between.event().data == "between"
    for key, value in old.items():
        broken_redis.restore(key, 0, value, replace=True)
    assert between.event().name == "live:resync"
    assert Reader(hub, asleep).event().name == "live:resync"
    assert read(hub.position()).epoch not in {read(asleep).epoch, read(between.position).epoch}


def test_numbers_never_go_back_as_long_as_a_hub_knows_them(log, make_hub, broken_redis):
    hub = make_hub()
    reader = Reader(hub, hub.position())
    publish(log, *"abc")
    reader.texts(3)
    broken_redis.flushall()
    _, (number,) = publish(log, "d", known=hub.number())
    assert number == 4


def test_nothing_is_lost_when_the_connection_was_cut_and_the_history_is_the_same(log, make_hub, broken_redis):
    hub = make_hub()
    reader = Reader(hub, hub.position())
    for number in range(30):
        if number % 10 == 5:
            broken_redis.client_kill_filter(_type="normal", skipme=True)
            broken_redis.client_kill_filter(_type="pubsub", skipme=True)
        publish(log, str(number))
    assert reader.texts(30) == list(map(str, range(30)))


def test_nothing_is_lost_when_redis_pauses(log, make_hub, broken_redis):
    hub = make_hub()
    reader = Reader(hub, hub.position())
    publish(log, "before")
    broken_redis.client_pause(300)
    publish(log, "after")
    assert reader.texts(2) == ["before", "after"]


def test_a_hole_in_the_log_resyncs_and_does_not_stop_the_hub(log, make_hub, broken_redis):
    epoch, _ = publish(log, *"abcdef")
    broken_redis.xdel("live:{hub}:log", "3-0")
    hub = make_hub()
    assert Reader(hub, Position(epoch, 1)).event().name == "live:resync"
    assert Reader(hub, Position(epoch, 3)).texts(3) == ["d", "e", "f"]


def test_a_right_that_ended_while_the_hub_was_cut_off_ends_and_is_not_told_to_anybody(log, make_hub):
    hub = make_hub()
    reader, other = Reader(hub, hub.position()), Reader(hub, hub.position(), user="grace")
    known = hub.number()
    with hub._lock:
        log.publish(
            [(new_uuid(), Event(TOPIC, json.dumps({"topic": TOPIC, "user_id": "ada"}), REVOKE))], known
        )
        publish(log, "secret")
        hub.follower.load()  # what the loop does when its connection is back
    assert (reader.event().name, other.event().data) == ("live:revoked", "secret")


def test_a_right_that_ended_while_the_rules_were_asked_ends(log, make_hub):
    hub = make_hub()
    asked_at = hub.number()
    watcher = Reader(hub, hub.position())
    log.publish([(new_uuid(), Event(TOPIC, json.dumps({"topic": TOPIC, "user_id": "ada"}), REVOKE))])
    assert watcher.event().name == "live:revoked"
    late = Subscription(Identity("ada-1", "ada", 1, "ada"), [TOPIC])
    hub.join(late, read(hub.position()), asked_at)
    assert [event.name for event in Parser().feed(b"".join(late.take(0)))] == ["live:open", "live:revoked"]


def test_a_right_given_back_is_not_taken_by_the_old_revocation(log, make_hub):
    hub = make_hub()
    begun = hub.position()
    watcher = Reader(hub, begun)
    log.publish([(new_uuid(), Event(TOPIC, json.dumps({"topic": TOPIC}), REVOKE))])
    assert watcher.event().name == "live:revoked"
    again = Reader(hub, begun)
    publish(log, "new")
    assert again.event().data == "new"


def grant(log, topic, user="ada", known=0):
    what = json.dumps({"topic": topic, "user_id": user})
    return log.publish([(new_uuid(), Event(topic, what, GRANT))], known)


def test_a_granted_topic_is_followed_from_that_place_on_by_that_user(log, make_hub):
    hub = make_hub()
    reader, other = Reader(hub, hub.position()), Reader(hub, hub.position(), user="grace")
    publish(log, "before", topic="c:d")
    grant(log, "c:d")
    publish(log, "granted", topic="c:d")
    publish(log, "for both")
    assert reader.texts(2) == ["granted", "for both"]
    assert other.texts(1) == ["for both"]


def test_a_topic_granted_while_the_rules_were_asked_is_followed(log, make_hub):
    hub = make_hub()
    begun, asked_at = hub.position(), hub.number()
    watcher = Reader(hub, begun, topics=("c:d",))
    grant(log, "c:d")
    publish(log, "granted", topic="c:d")
    assert watcher.texts(1) == ["granted"]
    late = Subscription(Identity("ada-1", "ada", 1, "ada"), [TOPIC])
    hub.join(late, read(begun), asked_at)
    assert [event.data for event in Parser().feed(b"".join(late.take(0)))][1:] == ["granted"]


def test_a_topic_granted_while_the_hub_was_cut_off_is_followed(log, make_hub):
    hub = make_hub()
    reader, known = Reader(hub, hub.position()), hub.number()
    with hub._lock:
        grant(log, "c:d", known=known)
        publish(log, "granted", topic="c:d")
        hub.follower.load()  # what the loop does when its connection is back
    assert reader.texts(1) == ["granted"]


def test_a_beat_carries_the_number_behind_everything_before_it(log, make_hub):
    hub = make_hub()
    reader = Subscription(Identity("s", "ada", 1, "ada"), [TOPIC])
    hub.join(reader, read(hub.position()), 0)
    epoch, _ = publish(log, "mine", "x")
    publish(log, "foreign", topic="c:d")
    events, parser = [], Parser()
    while not events or events[-1].id != f"{epoch}-3":
        events += parser.feed(b"".join(reader.take(ANSWER_S)))
    ids = [int(event.id.partition("-")[2]) for event in events if event.id]
    assert ids == sorted(ids)
    assert [event.data for event in events if not event.name] == ["mine", "x"]


def test_two_volatile_values_of_one_millisecond_both_count(log, make_hub):
    hub = make_hub()
    reader = Reader(hub, hub.position())
    for text in ("99 %", "100 %"):
        log.publish_volatile(Event(TOPIC, text, "", "#bar", "bar", 1 << 41))
    while reader.event().data != "100 %":
        pass


def test_an_older_volatile_value_never_replaces_a_newer_one(log, make_hub):
    hub = make_hub()
    reader = Reader(hub, hub.position())
    log.publish_volatile(Event(TOPIC, "first", "", "#bar", "bar", 1))
    assert reader.event().data == "first"  # the hub listens
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
    watcher = Reader(hub, hub.position())
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
    reader = Reader(hub, hub.position())
    for garbage in ("{", "[]", "1", '{"x": 1}'):
        broken_redis.publish(log.channel, garbage)
    log.publish_volatile(Event(TOPIC, "good", "", "#bar", "bar", int(time.time() * 1000)))
    assert reader.event().data == "good"


def test_a_redis_that_throws_the_history_away_is_said_loudly_at_the_start(make_hub, broken_redis, caplog):
    broken_redis.config_set("maxmemory-policy", "allkeys-lru")
    broken_redis.config_set("maxmemory", 1 << 30)
    try:
        hub = make_hub()
        assert hub.follower.loaded.wait(ANSWER_S)
    finally:
        broken_redis.config_set("maxmemory", 0)
        broken_redis.config_set("maxmemory-policy", "noeviction")
    assert "set noeviction" in caplog.text


def test_a_stopped_hub_sends_its_readers_away(make_hub):
    hub = make_hub()
    reader = Reader(hub, hub.position())
    hub.stop()
    bye = reader.event()
    assert (bye.name, json.loads(bye.data)["reason"]) == ("live:bye", "restart")
    assert bye.retry_ms >= 1


def test_all_are_asked_for_again_and_never_too_many_at_once(log, make_hub):
    asked = []
    hub = make_hub(recheck_s=0.2, still_valid=lambda readers: asked.append(set(readers)))
    readers = {Reader(hub, hub.position()).subscription for _ in range(RECHECK_AT_ONCE * 2 + 1)}
    deadline = time.monotonic() + ANSWER_S
    while set().union(*asked) != readers:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert max(map(len, asked)) == RECHECK_AT_ONCE


def test_a_topic_is_asked_once_whether_its_readers_are_told_who_is_here():
    asked = []
    readers = Readers(lambda topic: asked.append(topic) or topic == "a:b")
    few, many = (
        Subscription(Identity(n, n, 1, n), topics) for n, topics in (("x", ["a:b"]), ("y", ["a:b", "c:d"]))
    )
    for reader in (few, many):
        readers.add(reader)
    assert readers.places() == {("a:b", "x"), ("a:b", "y")}
    assert readers.with_presence(many.topics) == {"a:b"}
    assert sorted(asked) == ["a:b", "c:d"]
    for reader in (few, many):
        readers.remove(reader)
    assert readers.places() == set()
