"""Old page + pushed events == fresh page, for every live page of the site, once per event of its feature."""

from uuid import uuid4

import pytest
from bs4 import BeautifulSoup

from blueprints.auth import User
from blueprints.chat.models import Room
from blueprints.jobs import jobs
from blueprints.jobs.models import Job
from blueprints.orders.models import MenuItem
from database import db
from live.testing import converges
from tests.support import ordering
from tests.support.databases import email_of

pytestmark = pytest.mark.both_databases


def add(app, row):
    with app.app_context():
        db.session.add(row)
        db.session.commit()
        return row.id


@pytest.fixture
def place(app, as_user):
    """place("ada"): she orders two pizzas; the number of the order."""
    item = add(
        app, MenuItem(name="Margherita", description="", picture="margherita", price_cents=890, sort=1)
    )
    browsers = {}

    def order(name):
        if name not in browsers:
            browsers[name] = as_user(name)
        return ordering.place(browsers[name], item, 2)

    return order


@pytest.fixture
def move(as_user):
    """move(order_id, "new"): the cook moves it on from that state."""
    carlo = as_user("carlo")

    def advance(order_id, state):
        answer = carlo.post(f"/kitchen/orders/{order_id}/moves", data={"from": state})
        assert answer.status_code == 303, answer.text

    return advance


def test_the_kitchen_board(as_user, place, move):
    cook = as_user("carlo")
    first = place("ada")
    assert converges(cook, "/kitchen/", lambda: place("ada"))
    for state in ("new", "oven", "ready"):
        assert converges(cook, "/kitchen/", lambda state=state: move(first, state))

    def rush():
        numbers = [place("ada") for _ in range(3)]
        move(numbers[1], "new")
        move(numbers[0], "new")
        move(numbers[1], "oven")

    assert converges(cook, "/kitchen/", rush)


def test_what_is_taken_back_changed_ticked_or_seen_on_the_kitchen_board(as_user, place, move):
    cook, ada = as_user("carlo"), as_user("ada")
    number = place("ada")
    line = BeautifulSoup(cook.get("/kitchen/").text, "html.parser").select_one("[data-kitchen=tick]")[
        "action"
    ]
    for who, path, data in (
        (ada, f"/orders/{number}/note", {"note": "well done & <b>crisp</b>"}),
        (cook, f"/kitchen/orders/{number}/acknowledgements", {}),
        (cook, line, {"ticked": "yes"}),
        (cook, f"/kitchen/orders/{number}/moves", {"from": "new"}),
        (cook, "/kitchen/undos", {}),
        (cook, f"/kitchen/orders/{number}/moves", {"from": "new"}),
    ):
        assert converges(cook, "/kitchen/", lambda w=who, p=path, d=data: w.post(p, data=d))
    for state in ("oven", "ready"):
        move(number, state)
    recall = f"/kitchen/orders/{number}/recalls"
    assert converges(cook, "/kitchen/", lambda: cook.post(recall, data={"from": "done"}))
    assert converges(ada, f"/orders/{number}", lambda: cook.post("/kitchen/undos"))


def test_what_a_guest_changes_on_an_order(as_user, place):
    ada, number = as_user("ada"), place("ada")
    form = {"add_to": str(number)}

    def grow():
        ordering.add(ada, 1, 3)
        assert ada.post("/orders/", data=ordering.checkout(ada) | form).status_code == 303

    assert converges(ada, f"/orders/{number}", grow)
    assert converges(as_user("carlo"), "/kitchen/", grow)
    off = BeautifulSoup(ada.get(f"/orders/{number}").text, "html.parser").select_one(".bill form")["action"]
    assert converges(ada, f"/orders/{number}", lambda: ada.post(off))
    assert converges(ada, f"/orders/{number}", lambda: ada.post(f"/orders/{number}/note", data={"note": "x"}))


def test_the_menu_and_the_basket(as_user, place):
    ada, cook = as_user("ada"), as_user("carlo")
    place("ada")
    tokens = ("#basket-token",)  # one per form, so that each makes an order of its own
    for who, path, data in (
        (ada, "/orders/items/1/lines", {"quantity": "2"}),
        (cook, "/kitchen/menu/1/price", {"price": "9.50"}),
        (cook, "/kitchen/menu/1/availability", {"sold_out": "yes"}),
        (cook, "/kitchen/menu/1/availability", {"sold_out": "no"}),
        (cook, "/kitchen/closings", {"begins": "0", "lasts": "5"}),
        (cook, "/kitchen/closings/end", {}),
        (ada, "/orders/basket/2", {"quantity": "0"}),
    ):
        assert converges(ada, "/orders/", lambda w=who, p=path, d=data: w.post(p, data=d), ignore=tokens), (
            path
        )


def test_a_guests_own_order_and_list(as_user, place, move):
    ada = as_user("ada")
    mine = place("ada")
    assert converges(ada, "/orders/", lambda: place("ada"))
    for state in ("new", "oven", "ready"):
        assert converges(ada, "/orders/", lambda state=state: move(mine, state))
    mine = place("ada")
    for state in ("new", "oven", "ready"):
        assert converges(ada, f"/orders/{mine}", lambda state=state: move(mine, state))
    assert converges(ada, f"/orders/{mine}", lambda: place("grace")) == []


def test_a_chat_room(app, as_user):
    room = add(app, Room(name="Lounge", about="Everything."))
    grace = as_user("grace")

    def say(text):
        answer = grace.post(f"/chat/rooms/{room}/messages", data={"text": text, "token": uuid4().hex})
        assert answer.status_code == 303, answer.text

    for text in ("hello", '<b>bold</b> & "quoted"', "two\nlines\r\nand\rmore", "<hx-partial hx-target='#x'>"):
        assert converges(as_user("ada"), f"/chat/rooms/{room}", lambda text=text: say(text))


def test_a_report(app, as_user):
    with app.app_context():
        ada = User.find(email_of("ada"))
        job = Job.create(ada, "sales_report", {"since": "2026-03-02", "until": "2026-03-04"})
        db.session.commit()
        job_id = job.id

    def run():
        with app.app_context():
            jobs.sales_report(job_id)

    browser = as_user("ada")
    assert converges(browser, f"/jobs/{job_id}", run)
    with app.app_context():
        again = Job.create(
            User.find(email_of("ada")), "sales_report", {"since": "2026-03-02", "until": "2026-03-04"}
        )
        db.session.commit()
        job_id = again.id
    assert converges(browser, "/jobs/", run)
