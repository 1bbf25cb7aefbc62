"""The hub against a real Redis that is flushed, trimmed and cut off: what it tells the readers it has."""

import json
import time
from functools import lru_cache
from itertools import pairwise
from socket import socketpair
from types import SimpleNamespace

import pytest

from live.catching_up import REPAIRS_PER_S, REPAIRS_WITHIN_S
from live.event import GRANT, REVOKE, Event
from live.gate import Identity
from live.hub import RECHECK_AT_ONCE
from live.line import Line
from live.log import new_uuid
from live.position import Position, read
from live.readers import Readers
from live.subscription import Subscription
from live.testing import Parser
from tests.live.readers import ANSWER_S, TOPIC, Reader, publish


@pytest.fixture
def log(hub_log):
    return hub_log


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
    reader = Reader(hub, hub.position())
    publish(log, "before")
    assert reader.event().data == "before"
    asleep = hub.position()
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


def test_repairs_begin_one_after_the_other_and_of_very_many_some_in_between(make_hub, monkeypatch):
    stopped_clock = SimpleNamespace(monotonic=lambda: 1000.0)
    monkeypatch.setattr("live.catching_up.time", stopped_clock)
    hub = make_hub()
    assert hub.follower.loaded.wait(ANSWER_S)
    told = [json.loads(Reader(hub, "nowhere0-1").event().data)["after"] for _ in range(3 * REPAIRS_PER_S)]
    turn_ms = 1000 / REPAIRS_PER_S
    assert told[0] == turn_ms
    assert all(0 < later - earlier <= turn_ms + 1 for earlier, later in pairwise(told))
    in_line = REPAIRS_PER_S * REPAIRS_WITHIN_S
    rest = [json.loads(Reader(hub, "nowhere0-1").event().data)["after"] for _ in range(in_line)]
    assert max(rest) <= 1000 * REPAIRS_WITHIN_S
    last = rest[-REPAIRS_PER_S:]
    assert min(last) < last[0] or last != sorted(last)


def test_all_are_asked_for_again_and_never_too_many_at_once(log, make_hub):
    asked = []
    hub = make_hub(recheck_s=0.2, still_valid=lambda readers: asked.append(set(readers)))
    readers = {Reader(hub, hub.position()).subscription for _ in range(RECHECK_AT_ONCE * 2 + 1)}
    deadline = time.monotonic() + ANSWER_S
    while set().union(*asked) != readers:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert max(map(len, asked)) == RECHECK_AT_ONCE


def test_a_line_about_a_right_is_read_once_and_by_those_it_names(log, make_hub, monkeypatch):
    hub = make_hub()
    readers = [Reader(hub, hub.position(), user=user) for user in ("ada", "ada", "ada", "grace")]
    what, read_again, loads = json.dumps({"topic": TOPIC, "user_id": "ada"}), [], json.loads
    monkeypatch.setattr("live.rights._read", lru_cache(lambda data: read_again.append(data) or loads(data)))
    met, change = [], hub._rights.change
    monkeypatch.setattr(
        hub._rights, "change", lambda reader, event: met.append(reader) or change(reader, event)
    )
    log.publish([(new_uuid(), Event(TOPIC, what, REVOKE))])
    assert [reader.event().name for reader in readers[:3]] == ["live:revoked"] * 3
    publish(log, "secret")
    assert readers[3].event().data == "secret"
    assert met == [reader.subscription for reader in readers[:3]]
    assert read_again == [what]


def test_a_right_that_ends_during_a_round_ends_before_its_reader_has_its_turn(make_hub, monkeypatch):
    monkeypatch.setattr("live.sockets.SLICE", 1)
    hub = make_hub(start=False)
    hub.follower.load()
    readers = [Subscription(Identity(f"{name}-1", name, 1, name), (TOPIC, "a:c")) for name in ("ada", "bob")]
    plugs = [socketpair() for _ in readers]
    for reader, (near, _) in zip(readers, plugs, strict=True):
        near.setblocking(False)
        hub.join(reader, read(hub.position()), hub.number())
        hub.adopt(near.detach(), reader, Line("/live/stream", "GET"))

    def end_rights():
        for reader in readers:
            hub.drop(reader, TOPIC)
            hub.sockets._open.write(reader)  # so nothing but its topics tells it from the others

    monkeypatch.setattr(hub.sockets, "_let_others_run", end_rights)
    hub._volatile(Event(TOPIC, "told to one", "live:typing"))
    hub.sockets._rounds()
    seen = [far.recv(9999) for _, far in plugs]
    assert [each.count(b"live:revoked") for each in seen] == [1, 1]
    assert sorted(each.count(b"told to one") for each in seen) == [0, 1]
    for reader, (_, far) in zip(readers, plugs, strict=True):
        hub.sockets._open.gone(reader)
        far.close()


def test_a_reader_that_has_ended_leaves_nothing_behind_whatever_it_followed_last():
    readers = Readers()
    ended, other, short, late = (Subscription(Identity(n, n, 1, n), ["a:b"]) for n in "wxyz")
    readers.add(ended)
    ended.bye("slow", retry_ms=1000)
    ended.topics |= {"c:d"}
    readers.move(ended)
    readers.remove(ended)
    assert (readers.audiences(), readers.following("a:b"), readers.of_user("w")) == ([], [], [])
    readers.add(other)
    other.bye("slow", retry_ms=1000)
    readers.add(short)
    readers.remove(short)
    readers.add(late)
    readers.remove(other)
    assert readers.following("a:b") == [late.audience]


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
