"""Orders in the database: placed once, moved by one, at today's prices. On both databases."""

from threading import Thread

import pytest

from blueprints.orders.basket import Basket, read_basket
from blueprints.orders.models import MenuItem, Order
from database import db
from tests.blueprints.pages import queries

pytestmark = pytest.mark.both_databases
COOKS = 8


def place(person, token="t1", name="ada", quantity=2):
    item = MenuItem.menu()[0]
    return Order.place_once(person(name), Basket(lines=[(item, quantity)]), token)


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


def test_the_same_form_sent_many_times_at_once_makes_one_order(app, menu, person):
    placed = in_threads(app, lambda: place(person)[1])
    assert sorted(placed) == [False] * (COOKS - 1) + [True]


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
            for order in Order.on_board():
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


def test_a_basket_reads_amounts_and_adds_up(app, menu):
    with app.app_context():
        items = MenuItem.menu()
        basket = read_basket({f"quantity-{items[0].id}": "2", f"quantity-{items[1].id}": " 1 "}, items)
        assert (basket.errors, basket.pieces, basket.total_cents) == ({}, 3, 2 * 890 + 790)
