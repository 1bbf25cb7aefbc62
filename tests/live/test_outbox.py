"""The outbox and its relay, on both databases: what commits goes out once and in order, what does not never does."""

import time
from types import SimpleNamespace

import pytest
import redis
from sqlalchemy import create_engine, delete, event, insert, update
from sqlalchemy.exc import SQLAlchemyError

from live.errors import HistoryLost, LeaseLost
from live.hub import Hub
from live.log import WAKE, Log, connect
from live.relay import MAX_TRIES, UNSENT_KEPT_S, Relay

pytestmark = pytest.mark.both_databases


def test_nothing_goes_out_before_the_commit_and_everything_after_it(shop):
    shop.announce(1)
    shop.announce(2)
    shop.relay.turn()
    assert shop.numbers == []
    assert not shop.woken
    shop.session.commit()
    assert shop.woken
    shop.relay.turn()
    assert shop.numbers == [1, 2]


def test_a_rollback_takes_the_events_with_it(shop):
    shop.announce(1)
    shop.session.rollback()
    shop.commit(2)
    shop.relay.turn()
    assert shop.numbers == [2]


def announce_and_fail(shop, number):
    with shop.session.begin_nested():
        shop.announce(number)
        raise ZeroDivisionError


def test_a_savepoint_rolled_back_takes_only_its_own_events(shop):
    shop.announce(1)
    with pytest.raises(ZeroDivisionError):
        announce_and_fail(shop, 2)
    with shop.session.begin_nested():
        shop.announce(3)
        with pytest.raises(ZeroDivisionError):
            announce_and_fail(shop, 4)
    shop.session.commit()
    shop.relay.turn()
    assert shop.numbers == [1, 3]


def test_more_than_a_batch_goes_out_in_order(shop):
    shop.commit(*range(250))
    shop.relay.turn()
    assert shop.numbers == list(range(250))


def test_what_was_published_but_not_marked_is_not_published_twice(shop, monkeypatch):
    """The relay dies between XADD and the mark: the UUIDs are known to the log."""
    shop.commit(1, 2, 3)
    with monkeypatch.context() as dying:
        dying.setattr(shop.relay, "_mark_sent", lambda _ids: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            shop.relay.turn()
    assert shop.numbers == [1, 2, 3]
    shop.log.client.delete(shop.log.lease_key)  # the lease of the dead ends by itself; not waited for here
    shop.new_relay().turn()
    assert shop.numbers == [1, 2, 3]
    assert all(sent for (sent,) in shop.rows("sent_at"))


def test_only_one_relay_sends_and_the_other_wakes_it(shop):
    second = shop.new_relay()
    shop.commit(1)
    shop.relay.turn()
    shop.commit(2)
    with shop.log.client.pubsub() as channel:
        channel.subscribe(shop.log.channel)
        second.turn()
        words = [message["data"] for _ in range(2) if (message := channel.get_message(timeout=5))]
    assert shop.numbers == [1]
    assert "wake" in words
    shop.relay.turn()
    assert shop.numbers == [1, 2]


@pytest.fixture
def two_hubs(shop):
    """Two web processes as far as this matters; the relay of the first holds the lease."""
    hubs = [
        Hub(shop.log, build="b", beat_s=5, recheck_s=60, still_valid=lambda _readers: None) for _ in range(2)
    ]
    for hub in hubs:
        hub.relay = shop.new_relay()
    shop.outbox._wake = hubs[0].relay.wake
    hubs[0].start()
    shop.commit(0)
    assert sent(shop, after=0) == [0]
    hubs[1].start()
    yield hubs
    for hub in hubs:
        hub.stop()


def sent(shop, after):
    return [int(entry.event.data) for entry in shop.log.read(after, block_ms=1900)]


@pytest.mark.long
def test_a_call_for_the_relay_is_heard_and_does_not_go_round(shop, two_hubs):
    _, other = two_hubs
    shop.outbox._wake = other.relay.wake
    with shop.log.client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(shop.log.channel)
        channel.get_message(timeout=5)
        shop.commit(1)
        assert sent(shop, after=1) == [1]
        calls = 0
        while (message := channel.get_message(timeout=1)) and calls < 100:
            calls += message["data"] == WAKE
    assert calls <= 3  # one of the commit; who has just lost or got the lease may have said it, too


def test_a_relay_that_slept_through_its_lease_writes_nothing(shop, monkeypatch):
    monkeypatch.setattr("live.relay.LEASE_S", 600)  # so long it believes that it has it
    shop.commit(1)
    shop.relay.turn()
    shop.log.client.delete(shop.log.lease_key)
    second = shop.new_relay()
    second.turn()
    shop.commit(2)
    with pytest.raises(LeaseLost):
        shop.relay.turn()
    assert shop.numbers == [1]
    second.turn()
    assert shop.numbers == [1, 2]


def test_a_lost_history_is_filled_with_the_last_minute_before_anything_newer(shop):
    shop.commit(1, 2)
    shop.relay.turn()
    shop.log.client.delete(*shop.log.client.keys(f"*{shop.log.key.split(':')[1]}*"))
    shop.commit(3)
    for _ in range(3):  # the refusal, the lease, the rows
        try:
            shop.relay.turn()
        except (LeaseLost, HistoryLost):
            shop.relay.forget_lease()
    assert shop.numbers == [1, 2, 3]


@pytest.mark.parametrize("lease", ["held", "new"])
def test_a_database_that_fails_while_an_epoch_begins_costs_no_event_and_no_second_epoch(
    shop, monkeypatch, lease
):
    shop.commit(1, 2)
    shop.relay.turn()
    shop.log.client.delete(*shop.log.client.keys(f"*{shop.log.key.split(':')[1]}*"))
    shop.commit(3)
    if lease == "new":
        shop.relay.forget_lease()
    with monkeypatch.context() as full:
        full.setattr(shop.relay, "_remember_epoch", lambda *_: (_ for _ in ()).throw(SQLAlchemyError))
        turn_as_it_runs(shop.relay, times=3)
    epoch = shop.log.head().epoch
    turn_as_it_runs(shop.relay, times=2)
    assert shop.numbers == [1, 2, 3]
    assert shop.relay._last_epoch() == epoch == shop.log.head().epoch


def turn_as_it_runs(relay, times):
    """As the relay's loop does it, whatever happens."""
    turns = iter([False] * times + [True])
    relay._stopping = SimpleNamespace(is_set=lambda: next(turns), wait=lambda _s: None)
    relay.bind = lambda: None
    relay._woken.set()
    relay._run()


def test_a_row_that_is_refused_three_times_is_parked_and_the_others_go_on(shop):
    def refuse(_uuid, _payload):
        raise ValueError("never")

    shop.senders["letter"] = refuse
    shop.announce(1)
    shop.outbox.put("letter", {"to": "nobody"})
    shop.announce(2)
    shop.session.commit()
    for _ in range(MAX_TRIES - 1):
        shop.relay.turn()
    assert [parked for _, parked in shop.rows("kind", "parked_at")] == [None] * 3
    shop.relay.turn()
    assert [bool(parked) for _, parked in shop.rows("kind", "parked_at")] == [False, True, False]
    assert shop.numbers == [1, 2]


def test_a_topic_whose_event_is_parked_is_refreshed(shop):
    shop.commit(1)
    table = shop.outbox.table
    with shop.engine.begin() as connection:
        connection.execute(update(table).values(payload="no event", tries=MAX_TRIES - 1))
    shop.relay.turn()
    shop.relay.turn()
    assert [entry.event.name for entry in shop.log.load()] == ["live:refresh"]


def test_other_kinds_are_sent_with_the_same_uuid_until_it_works(shop):
    sent, tries = [], []

    def sender(uuid, payload):
        tries.append(uuid)
        if len(tries) == 2:
            raise OSError("away")
        sent.append((uuid, payload["n"]))

    shop.senders["letter"] = sender
    for n in range(3):
        shop.outbox.put("letter", {"n": n})
    shop.session.commit()
    for _ in range(2):
        shop.relay.turn()
    assert sorted(n for _, n in set(sent)) == [0, 1, 2]
    assert len({uuid for uuid, _ in sent}) == 3


def test_an_absence_of_redis_longer_than_a_quarter_of_an_hour_becomes_one_resync(shop):
    shop.commit(1)
    shop.relay.turn()
    before = shop.log.head().epoch
    shop.commit(2, 3)
    make_old(shop)
    shop.commit(4)
    shop.relay.give_up_old()
    for _ in range(3):
        try:
            shop.relay.turn()
        except HistoryLost:
            shop.relay.forget_lease()
    assert shop.log.head().epoch != before
    assert shop.numbers[-1] == 4
    assert not {2, 3} & set(shop.numbers)


def make_old(shop):
    table = shop.outbox.table
    with shop.engine.begin() as connection:
        old = time.time() - UNSENT_KEPT_S - 1
        connection.execute(update(table).where(table.c.sent_at.is_(None)).values(made_at=old))


def test_however_long_redis_is_away_it_is_one_resync_and_the_first_thing_sent(shop, monkeypatch):
    shop.commit(1)
    shop.relay.turn()
    for absence in range(2):
        for number in range(3):
            shop.commit(number)
            make_old(shop)
            shop.commit(10 + number)
            shop.relay.give_up_old()
        assert shop.relay.look() < 60
        resets, reset = [], shop.log.reset
        with monkeypatch.context() as counted:
            counted.setattr(shop.log, "reset", lambda resets=resets, reset=reset: resets.append(1) or reset())
            shop.relay.turn()
        assert len(resets) == 1, absence
        assert shop.numbers == [12]
    assert len([kind for (kind,) in shop.rows("kind") if kind == "reset"]) == 1


def test_a_backlog_that_takes_longer_than_the_lease_is_sent_by_one_relay(shop, monkeypatch):
    monkeypatch.setattr("live.relay.LEASE_S", 0.6)
    monkeypatch.setattr("live.relay.BATCH_ROWS", 1)
    shop.senders["letter"] = lambda _uuid, _payload: time.sleep(0.12)
    for number in range(8):
        shop.outbox.put("letter", {"n": number})
    shop.announce(1)
    shop.session.commit()
    shop.relay.turn()
    assert shop.numbers == [1]


def test_what_waits_is_found_by_its_index_and_never_sorted(shop):
    asked = []
    event.listen(
        shop.engine, "before_cursor_execute", lambda _c, _k, sql, given, *_: asked.append((sql, given))
    )
    shop.relay._send_batch()
    shop.relay.look()
    if shop.engine.dialect.name == "sqlite":  # PostgreSQL sorts what is as little as here
        with shop.engine.connect() as connection:
            plans = [str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given).all())
                     for sql, given in list(asked)]  # fmt: skip
        assert len(plans) == 2
        assert all("ix_live_outbox_unsent" in plan and "ORDER BY" not in plan for plan in plans), plans


def test_the_ids_never_start_again(shop):
    shop.commit(1)
    shop.relay.turn()
    (first,) = shop.rows("id")
    with shop.engine.begin() as connection:
        connection.execute(delete(shop.outbox.table))
    shop.commit(2)
    (second,) = shop.rows("id")
    assert second.id > first.id


def test_a_running_relay_sends_within_its_sweep_and_ends_when_told(shop):
    shop.outbox._wake = shop.relay.wake
    shop.relay.start()
    try:
        shop.commit(1)
        assert [entry.n for entry in shop.log.read(0, block_ms=5000)] == [1]
        shop.relay.stop()
        assert shop.log.client.get(shop.log.lease_key) is None
    finally:
        shop.relay.stop()


def test_a_running_relay_outlives_redis_and_the_database_being_away_together(shop, caplog):
    away = create_engine("sqlite:////nowhere/at-all.db"), Log(connect("redis://127.0.0.1:9"), "away", 10)
    relay = Relay(shop.outbox, lambda: away[0], away[1])
    shop.commit(1)
    relay.start()
    try:
        give_up = time.monotonic() + 30
        while not any(record.exc_info for record in caplog.records):  # the database was missed, too
            assert time.monotonic() < give_up
            time.sleep(0.05)
        relay._engine, relay._log = shop.engine, shop.log
        assert [entry.n for entry in shop.log.read(0, block_ms=30_000)] == [1]
    finally:
        relay.stop()


def test_redis_away_keeps_the_rows_and_tells_the_lag(shop, monkeypatch):
    shop.commit(1)
    away = redis.ConnectionError("away")
    with monkeypatch.context() as gone:
        gone.setattr(shop.log, "take_lease", lambda *_: (_ for _ in ()).throw(away))
        with pytest.raises(redis.ConnectionError):
            shop.relay.turn()
    with shop.engine.begin() as connection:
        connection.execute(update(shop.outbox.table).values(made_at=time.time() - 60))
    shop.relay.look()
    assert shop.relay.lag_s > 50
    shop.relay.turn()
    assert shop.numbers == [1]


def test_sent_rows_are_kept_for_a_minute_and_then_removed(shop):
    shop.commit(1)
    shop.relay.turn()
    table = shop.outbox.table
    with shop.engine.begin() as connection:
        row = {
            "uuid": "old",
            "kind": "event",
            "topic": "t",
            "payload": "",
            "made_at": 0,
            "sent_at": time.time() - 61,
        }
        connection.execute(insert(table), {**row, "tries": 0})
    shop.relay.tidy()
    assert [uuid == "old" for (uuid,) in shop.rows("uuid")] == [False]
