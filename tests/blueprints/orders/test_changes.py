"""What a guest changes before the oven, and that the kitchen cannot overlook it."""

import pytest

from tests.blueprints.orders.test_kitchen import move
from tests.blueprints.pages import AS_HTMX, soup
from tests.support import ordering


@pytest.fixture
def ada(as_user):
    return as_user("ada")


def ticket(as_user, order_id):
    return soup(as_user("carlo").get("/kitchen/")).find(id=f"ticket-{order_id}")


def two_lines(ada, menu):
    ordering.add(ada, menu["Margherita"], 2)
    return ordering.place(ada, menu["Bianca"])


def test_a_note_reaches_the_ticket_which_is_marked_until_somebody_says_that_they_saw(ada, as_user, order_of):
    order_id, carlo = order_of("ada"), as_user("carlo")
    assert ada.post(f"/orders/{order_id}/note", data={"note": "  well   done, please "}).status_code == 303
    found = ticket(as_user, order_id)
    assert "NOTE well done, please" in found.select_one(".note").get_text(" ", strip=True)
    assert "CHANGED" in found.text
    assert found.select_one(".bump").text == "Seen"
    carlo.post(found.select_one("form.move")["action"])
    found = ticket(as_user, order_id)
    assert "CHANGED" not in found.text
    assert found.select_one(".bump").text == "Into the oven"
    assert found.select_one(".note")


@pytest.mark.parametrize(("note", "sentence"), [("x" * 141, "141 characters"), ("a\x01b", "ordinary signs")])
def test_a_bad_note_is_said_and_kept(ada, order_of, note, sentence):
    order_id = order_of("ada")
    answer = ada.post(f"/orders/{order_id}/note", data={"note": note})
    assert answer.status_code == 422
    page = soup(answer)
    assert sentence in page.find(id="note-problem").text
    assert page.find(id="note")["value"] == note
    assert soup(ada.get(f"/orders/{order_id}")).find(id="note")["value"] == ""


def test_a_line_taken_off_is_void_on_the_ticket_and_not_paid(ada, as_user, menu):
    order_id = two_lines(ada, menu)
    form = soup(ada.get(f"/orders/{order_id}")).select(".bill form")[1]
    answers = [ada.post(form["action"]).status_code for _ in range(2)]
    assert answers == [303, 404]
    page = soup(ada.get(f"/orders/{order_id}"))
    assert page.select_one("tfoot .cents").text == "€17.80"
    assert not page.select(".bill form"), "the last line cannot be taken off"
    void = ticket(as_user, order_id).select_one(".void")
    assert "VOID" in void.text
    assert void["data-makes"] == "0"


def test_the_last_line_stays(ada, order_of):
    order_id = order_of("ada")
    lines = soup(ada.get(f"/orders/{order_id}")).select(".bill tbody tr")
    answer = ada.post(f"/orders/{order_id}/lines/{lines[0]['id'].removeprefix('ordered-')}/removal")
    assert answer.status_code == 422
    assert "last one" in answer.text


def test_the_basket_can_be_added_to_an_order_that_is_not_baked_yet(ada, as_user, menu, order_of):
    order_id = order_of("ada")
    ordering.add(ada, menu["Bianca"])
    answer = ada.post("/orders/", data=ordering.checkout(ada) | {"add_to": str(order_id)})
    assert answer.location == f"/orders/{order_id}"
    assert "ADDED" in ticket(as_user, order_id).select_one(".added").text
    assert soup(ada.get(answer.location)).select_one("tfoot .cents").text == "€15.40"
    assert "Nothing chosen yet" in ada.get("/orders/").text


def test_in_the_oven_nothing_changes_any_more(ada, as_user, menu, state_of):
    order_id = two_lines(ada, menu)
    line = soup(ada.get(f"/orders/{order_id}")).select_one(".bill form")["action"]
    ordering.add(ada, menu["Bianca"])
    form = ordering.checkout(ada) | {"add_to": str(order_id)}
    move(as_user("carlo"), order_id, "new")
    before = state_of(order_id)
    for path, data in ((f"/orders/{order_id}/note", {"note": "late"}), (line, {}), ("/orders/", form)):
        answer = ada.post(path, data=data, headers=AS_HTMX)
        assert answer.status_code == 422, path
        assert "in the oven already" in answer.text
    assert state_of(order_id) == before


def test_nobody_changes_somebody_elses_order(ada, as_user, menu):
    order_id, mallory = two_lines(ada, menu), as_user("mallory")
    line = soup(ada.get(f"/orders/{order_id}")).select_one(".bill form")["action"]
    assert mallory.post(line).status_code == 404
    assert mallory.post(f"/orders/{order_id}/note", data={"note": "x"}).status_code == 404


def test_a_tick_is_on_every_screen_and_off_the_list_of_what_is_to_be_made(as_user, order_of):
    order_id, carlo = order_of("ada", quantity=3), as_user("carlo")
    form = ticket(as_user, order_id).select_one("[data-kitchen=tick]")
    assert "3 Margherita" in soup(carlo.get("/kitchen/")).find(id="all-day").text
    assert carlo.post(form["action"], data={"ticked": "yes"}).status_code == 303
    page = soup(as_user("root").get("/kitchen/"))
    assert page.find(id=f"ticket-{order_id}").select_one(".tick")["aria-pressed"] == "true"
    assert page.find(id="all-day").text == ""
    carlo.post(form["action"], data={"ticked": "no"})
    assert "3 Margherita" in soup(carlo.get("/kitchen/")).find(id="all-day").text


def test_a_tick_that_is_none_is_400(as_user, order_of):
    form, carlo = ticket(as_user, order_of("ada")).select_one("[data-kitchen=tick]"), as_user("carlo")
    for ticked in ("", "maybe", "1"):
        assert carlo.post(form["action"], data={"ticked": ticked}).status_code == 400
    assert carlo.post("/kitchen/lines/99999/ticks", data={"ticked": "yes"}).status_code == 404
    assert as_user("ada").post(form["action"], data={"ticked": "yes"}).status_code == 403
