"""Undo and the list of what may be called back."""

from datetime import timedelta

import pytest

from blueprints.orders.models import Order, OrderStep
from database import db, utcnow
from tests.blueprints.orders.test_kitchen import columns, move
from tests.blueprints.pages import AS_HTMX, queries, soup


@pytest.fixture
def carlo(as_user):
    return as_user("carlo")


def through(client, order_id, *states):
    for state in states:
        assert move(client, order_id, state).status_code == 303


def test_undo_takes_back_the_newest_step_of_this_cook_and_then_the_one_before(
    carlo, as_user, order_of, state_of
):
    first, second = order_of("ada"), order_of("grace")
    through(carlo, first, "new")
    through(carlo, second, "new", "oven")
    through(as_user("root"), first, "oven")
    for expected in ("oven", "new"):
        assert carlo.post("/kitchen/undos").status_code == 303
        assert state_of(second)[0] == expected
    assert state_of(first)[0] == "ready", "that step is somebody else's"
    for headers in (AS_HTMX, {}):
        answer = carlo.post("/kitchen/undos", headers=headers)
        assert answer.status_code == 409
        assert "nothing of yours" in answer.text


def test_htmx_gets_the_ticket_back_marked(carlo, order_of):
    order_id = order_of("ada")
    through(carlo, order_id, "new")
    answer = carlo.post("/kitchen/undos", headers=AS_HTMX)
    assert 'hx-target="#column-new"' in answer.text
    assert "RECALLED" in answer.text


def test_what_was_handed_over_is_listed_and_comes_back(carlo, order_of):
    numbers = [order_of("ada"), order_of("grace")]
    for number in numbers:
        through(carlo, number, "new", "oven", "ready")
    page = soup(carlo.get("/kitchen/recalls"))
    assert [row.text for row in page.select(".recall-list .number")] == [str(n) for n in reversed(numbers)]
    form = page.select(".recall-list form")[1]
    assert carlo.post(form["action"], data={"from": "done"}).status_code == 303
    board = carlo.get("/kitchen/")
    assert columns(board)["ready"] == [f"ticket-{numbers[0]}"]
    assert "RECALLED" in soup(board).find(id=f"ticket-{numbers[0]}").text


def test_only_the_last_fifty_of_the_last_hour_are_listed(app, carlo, order_of):
    numbers = [order_of("ada") for _ in range(3)]
    for number in numbers:
        through(carlo, number, "new", "oven", "ready")
    with app.app_context():
        db.session.get(Order, numbers[0]).changed_at -= timedelta(minutes=61)
        copies = [{"token": f"copy{n}", "changed_at": utcnow() + timedelta(seconds=n)} for n in range(49)]
        who = {"user_id": db.session.get(Order, numbers[0]).user_id, "customer_name": "Ada", "total_cents": 0}
        for copy in copies:
            steps = [OrderStep(state="done", by_name="Carlo")]
            db.session.add(Order(state="done", steps=steps, **copy, **who))
        db.session.commit()
    listed = [int(row.text) for row in soup(carlo.get("/kitchen/recalls")).select(".recall-list .number")]
    assert len(listed) == 50
    assert numbers[2] in listed
    assert numbers[0] not in listed
    assert numbers[1] not in listed


def test_the_list_asks_no_more_for_many_orders_than_for_one(app, carlo, order_of):
    def asked():
        through(carlo, order_of("ada"), "new", "oven", "ready")
        with queries(app) as found:
            assert carlo.get("/kitchen/recalls").status_code == 200
        return len(found)

    assert asked() == [asked() for _ in range(4)][-1]


def test_two_who_call_the_same_order_back_call_it_back_once(carlo, as_user, order_of, state_of):
    order_id = order_of("ada")
    through(carlo, order_id, "new", "oven", "ready")
    path = f"/kitchen/orders/{order_id}/recalls"
    assert carlo.post(path, data={"from": "done"}).status_code == 303
    answer = as_user("root").post(path, data={"from": "done"}, headers=AS_HTMX)
    assert answer.status_code == 409
    assert state_of(order_id)[0] == "ready"


def test_what_has_not_begun_cannot_be_called_back(carlo, order_of, state_of):
    order_id = order_of("ada")
    for state in ("new", "x", ""):
        answer = carlo.post(f"/kitchen/orders/{order_id}/recalls", data={"from": state}, headers=AS_HTMX)
        assert answer.status_code == 409
    assert state_of(order_id)[:2] == ("new", 1)


def test_a_press_that_is_repeated_because_its_answer_was_lost_is_no_conflict(
    carlo, as_user, order_of, state_of
):
    order_id = order_of("ada")
    through(carlo, order_id, "new")
    path = f"/kitchen/orders/{order_id}/moves?again=1"
    answer = carlo.post(path, data={"from": "new"}, headers=AS_HTMX)
    assert answer.status_code == 200
    assert "was faster" not in answer.text
    assert as_user("root").post(path, data={"from": "new"}, headers=AS_HTMX).status_code == 409
    assert state_of(order_id) == ("oven", 2, "Carlo")


def test_the_slower_reads_at_which_screen_it_was(carlo, as_user, order_of):
    order_id = order_of("ada")
    path = f"/kitchen/orders/{order_id}/moves"
    carlo.post(path, data={"from": "new", "place": "Pass 1\x00".rstrip("\x00") + " " * 30})
    answer = as_user("root").post(path, data={"from": "new"}, headers=AS_HTMX)
    assert "Carlo at Pass 1 was faster" in answer.text


def test_guests_call_nothing_back(as_user, order_of, carlo, state_of):
    order_id, ada = order_of("ada"), as_user("ada")
    through(carlo, order_id, "new")
    for path in ("/kitchen/undos", f"/kitchen/orders/{order_id}/recalls"):
        assert ada.post(path, data={"from": "oven"}).status_code == 403
    assert ada.get("/kitchen/recalls").status_code == 403
    assert state_of(order_id)[0] == "oven"
