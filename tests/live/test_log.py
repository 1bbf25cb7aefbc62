"""The log in a real Redis: numbers without holes, one epoch for as long as nothing can have been lost."""

import threading

import pytest
import redis

from embedded_redis import EmbeddedRedis
from live.event import Event
from live.log import Log, connect, new_uuid

KEYS = ("log", "meta", "seen")


@pytest.fixture
def log(broken_redis, spare_redis):
    return Log(connect(spare_redis), "s", 100)


def some(count=1):
    return [(new_uuid(), Event("a:b", str(number))) for number in range(count)]


def key(name):
    return f"live:{{s}}:{name}"


def test_whoever_finds_no_connection_free_waits_for_one(spare_redis, monkeypatch):
    monkeypatch.setattr("live.log.REDIS_CONNECTIONS", 2)
    client, answers = connect(spare_redis), []
    threads = [
        threading.Thread(target=lambda: answers.append(client.blpop("nothing", 0.1))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [None] * 5
    client.connection_pool.disconnect()


def test_numbers_follow_each_other_over_several_writers(log, spare_redis):
    other = Log(connect(spare_redis), "s", 100)
    epoch, numbers = log.publish(some(3))
    assert numbers == [1, 2, 3]
    assert other.publish(some(2)) == (epoch, [4, 5])
    assert [entry.n for entry in log.load()] == [1, 2, 3, 4, 5]


def test_an_event_comes_out_as_it_went_in(log):
    events = [
        Event("a:b", "x\r\n\0\u2028\ufeff<p>", "", "#t", "k"),
        Event("", '{"user_id": 1}', "revoke"),
        Event("a:b", "", "live:n"),
    ]
    log.publish([(new_uuid(), event) for event in events])
    assert [entry.event for entry in log.load()] == events


def test_a_repeated_uuid_keeps_its_number_and_is_stored_once(log):
    rows = some(3)
    epoch, _ = log.publish(rows)
    assert log.publish([rows[1], *some(1), rows[2]]) == (epoch, [2, 4, 3])
    assert len(log.load()) == 4


def test_the_same_uuid_twice_in_one_batch_is_one_event(log):
    (row,) = some()
    assert log.publish([row, row])[1] == [1, 1]


def test_a_uuid_is_forgotten_only_with_its_event(log):
    rows = some(150)
    log.publish(rows)
    assert log.publish([rows[60]])[1] == [61]
    assert log.publish([rows[0]])[1] == [151]


def test_only_the_newest_events_are_kept(log):
    log.publish(some(250))
    assert [entry.n for entry in log.load()] == list(range(151, 251))


def test_the_epoch_stays_while_nothing_is_lost(log, spare_redis):
    first = log.head()
    log.publish(some(250))
    assert Log(connect(spare_redis), "s", 100).head() == log.head()
    assert log.head().epoch == first.epoch


def lose_log(client):
    client.delete(key("log"))


def lose_meta(client):
    client.delete(key("meta"))


def lose_everything(client):
    client.flushall()


def lose_tail(client):
    client.xdel(key("log"), client.xrevrange(key("log"), count=1)[0][0])


def trim_to_nothing(client):
    client.xtrim(key("log"), maxlen=0, approximate=False)


def forge_an_entry(client):
    client.xadd(key("log"), {"event": "forged"}, id="999-0")


def forge_numbers(client):
    client.hset(key("meta"), mapping={"n": "many", "base": "-"})


def other_run(client):
    client.hset(key("meta"), "run", "0" * 40)


@pytest.mark.parametrize(
    "lose",
    [
        lose_log,
        lose_meta,
        lose_everything,
        lose_tail,
        trim_to_nothing,
        forge_an_entry,
        forge_numbers,
        other_run,
    ],
)
@pytest.mark.parametrize("first", ["reader", "writer"])
def test_a_history_that_may_have_lost_something_gets_a_new_epoch(log, broken_redis, lose, first):
    before, _ = log.publish(some(5))
    lose(broken_redis)
    after = log.head(known=5).epoch if first == "reader" else log.publish(some(), known=5)[0]
    assert after != before
    epoch, (number,) = log.publish(some(), known=5)
    assert (epoch, number > 5) == (after, True)
    assert {entry.epoch for entry in log.load()} == {after}


@pytest.mark.parametrize("wrong", KEYS[:2])
@pytest.mark.parametrize("first", ["reader", "writer"])
def test_a_key_of_a_wrong_type_is_a_lost_history(log, broken_redis, wrong, first):
    before, _ = log.publish(some(5))
    broken_redis.delete(key(wrong))
    broken_redis.rpush(key(wrong), "not ours")
    after = log.head(5).epoch if first == "reader" else log.publish(some(), known=5)[0]
    assert after != before
    assert log.publish(some(), known=5)[1][0] > 5


def test_wrong_uuids_do_not_stop_the_writing(log, broken_redis):
    rows = some(2)
    epoch, _ = log.publish(rows)
    broken_redis.delete(key("seen"))
    broken_redis.set(key("seen"), "not ours")
    assert log.publish(some(2)) == (epoch, [3, 4])
    again = some(1)
    assert log.publish(again)[1] == log.publish(again)[1] == [5]


def test_all_three_keys_of_wrong_types_heal(log, broken_redis):
    before, _ = log.publish(some(2))
    for name in KEYS:
        broken_redis.delete(key(name))
        broken_redis.set(key(name), "not ours")
    epoch, numbers = log.publish(some(2), known=2)
    assert (epoch != before, numbers) == (True, [3, 4])


def test_whoever_comes_first_installs_the_new_epoch_and_the_others_take_it(log, spare_redis, broken_redis):
    log.publish(some(2))
    broken_redis.flushall()
    others = [Log(connect(spare_redis), "s", 100) for _ in range(3)]
    assert len({other.head(known).epoch for other, known in zip(others, (2, 0, 9), strict=True)}) == 1


def test_a_new_epoch_is_said_on_the_channel(log, broken_redis):
    log.head()
    with broken_redis.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(log.channel)
        channel.get_message(timeout=1)  # the subscription stands
        broken_redis.delete(key("meta"))
        log.head()
        assert channel.get_message(timeout=5)["data"] == "epoch"


def test_a_restarted_redis_has_a_new_epoch_and_its_numbers_go_on(tmp_path):
    server = EmbeddedRedis(tmp_path, aof=True).start()
    try:
        log = Log(connect(server.url), "s", 100)
        before, _ = log.publish(some(5))
        server.stop()
        server = EmbeddedRedis(tmp_path, aof=True).start()
        log = Log(connect(server.url), "s", 100)
        assert log.head().epoch != before
        assert log.publish(some())[1] == [6]
    finally:
        server.stop()


def test_spaces_do_not_mix(log, spare_redis):
    other = Log(connect(spare_redis), "t", 100)
    log.publish(some(3))
    assert (other.head().n, other.load()) == (0, [])
    assert other.publish(some())[1] == [1]


def test_the_newest_volatile_event_of_each_key_is_kept(log):
    for at_ms, text in ((1, "old"), (2, "new")):
        log.publish_volatile(Event("a:b", text, "", "#t", "k", at_ms))
    log.publish_volatile(Event("a:b", "other", "", "#t", "k2", 3))
    log.publish_volatile(Event("a:b", "nowhere", "", "#t", "", 4))
    assert sorted(event.data for event in log.latest()) == ["new", "other"]
    assert log.load() == []


@pytest.mark.parametrize(
    ("bytes_", "policy", "throws"),
    [(0, "allkeys-lru", False), (1 << 30, "allkeys-lru", True), (1 << 30, "noeviction", False)],
)
def test_a_redis_that_throws_keys_away_is_told_from_one_that_does_not(
    log, broken_redis, bytes_, policy, throws
):
    broken_redis.config_set("maxmemory-policy", policy)
    broken_redis.config_set("maxmemory", bytes_)
    try:
        assert log.throws_away() == throws
    finally:
        broken_redis.config_set("maxmemory", 0)
        broken_redis.config_set("maxmemory-policy", "noeviction")


def test_a_redis_that_is_away_is_an_error_within_its_time(tmp_path):
    with pytest.raises(redis.RedisError):
        Log(connect(f"unix://{tmp_path}/none.sock?db=0"), "s", 100).publish(some())
