"""A menu, and orders on it."""

from uuid import uuid4

import pytest

from blueprints.auth import User
from blueprints.orders.models import MenuItem, Order
from database import db
from tests.support.databases import email_of

MENU = [("Margherita", 890, False), ("Marinara", 790, False), ("Bianca", 650, False), ("Tartufo", 1490, True)]


@pytest.fixture
def menu(app):
    """{name: id}"""
    items = [
        MenuItem(
            name=name, description="", picture="margherita", price_cents=cents, sort=n, sold_out=sold_out
        )
        for n, (name, cents, sold_out) in enumerate(MENU)
    ]
    with app.app_context():
        db.session.add_all(items)
        db.session.commit()
        return {item.name: item.id for item in items}


@pytest.fixture
def form(menu):
    """form(Margherita=2): what a browser posts."""

    def fill(token=None, **quantities):
        fields = {f"quantity-{menu[name]}": str(quantity) for name, quantity in quantities.items()}
        return {"token": token or uuid4().hex, **fields}

    return fill


@pytest.fixture
def order_of(app, as_user, form):
    """order_of("ada"): the id of an order she has placed."""
    browsers = {}

    def place(name, **quantities):
        if name not in browsers:
            browsers[name] = as_user(name)
        answer = browsers[name].post("/orders/", data=form(**quantities or {"Margherita": 1}))
        return int(answer.location.rsplit("/", 1)[1])

    return place


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
