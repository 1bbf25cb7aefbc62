"""A menu with options, and orders on it."""

import pytest

from blueprints.auth import User
from blueprints.orders.basket import BasketLine
from blueprints.orders.models import MenuItem, Modifier, Order
from database import db
from tests.support import ordering
from tests.support.databases import email_of

MENU = [("Margherita", 890, False), ("Marinara", 790, False), ("Bianca", 650, False), ("Tartufo", 1490, True)]
OPTIONS = [("size", "Small", -200), ("size", "Regular", 0), ("size", "Family", 700), ("extra", "Rocket", 120),
           ("without", "basil", 0)]  # fmt: skip


@pytest.fixture
def menu(app):
    """{name: id}; the Margherita has options."""
    with app.app_context():
        options = [
            Modifier(kind=kind, name=name, price_cents=cents, sort=n)
            for n, (kind, name, cents) in enumerate(OPTIONS)
        ]
        items = [
            MenuItem(name=name, description="", picture="margherita", price_cents=cents, sort=n, sold_out=out)
            for n, (name, cents, out) in enumerate(MENU)
        ]
        items[0].modifiers = options
        db.session.add_all(items)
        db.session.commit()
        return {item.name: item.id for item in items}


@pytest.fixture
def option(app, menu):
    """option("Rocket"): its id."""

    def find(name):
        with app.app_context():
            return db.session.query(Modifier.id).filter_by(name=name).scalar()

    return find


@pytest.fixture
def order_of(app, as_user, menu):
    """order_of("ada"): the id of an order she has placed."""
    browsers = {}

    def place(name, item="Margherita", quantity=1, **fields):
        browser = browsers.setdefault(name, None) or as_user(name)
        browsers[name] = browser
        return ordering.place(browser, menu[item], quantity, **fields)

    return place


@pytest.fixture
def change_item(app, menu):
    """change_item("Margherita", sold_out=True): without telling anybody."""

    def change(name, **values):
        with app.app_context():
            MenuItem.find(menu[name]).change(**values)
            db.session.commit()

    return change


@pytest.fixture
def basket_of(app, person):
    """basket_of("ada"): [(name, quantity)]"""

    def look(name):
        with app.app_context():
            lines = db.session.query(BasketLine).filter_by(user_id=person(name).id).order_by(BasketLine.id)
            return [(line.item.name, line.quantity) for line in lines]

    return look


@pytest.fixture
def state_of(app):
    """state_of(order_id): (state, version, who did the last step)"""

    def look(order_id):
        with app.app_context():
            order = Order.find(order_id)
            return order.state, order.version, order.last_step.by_name

    return look


@pytest.fixture
def person(app):
    """person("ada"): the user, for use inside an app context."""
    return lambda name: User.find(email_of(name))
