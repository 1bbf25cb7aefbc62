"""Who hears of which orders, and that what they hear is what the page would show."""

import pytest

from blueprints.orders.broadcasts import (
    customer_topic,
    may_follow_customer,
    may_follow_kitchen,
    may_follow_order,
    order_topic,
)
from tests.blueprints.orders.test_kitchen import move
from tests.blueprints.pages import has, news


@pytest.mark.parametrize(
    ("name", "may"), [("carlo", True), ("root", True), ("ada", False), ("mallory", False)]
)
def test_the_kitchen_is_for_its_staff(app, person, name, may):
    with app.app_context():
        assert may_follow_kitchen(person(name)) is may


def test_an_order_is_followed_by_its_guest_alone(app, person, order_of):
    order_id = order_of("ada")
    with app.app_context():
        allowed = [n for n in ("ada", "grace", "mallory", "carlo") if may_follow_order(person(n), order_id)]
        assert allowed == ["ada"]
        assert not may_follow_order(person("ada"), 999999)


def test_a_list_of_orders_is_followed_by_its_owner_alone(app, person):
    with app.app_context():
        ada, mallory = person("ada"), person("mallory")
        assert may_follow_customer(ada, ada.id)
        assert not may_follow_customer(mallory, ada.id)


def test_topics_of_ids_that_no_column_holds_are_refused(app, person):
    with app.app_context():
        assert not app.extensions["live"].gate.topics.allows(person("ada"), order_topic(2**31))
        assert not app.extensions["live"].gate.topics.allows(person("ada"), customer_topic("x"))


def test_the_kitchen_sees_a_new_order(as_user, order_of):
    carlo = as_user("carlo")
    board = carlo.get("/kitchen/")
    order_id = order_of("ada", quantity=2)
    events = news(carlo, board, until=has(f'id="ticket-{order_id}"'))
    ticket = next(event.data for event in events if "ticket-" in event.data)
    assert 'hx-target="#column-new"' in ticket
    assert "Margherita" in ticket


def test_the_guest_sees_each_step_and_nobody_elses(as_user, order_of):
    ada, carlo = as_user("ada"), as_user("carlo")
    hers, graces = order_of("ada"), order_of("grace")
    page = ada.get(f"/orders/{hers}")
    move(carlo, graces, "new")
    move(carlo, hers, "new")
    events = news(ada, page, until=has("It is in the oven."))
    assert len(events) == 1
    assert f'id="order-{hers}"' in events[0].data


def test_what_sells_out_changes_the_menu_and_every_basket(as_user, menu):
    ada, carlo = as_user("ada"), as_user("carlo")
    page = ada.get("/orders/")
    carlo.post(f"/kitchen/menu/{menu['Bianca']}/availability", data={"sold_out": "yes"})
    events = news(ada, page, until=has("Sold out today"))
    assert any(event.name == "live:refresh" and event.data == "#basket" for event in events)


def test_what_is_taken_back_is_said_to_its_guest(as_user, order_of):
    ada, carlo = as_user("ada"), as_user("carlo")
    order_id = order_of("ada")
    move(carlo, order_id, "new")
    page = ada.get(f"/orders/{order_id}")
    carlo.post("/kitchen/undos")
    assert "Corrected" in news(ada, page, until=has("corrected"))[-1].data


def test_a_refused_move_is_no_news(as_user, order_of):
    ada, carlo = as_user("ada"), as_user("carlo")
    order_id = order_of("ada")
    page = ada.get(f"/orders/{order_id}")
    assert move(carlo, order_id, "oven").status_code == 409
    move(carlo, order_id, "new")
    assert len(news(ada, page, until=has("It is in the oven."))) == 1
