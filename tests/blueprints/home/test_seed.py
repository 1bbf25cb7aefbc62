"""The demo data: once, into an empty development database, never in production. On both databases."""

import pytest
from sqlalchemy import delete, func, select

from blueprints.auth import LoginSession, User
from blueprints.chat.models import Message, Room
from blueprints.orders.models import MenuItem, Order
from database import db
from seed import seed

pytestmark = pytest.mark.both_databases
TABLES = (User, MenuItem, Order, Room, Message)


@pytest.fixture
def empty(app):
    with app.app_context():
        for model in (LoginSession, User):
            db.session.execute(delete(model))
        db.session.commit()
    return app


def rows(app):
    with app.app_context():
        return [db.session.scalar(select(func.count()).select_from(model)) for model in TABLES]


def test_an_empty_site_gets_people_menu_rooms_and_a_board_that_can_be_worked_on_once(empty):
    seed(empty)
    first = rows(empty)
    seed(empty)
    assert rows(empty) == first
    assert first[:2] == [4, 8]
    assert first[2] > 500
    with empty.app_context():
        board, _ = Order.on_board()
        assert {order.state for order in board} == {"new", "oven", "ready"}
        assert all(order.version == len(order.steps) for order in board)
        assert board[-1].advance("new", "Carlo")
        db.session.commit()


def test_where_somebody_is_already_nothing_is_added(app):
    before = rows(app)
    seed(app)
    assert rows(app) == before


def test_production_gets_none(make_app):
    app = make_app(LEVAIN_ENV="production")
    with app.app_context():
        db.session.execute(delete(User))
        db.session.commit()
    seed(app)
    assert rows(app) == [0, 0, 0, 0, 0]
