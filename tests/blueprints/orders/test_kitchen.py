"""The kitchen's board: who may see it, one press moves an order, of two cooks one wins."""

import pytest

from blueprints.orders import models
from tests.blueprints.pages import AS_HTMX, queries, soup


@pytest.fixture
def carlo(as_user):
    return as_user("carlo")


def move(client, order_id, expected, **options):
    return client.post(f"/kitchen/orders/{order_id}/moves", data={"from": expected}, **options)


def columns(answer):
    page = soup(answer)
    return {
        state: [row["id"] for row in page.select(f"#column-{state} > li")]
        for state in ("new", "oven", "ready")
    }


@pytest.mark.parametrize("name", ["ada", "mallory"])
def test_guests_are_shown_out(as_user, order_of, name, state_of):
    guest, order_id = as_user(name), order_of("grace")
    assert guest.get("/kitchen/").status_code == 403
    assert move(guest, order_id, "new").status_code == 403
    assert state_of(order_id)[0] == "new"


def test_the_administrator_may_see_it(as_user):
    assert as_user("root").get("/kitchen/").status_code == 200


def test_an_empty_board_says_so(carlo):
    assert "No new orders" in carlo.get("/kitchen/").text


def test_what_does_not_fit_on_the_board_is_counted(carlo, order_of, monkeypatch):
    monkeypatch.setattr(models, "MOST_ON_BOARD", 2)
    numbers = [order_of("ada") for _ in range(5)]
    answer = carlo.get("/kitchen/")
    assert columns(answer)["new"] == [f"ticket-{number}" for number in numbers[:2]]
    assert soup(answer).find(id="beyond").text.startswith("3 newer")
    monkeypatch.setattr(models, "MOST_ON_BOARD", 5)
    assert soup(carlo.get("/kitchen/")).find(id="beyond").text == ""


def test_an_order_goes_through_the_columns_and_off_the_board(carlo, order_of):
    order_id = order_of("ada")
    seen = [columns(carlo.get("/kitchen/"))]
    for expected in ("new", "oven", "ready"):
        answer = move(carlo, order_id, expected)
        assert (answer.status_code, answer.location) == (303, "/kitchen/")
        seen.append(columns(carlo.get("/kitchen/")))
    ticket = [f"ticket-{order_id}"]
    assert [[state for state, rows in board.items() if rows == ticket] for board in seen] == [
        ["new"],
        ["oven"],
        ["ready"],
        [],
    ]


def test_htmx_gets_the_ticket_in_its_new_column(carlo, order_of):
    answer = move(carlo, order_of("ada"), "new", headers=AS_HTMX)
    assert answer.status_code == 200
    assert 'hx-target="#column-oven"' in answer.text
    assert "Out, it is ready" in answer.text


def test_the_slower_of_two_cooks_gets_the_order_as_it_is_and_the_name(carlo, as_user, order_of, state_of):
    order_id = order_of("ada")
    move(carlo, order_id, "new")
    answer = move(as_user("root"), order_id, "new", headers=AS_HTMX)
    assert answer.status_code == 409
    assert f"Carlo was faster: order {order_id} is in the oven" in answer.text
    assert f'id="ticket-{order_id}"' in answer.text
    assert state_of(order_id) == ("oven", 2, "Carlo")


def test_without_scripts_the_slower_one_gets_the_board_with_the_sentence(carlo, as_user, order_of):
    order_id = order_of("ada")
    move(carlo, order_id, "new")
    answer = move(as_user("root"), order_id, "new")
    assert answer.status_code == 409
    assert "Carlo was faster" in soup(answer).find(id="conflict").text
    assert columns(answer)["oven"] == [f"ticket-{order_id}"]


def test_an_order_that_left_the_board_is_taken_off_the_slower_ones(carlo, order_of):
    order_id = order_of("ada")
    for expected in ("new", "oven", "ready"):
        move(carlo, order_id, expected)
    answer = move(carlo, order_id, "ready", headers=AS_HTMX)
    assert answer.status_code == 409
    assert f'hx-target="#ticket-{order_id}" hx-swap="delete"' in answer.text


@pytest.mark.parametrize("expected", ["", "done", "cancelled", "NEW", "new' --"])
def test_a_move_from_nowhere_is_refused(carlo, order_of, state_of, expected):
    order_id = order_of("ada")
    assert move(carlo, order_id, expected).status_code == 400
    assert state_of(order_id)[:2] == ("new", 1)


def test_a_move_of_no_order_is_404(carlo):
    assert move(carlo, 999999, "new").status_code == 404


def test_the_board_asks_no_more_for_many_orders_than_for_one(app, carlo, order_of):
    order_of("ada")
    with queries(app) as for_one:
        carlo.get("/kitchen/")
    for _ in range(6):
        order_of("grace")
    with queries(app) as for_many:
        carlo.get("/kitchen/")
    assert len(for_many) == len(for_one)
