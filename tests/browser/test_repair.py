"""The race that passes every demo: the answer with which a page repairs itself is old before it arrives."""

import json

import pytest
from playwright.sync_api import expect

from blueprints.orders.models import MenuItem, Order
from database import db
from tests.support import clients, ordering

pytestmark = pytest.mark.timeout(180)  # several browsers on two cores
ORDERS = 20
DELAY_MS = 2000


@pytest.fixture
def shop(app, menu):
    """Places and hands over orders while a browser waits: the same views, in this process, on the same database."""
    ada, carlo = clients.signed_in(app, "ada"), clients.signed_in(app, "carlo")
    with app.app_context():
        item = MenuItem.menu()[0].id

    class Shop:
        def place(self):
            return ordering.place(ada, item)

        def ask_for_a_repair(self):
            with app.app_context():
                app.extensions["live"].refresh("orders:kitchen", "#board")
                db.session.commit()

        def hand_over(self, order_id):
            for state in ("new", "oven", "ready"):
                moved = carlo.post(f"/kitchen/orders/{order_id}/moves", data={"from": state})
                assert moved.status_code == 303, moved.text

    return Shop()


@pytest.fixture(params=["stream", "poll"])
def transport(request):
    return request.param


def board(page):
    """What a cook sees, column by column, without the clock that runs."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".lane")].map((lane) => [...lane.querySelectorAll(".ticket")].map(
            (ticket) => [ticket.id, ticket.dataset.version, ticket.querySelector(".lines").textContent]))"""
    )


def test_an_answer_that_is_late_by_two_seconds_ends_in_the_true_page(open_as, shop, transport, app):
    before = [shop.place() for _ in range(3)]
    kitchen = open_as("carlo", "/kitchen/")
    if transport == "poll":  # the verdict of an earlier page on this network
        verdict = json.dumps({"transport": "poll", "until": 10**15})
        kitchen.add_init_script(f"sessionStorage.setItem('live-transport', {json.dumps(verdict)})")
        kitchen.reload(wait_until="commit")
    expect(kitchen.locator("html")).to_have_attribute(
        "data-live", "polling" if transport == "poll" else "live"
    )
    delayed = []

    def answer_late(route):
        answer = route.fetch()
        if not delayed:
            delayed.extend(shop.place() for _ in range(ORDERS))
            for order_id in before[:2]:
                shop.hand_over(order_id)
            kitchen.wait_for_timeout(DELAY_MS)
        route.fulfill(response=answer)

    kitchen.route("**/kitchen/", answer_late)
    shop.ask_for_a_repair()
    expect(kitchen.locator(".ticket")).to_have_count(len(before) - 2 + ORDERS)
    kitchen.unroute_all(behavior="wait")
    with app.app_context():
        assert db.session.query(Order).filter(Order.state == "done").count() == 2
    fresh = open_as("carlo", "/kitchen/")
    expect(fresh.locator(".ticket")).to_have_count(len(before) - 2 + ORDERS)
    assert board(kitchen) == board(fresh)
    expect(kitchen.locator("#counts")).to_have_text(fresh.locator("#counts").text_content().strip())
