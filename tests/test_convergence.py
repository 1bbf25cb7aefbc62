"""Old page + pushed events == fresh page, for every live page of the site, once per event of its feature."""

from io import BytesIO
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup

from blueprints.auth import User
from blueprints.chat.models import Room
from blueprints.orders.models import MenuItem
from database import db
from live.testing import converges
from tests.support import ordering
from tests.support.databases import email_of
from tests.support.jobs import attempt, kind_of
from work import Job, Refused, kinds, moves

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


MENU_FILE = b"name,description,price\nMargherita,Tomato and basil,9.90\nCalzone,Folded,11.50\n"


def test_a_menu_from_a_file(app, as_user, place):
    ada, cook, tokens = as_user("ada"), as_user("carlo"), ("#basket-token",)
    place("ada")
    ordering.add(ada, 1)  # its price changes while it is in the basket

    def bring():
        form = {"menu": (BytesIO(MENU_FILE), "menu.csv"), "token": uuid4().hex}
        answer = cook.post("/jobs/?kind=menu_import", data=form)
        assert answer.status_code == 303, answer.text
        attempt(app, int(answer.location.rsplit("/", 1)[1]))

    assert converges(ada, "/orders/", bring, ignore=tokens)
    assert "Calzone" in ada.get("/orders/").text


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


@pytest.fixture
def job(app):
    """job(kind): the id of a job of ada's."""

    def make(kind, **arguments):
        with app.app_context():
            made = moves.create(kind, arguments, user=User.find(email_of("ada")))
            db.session.commit()
            return made.id

    return make


@pytest.fixture
def unsteady():
    """A kind of job that writes, reports, breaks, and is done at the second attempt."""

    def work(run):
        for number in range(20):
            run.say(f"line {number}")
            run.progress(number, 20, "on <b>the</b> way")
            run.wait(0.02)
        if run.attempt == 1:
            raise RuntimeError("at first")
        if run.attempt == 3:
            raise Refused("not as <b>asked</b> for")
        return {"fine": 1}

    name = kind_of(work, pauses_s=(0,), unit="steps")
    yield name
    del kinds.KINDS[name]


PAGES = ("/jobs/{}", "/jobs/", "/jobs/?state=done", "/jobs/?whose=everybodys", "/chat/")


@pytest.mark.parametrize("name", ["ada", "root"])
def test_a_jobs_whole_life(app, as_user, unsteady, job, name):
    job_id = job(unsteady)
    browser = as_user(name)

    def step(*verbs):
        with app.app_context():
            for verb in verbs:
                verb(Job.find(job_id))
            db.session.commit()

    for act in (
        lambda: attempt(app, job_id),  # fails, is scheduled
        lambda: step(moves.wake),
        lambda: attempt(app, job_id),  # is done
        lambda: job(unsteady),
    ):
        assert converges(browser, f"/jobs/{job_id}", act) is not None
    other = job(unsteady)
    for path in PAGES[1:]:
        assert converges(browser, path, lambda: attempt(app, other)) is not None
        with app.app_context():
            moves.wake(Job.find(other)) or moves.retry(Job.find(other))
            db.session.commit()


def test_a_job_that_waits_runs_is_lost_and_is_cancelled(app, as_user, job):
    first, second = (job("sales_report", since="2026-03-02", until="2026-03-04") for _ in range(2))

    def move(verb, *arguments, job_id=second):
        def act():
            with app.app_context():
                assert verb(Job.find(job_id), *arguments)
                db.session.commit()

        return act

    ada = as_user("ada")
    for act in (
        move(moves.cancel, job_id=first),  # the place in the line changes
        move(moves.start, 1),
        move(moves.lose, 1, "gone"),
        move(moves.start, 2),
        move(moves.cancel),  # asked to stop
        move(moves.cancelled, 2),
        move(moves.retry),
    ):
        assert converges(ada, f"/jobs/{second}", act)
