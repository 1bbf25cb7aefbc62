"""Redis is broken in every way it can be, under a site that real processes serve: nothing lost, nothing silent.

One page on each transport is open before the fault; notes are written during it and after it. At the end each page
shows what the database has, and neither an event twice nor one out of order came over any connection.
"""

import time

import pytest

from tests.faults.limits import in_time
from tests.faults.open_pages import complete

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("faults-redis")]

ANSWERED_S = 2  # no request waits longer for a Redis that says nothing


def restart(redis):
    redis.stop()
    redis.start()


def kill(redis):
    redis.kill()
    redis.start()


def restart_empty(redis):
    redis.stop()
    redis.forget()
    redis.start()


def lose_tail(redis):
    redis.kill()
    redis.lose_tail(300)
    redis.start()


def flush(redis):
    redis.client.flushall()


def log_key(redis):
    return redis.client.keys("*:log")[0]


def delete_log(redis):
    redis.client.delete(log_key(redis))


def trim_log(redis):
    redis.client.xtrim(log_key(redis), maxlen=0, approximate=False)


def wrong_type(redis):
    for name in redis.client.keys("live:*"):
        redis.client.delete(name)
        redis.client.rpush(name, "not ours")


def drop_clients(redis):
    redis.drop_clients()


def cut_pubsub(redis):
    redis.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")


def throw_away(redis):
    """Full, with a policy that makes room: whatever is written next, other keys go for it."""
    redis.client.config_set("maxmemory-policy", "allkeys-random")
    redis.client.config_set("maxmemory", 1)
    redis.client.config_set("maxmemory", 0)
    redis.client.config_set("maxmemory-policy", "noeviction")


FAULTS = [
    restart, kill, restart_empty, lose_tail, flush, delete_log, trim_log, wrong_type, drop_clients, cut_pubsub,
    throw_away,
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_pages_are_complete_after(fault, notes, own_redis, pages):
    notes.post(3)
    fault(own_redis)
    notes.post(2)
    complete(notes, pages)


@pytest.mark.parametrize("fault", [restart_empty, flush, delete_log, trim_log])
def test_pages_are_complete_with_nothing_written_after(fault, notes, own_redis, pages):
    """What was written just before is in no log any more, and no event comes to say so."""
    ids = notes.post(3)
    fault(own_redis)
    complete(notes, pages)
    assert set(ids) <= set(notes.ids())


def timed(function, *arguments):
    begun = time.monotonic()
    answer = function(*arguments)
    return time.monotonic() - begun, answer


def test_without_redis_everything_answers_and_comes_later(notes, own_redis, pages):
    own_redis.stop()
    try:
        took = [timed(notes.post)[0] for _ in range(3)] + [timed(notes.ids)[0] for _ in range(3)]
    finally:
        own_redis.start()
    assert max(took) < in_time(ANSWERED_S)
    complete(notes, pages)


def test_a_redis_that_hangs_holds_up_nobody(notes, own_redis, pages):
    own_redis.freeze()
    try:
        took = [timed(notes.post)[0] for _ in range(3)] + [timed(notes.ids)[0] for _ in range(3)]
    finally:
        own_redis.thaw()
    assert max(took) < in_time(ANSWERED_S)
    complete(notes, pages)


def test_a_paused_redis_holds_up_nobody(notes, own_redis, pages):
    own_redis.client.execute_command("CLIENT", "PAUSE", 5000)
    took = [timed(notes.post)[0] for _ in range(3)] + [timed(notes.ids)[0] for _ in range(3)]
    assert max(took) < in_time(ANSWERED_S)
    complete(notes, pages)


def test_a_full_redis_takes_no_post_away_and_delivery_resumes_soon(notes, own_redis, pages):
    own_redis.client.config_set("maxmemory", 1)
    try:
        ids = notes.post(3) + notes.post()
        with pytest.raises(AssertionError, match="not shown"):
            pages[0].until_shown(ids, timeout_s=1)
    finally:
        own_redis.client.config_set("maxmemory", 0)
    for page in pages:
        page.until_shown(ids, timeout_s=5)
        assert page.wrong == []
    assert set(ids) <= set(notes.ids())


def test_a_redis_that_takes_no_more_clients_stops_nothing(notes, own_redis, pages):
    most = own_redis.client.config_get("maxclients")["maxclients"]
    own_redis.client.config_set("maxclients", 1)
    try:
        own_redis.drop_clients()
        took, _ = timed(notes.post)
        assert took < in_time(ANSWERED_S)
    finally:
        own_redis.client.config_set("maxclients", most)
    complete(notes, pages)
