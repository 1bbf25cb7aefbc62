"""What the browser tests of ordering and the kitchen share: a shop driven from this process, beside the real site."""

from datetime import timedelta

from blueprints.orders.models import MenuItem, Order
from database import db
from tests.support import clients, ordering


class Shop:
    """Guests and cooks without a browser: the same views, on the same database as the site under test."""

    def __init__(self, app):
        self.app = app
        self.ada, self.carlo = clients.signed_in(app, "ada"), clients.signed_in(app, "carlo")
        with app.app_context():
            self.items = {item.name: item.id for item in MenuItem.menu()}

    def place(self, item="Margherita", quantity=1, **fields):
        return ordering.place(self.ada, self.items[item], quantity, **fields)

    def move(self, order_id, *states):
        for state in states:
            answer = self.carlo.post(f"/kitchen/orders/{order_id}/moves", data={"from": state})
            assert answer.status_code == 303, answer.text

    def sold_out(self, item, wanted="yes"):
        path = f"/kitchen/menu/{self.items[item]}/availability"
        assert self.carlo.post(path, data={"sold_out": wanted}).status_code == 303

    def set_price(self, item, price):
        path = f"/kitchen/menu/{self.items[item]}/price"
        assert self.carlo.post(path, data={"price": price}).status_code == 303

    def orders(self):
        with self.app.app_context():
            return [(order.id, order.state) for order in db.session.query(Order).order_by(Order.id)]

    def lines(self, order_id):
        with self.app.app_context():
            return Order.find(order_id).lines

    def age(self, order_id, seconds):
        """As if it had been placed so long ago."""
        with self.app.app_context():
            order = db.session.get(Order, order_id)
            order.created_at -= timedelta(seconds=seconds)
            db.session.commit()


def board(page):
    """What a cook sees, lane by lane, without clocks and keys."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".lane")].map((lane) => [...lane.querySelectorAll(".ticket")].map(
            (ticket) => [ticket.id, ticket.dataset.version,
                         ticket.querySelector(".lines").textContent.replace(/\\s+/g, " ")]))"""
    )


def strip(page):
    return page.evaluate("() => [...document.querySelectorAll('#all-day li')].map((row) => row.textContent)")
