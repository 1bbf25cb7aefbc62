"""A topic that says how often: at most so many a second, the newest of a key, and the newest always last."""

import time

import pytest

from live.event import Encoded, Event
from live.log import new_uuid
from live.rates import MAX_KEYS, POLL_GAP_S, REMEMBERED, Rates

TOPIC = "ticks:share:1"


@pytest.fixture
def now():
    return [100.0]


@pytest.fixture
def released():
    return []


@pytest.fixture
def rates(now, released):
    return Rates(lambda topic: 4 if topic == TOPIC else None, released.append, clock=lambda: now[0])


def tick(number, key="k", n=None, topic=TOPIC):
    return Encoded(Event(topic, str(number), "", "#t", key), n, f"epoch000-{n}" if n else "")


def test_the_first_goes_out_and_the_newest_follows_when_the_window_ends(rates, now, released):
    assert not rates.holds(tick(1))
    assert all(rates.holds(tick(number)) for number in range(2, 100))
    assert rates.turn() == 0.25
    assert released == []
    now[0] += 0.25
    rates.turn()
    assert [each.event.data for each in released] == ["99"]
    assert rates.holds(tick(100))  # a window began with that one
    now[0] += 0.25
    rates.turn()
    assert [each.event.data for each in released] == ["99", "100"]


def test_after_a_pause_the_next_goes_out_at_once(rates, now, released):
    rates.holds(tick(1))
    now[0] += 0.3
    rates.turn()
    assert not rates.holds(tick(2))
    assert released == []


def test_each_key_has_its_newest_in_the_order_of_their_changes(rates, now, released):
    rates.holds(tick(0))
    for number, key in enumerate("abab", 1):
        rates.holds(tick(number, key))
    now[0] += 0.25
    rates.turn()
    assert [each.event.data for each in released] == ["3", "4"]


def test_other_topics_and_what_has_a_number_and_no_key_pass(rates):
    for n in range(1, 5):
        assert not rates.holds(tick(n, topic="a:b"))
        assert not rates.holds(tick(n, key="", n=n))


def test_what_was_held_comes_without_its_number_and_is_given_to_who_joins(rates, now, released):
    rates.holds(tick(1, n=1))
    rates.holds(tick(2, n=2))
    now[0] += 0.25
    rates.turn()
    assert [(each.event.data, each.n) for each in released] == [("2", None)]
    assert [(each.event.data, each.n) for each in rates.newest({TOPIC}, 2)] == [("2", None)]
    assert rates.newest({TOPIC}, 1) == []  # its replay brings it
    assert rates.newest({"a:b"}, 2) == []


def data_of(events):
    return [each.event.data for each in events]


def test_a_poll_that_comes_again_and_again_is_given_it_once_the_window_is_over_no_more(rates, now):
    rates.holds(tick(1, n=1))
    now[0] += 0.25 + POLL_GAP_S
    assert data_of(rates.newest({TOPIC}, 1, polls=True)) == ["1"]
    now[0] += 0.01
    assert rates.newest({TOPIC}, 1, polls=True) == []
    assert data_of(rates.newest({TOPIC}, 1)) == ["1"]


def test_of_a_history_that_was_loaded_the_newest_are_known(rates):
    rates.holds(tick(1, n=1))
    rates.holds(tick(1, "other", n=2))
    rates.renew([tick(2, n=3), tick(3, n=4), tick(4, key="", n=5), tick(5, topic="a:b", n=6)])
    assert data_of(rates.newest({TOPIC, "a:b"}, 6)) == ["3"]


def test_the_keys_it_knows_of_a_topic_are_bounded(rates):
    for n in range(1, MAX_KEYS + 2):
        rates.holds(tick(n, str(n), n=n))
    assert data_of(rates.newest({TOPIC}, MAX_KEYS + 1)) == [str(n) for n in range(2, MAX_KEYS + 2)]


def test_the_topics_it_knows_are_bounded(now, released):
    rates = Rates(lambda _topic: 4, released.append, clock=lambda: now[0])
    for n in range(1, REMEMBERED + 2):
        rates.holds(tick(n, n=n, topic=f"ticks:share:{n}"))
    assert rates.newest({TOPIC}, REMEMBERED + 1) == []
    assert data_of(rates.newest({"ticks:share:2"}, REMEMBERED + 1)) == ["2"]


def test_before_readers_are_sent_away_all_that_was_held_goes_out(rates, released):
    for number in range(3):
        rates.holds(tick(number))
    rates.let_go()
    assert data_of(released) == ["2"]
    rates.let_go()
    assert len(released) == 1


@pytest.mark.parametrize("volatile", [True, False])
def test_of_a_thousand_ticks_a_second_each_reader_gets_four_and_the_last(
    site, writer, open_page, transport, volatile
):
    share = f"ticks:share:{time.time_ns()}"
    page = open_page(share)
    page.next()
    begun = time.monotonic()
    for start in range(0, 1000, 10):
        for number in range(start, start + 10):
            event = Event(share, str(number), "live:tick", key="k", at_ms=int(time.time() * 1000))
            if volatile:
                writer.log.publish_volatile(event)
        if not volatile:
            rows = [Event(share, str(n), "live:tick", key="k") for n in range(start, start + 10)]
            writer.log.publish([(new_uuid(), row) for row in rows])
        pause_until(begun + (start + 10) / 1000)
    took = time.monotonic() - begun
    got = []
    while not got or got[-1] != 999:
        got.append(int(page.event().data))
    assert got == sorted(got)
    # A poll asks only when the test does, after the last tick.
    assert (1 if transport == "poll" else 3) <= len(set(got)) <= 4 * (took + 0.5) + 2


def pause_until(moment):
    while time.monotonic() < moment:
        pass
