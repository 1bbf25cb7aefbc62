"""Orders in the database: placed once, moved by one, at today's prices. On both databases."""

from collections import Counter
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy.exc import OperationalError

from blueprints.orders.basket import Basket, add_line
from blueprints.orders.models import MenuItem, Order, last_step_of
from blueprints.orders.pace import promise
from database import db, utcnow
from tests.blueprints.pages import queries

pytestmark = pytest.mark.both_databases
COOKS = 8
ORDERS, THREADS = 100, 50


def choose(user, quantity):
    item = MenuItem.menu()[0]
    add_line(user, item, [], quantity, item.price_cents)


def place(person, token="t1", name="ada", quantity=2):
    choose(person(name), quantity)
    basket = Basket(person(name))
    order = Order.place_once(person(name), basket, token)
    basket.empty()
    db.session.flush()
    return order


def in_threads(app, work, count=COOKS):
    """The results of so many at once, each with a connection of its own."""
    results = []

    def run():
        with app.app_context():
            results.append(work())
            db.session.commit()

    threads = [Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_an_order_keeps_names_prices_and_total_of_its_moment(app, menu, person):
    with app.app_context():
        order, is_new = place(person)
        MenuItem.menu()[0].price_cents = 9999
        db.session.commit()
        found = Order.find(order.id)
        assert is_new
        assert (found.total_cents, found.state, found.version) == (1780, "new", 1)
        assert [(line.name, line.quantity, line.price_cents) for line in found.lines] == [
            ("Margherita", 2, 890)
        ]
        assert [(step.state, step.by_name) for step in found.steps] == [("new", "Ada")]


def test_the_same_token_gives_the_same_order(app, menu, person):
    with app.app_context():
        first, _ = place(person)
        db.session.commit()
        again, is_new = place(person, quantity=5)
        assert (again.id, is_new, again.total_cents) == (first.id, False, 1780)


def test_a_token_is_somebodys_own(app, menu, person):
    with app.app_context():
        first, _ = place(person)
        other, is_new = place(person, name="grace")
        assert is_new
        assert other.id != first.id


def test_of_one_basket_many_posts_at_once_make_one_order(app, menu, person):
    with app.app_context():
        choose(person("ada"), 2)
        db.session.commit()

    def post():
        user, basket = person("ada"), None
        basket = Basket(user, lock=True)
        if not basket:
            return False
        is_new = Order.place_once(user, basket, "t1")[1]
        basket.empty()
        return is_new

    assert Counter(in_threads(app, post)) == {False: COOKS - 1, True: 1}
    with app.app_context():
        assert db.session.query(Order).count() == 1


def test_the_same_thing_put_in_by_many_at_once_is_one_line(app, menu, person):
    in_threads(app, lambda: choose(person("ada"), 1))
    with app.app_context():
        assert [line.quantity for line in Basket(person("ada")).lines] == [COOKS]


def test_a_move_notes_who_and_when_and_counts_the_version(app, menu, person):
    with app.app_context():
        order, _ = place(person)
        assert order.advance("new", "Carlo")
        db.session.commit()
        assert (order.state, order.version) == ("oven", 2)
        assert order.last_step.by_name == "Carlo"
        assert order.step_at["oven"] >= order.step_at["new"]


def test_a_move_from_another_state_changes_nothing(app, menu, person):
    with app.app_context():
        order, _ = place(person)
        assert not order.advance("oven", "Carlo")
        assert (order.state, order.version, len(order.steps)) == ("new", 1, 1)


def test_of_many_cooks_one_wins(app, menu, person, state_of):
    with app.app_context():
        order_id = place(person)[0].id
        db.session.commit()
    won = in_threads(app, lambda: Order.find(order_id).advance("new", "Carlo"))
    assert sorted(won) == [False] * (COOKS - 1) + [True]
    assert state_of(order_id) == ("oven", 2, "Carlo")


def test_the_board_asks_the_same_few_questions_for_one_order_and_for_many(app, menu, person):
    def questions():
        with queries(app) as asked, app.app_context():
            for order in Order.on_board()[0]:
                assert order.lines
                assert order.steps
        return len(asked)

    with app.app_context():
        place(person)
        db.session.commit()
    for_one = questions()
    with app.app_context():
        for number in range(10):
            place(person, token=f"more{number}")
        db.session.commit()
    assert questions() == for_one <= 3


def take(order_id, name):
    return db.session.get(Order, order_id).advance("new", name)


def patiently(work, *arguments):
    """The result of a transaction; SQLite lets fifty wait in no order, so that somebody may have to come again."""
    while True:
        try:
            result = work(*arguments)
            db.session.commit()
            return result
        except OperationalError:
            db.session.rollback()


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_hundred_orders_and_fifty_cooks_make_a_hundred_winners(app, make_app, menu, person):
    """Every cook goes for every order, all beginning at the same moment: each order is moved once, by one of them."""
    options = app.config["SQLALCHEMY_ENGINE_OPTIONS"] | {"pool_size": THREADS + 5, "pool_timeout": 60}
    crowded = make_app(SQLALCHEMY_ENGINE_OPTIONS=options)
    with app.app_context():
        for number in range(ORDERS):
            place(person, token=f"rush{number}", quantity=1)
        db.session.commit()
        numbers = [row.id for row in db.session.query(Order.id)]
    winners, start = [], Barrier(THREADS)

    def cook(me):
        start.wait()
        with crowded.app_context():
            mine = numbers[me:] + numbers[:me]
            winners.extend([each for each in mine if patiently(take, each, f"Cook {me}")])

    threads = [Thread(target=cook, args=[me]) for me in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(winners) == sorted(numbers)
    with app.app_context():
        orders = db.session.query(Order).all()
        assert {(order.state, order.version, len(order.steps)) for order in orders} == {("oven", 2, 2)}


def test_what_is_taken_back_returns_with_its_age_and_counts_no_more(app, menu, person):
    with app.app_context():
        order, _ = place(person)
        born = order.created_at
        for state in ("new", "oven"):
            assert order.advance(state, "Carlo", person("carlo").id, "Pass 1")
        assert last_step_of(person("carlo")).state == "ready"
        assert order.take_back("ready")
        db.session.commit()
        assert (order.state, order.recalled, order.created_at) == ("oven", True, born)
        assert "ready" not in order.step_at
        assert order.corrected_at
        assert last_step_of(person("carlo")).state == "oven"
        assert order.last_step.who == "Carlo at Pass 1"
        assert not order.take_back("ready"), "it was taken back already"
        assert order.advance("oven", "Carlo")
        assert (order.recalled, order.corrected_at) == (False, None)


def test_a_promise_follows_the_kitchens_real_pace_and_its_queue(app, menu, person):
    now = utcnow().replace(minute=30, second=0, microsecond=0)  # a promise is made in steps of five minutes
    with app.app_context():
        earliest, latest, ahead = promise(now)
        assert (earliest - now, latest - now, ahead) == (minutes(10), minutes(20), 0)
        for number in range(3):
            order, _ = place(person, token=f"done{number}")
            for state in ("new", "oven"):
                order.advance(state, "Carlo")
            order.steps[0].at, order.steps[2].at = now - minutes(51), now - minutes(1)
        db.session.flush()
        earliest, latest, ahead = promise(now)
        assert (earliest - now, latest - now, ahead) == (minutes(40), minutes(65), 0)
        for number in range(8):  # at three in half an hour they take an hour and a half
            place(person, token=f"queue{number}")
        earliest, latest, ahead = promise(now)
        assert (earliest - now, latest - now, ahead) == (minutes(75), minutes(110), 8)


def minutes(count):
    return timedelta(minutes=count)
