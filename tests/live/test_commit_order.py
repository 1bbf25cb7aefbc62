"""With many writers at once (PostgreSQL) rows commit in another order than their ids, which are given before."""

import threading

import pytest
from sqlalchemy import event

from live.event import Event

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def test_a_late_commit_with_an_earlier_id_is_not_skipped(shop):
    inserted, go_on = threading.Event(), threading.Event()

    def slow():
        def wait(_session):
            inserted.set()
            go_on.wait(10)

        session = shop.session()
        event.listen(session, "before_commit", wait)
        shop.announce(1, topic="shop:slow:1")
        session.commit()
        shop.session.remove()

    thread = threading.Thread(target=slow)
    thread.start()
    assert inserted.wait(10)
    shop.commit(2)
    shop.relay.turn()
    assert shop.numbers == [2]
    go_on.set()
    thread.join()
    shop.relay.turn()
    assert sorted(shop.numbers) == [1, 2]


def test_events_of_one_topic_commit_in_the_order_of_their_ids(shop):
    """Many writers at once: the numbers that the pages see are the order in which the rows were written."""

    def write(number):
        shop.announce(number)
        shop.session.commit()
        shop.session.remove()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        shop.relay.turn()
    for thread in threads:
        thread.join()
    shop.relay.turn()
    by_id = [int(Event.load(payload).data) for (payload,) in shop.rows("payload")]
    assert shop.numbers == by_id
    assert sorted(by_id) == list(range(20))
