"""Old page + pushed events == fresh page, for every live page of the site, once per event of its feature."""

from uuid import uuid4

import pytest

from blueprints.auth import User
from blueprints.chat.models import Room
from blueprints.jobs import jobs
from blueprints.jobs.models import Job
from blueprints.orders.basket import field_of
from blueprints.orders.models import MenuItem
from database import db
from live.testing import converges
from tests.support.databases import email_of

pytestmark = pytest.mark.both_databases


def add(app, row):
    with app.app_context():
        db.session.add(row)
        db.session.commit()
        return row.id


@pytest.fixture
def place(app, as_user):
    """place("ada"): she orders a pizza; the number of the order."""
    add(app, MenuItem(name="Margherita", description="", picture="margherita", price_cents=890, sort=1))
    with app.app_context():
        field = field_of(MenuItem.menu()[0])
    browsers = {}

    def order(name):
        browser = browsers.setdefault(name, as_user(name) if name not in browsers else None)
        answer = browser.post("/orders/", data={"token": uuid4().hex, field: "2"})
        assert answer.status_code == 303, answer.text
        return int(answer.location.rsplit("/", 1)[1])

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
