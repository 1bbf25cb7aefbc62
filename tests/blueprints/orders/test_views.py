"""Ordering and the kitchen as people meet them: pages, forms, refusals."""

import re

import pytest

from tests.blueprints.pages import AS_HTMX, queries, soup

WHOLE_NUMBER = "Please give a whole number from 0 to 20."


def test_the_menu_shows_prices_and_what_is_sold_out(as_user, menu):
    page = soup(as_user("ada").get("/orders/"))
    cards = {card.h2.text: card.get_text(" ", strip=True) for card in page.select(".card")}
    assert "€8.90" in cards["Margherita"]
    assert "Sold out" in cards["Tartufo"]
    assert not page.select_one(f"#item-{menu['Tartufo']} input")


def test_without_orders_the_page_says_what_will_appear(as_user, menu):
    assert "No orders yet" in as_user("ada").get("/orders/").text


def test_a_plain_post_leads_to_the_order(as_user, form):
    ada = as_user("ada")
    answer = ada.post("/orders/", data=form(Margherita=2, Marinara=1))
    assert answer.status_code == 303
    page = soup(ada.get(answer.location))
    assert page.h1.text == "We have your order."
    assert page.select_one("tfoot .cents").text == "€25.70"


def test_htmx_is_led_there_too(as_user, form):
    answer = as_user("ada").post("/orders/", data=form(Margherita=1), headers=AS_HTMX)
    assert (answer.status_code, answer.text) == (201, "")
    assert re.fullmatch(r"/orders/\d+", answer.headers["HX-Redirect"])


def test_a_repeated_post_makes_one_order(as_user, form):
    ada, data = as_user("ada"), form(Margherita=1)
    assert ada.post("/orders/", data=data).location == ada.post("/orders/", data=data).location
    assert len(soup(ada.get("/orders/")).select("#my-orders li")) == 1


@pytest.mark.parametrize("amount", ["-1", "21", "1.5", "ten", "1e3", "٣", "9" * 5000, "0x1"])
def test_a_bad_amount_is_said_beside_the_field_and_kept(as_user, menu, form, amount):
    ada = as_user("ada")
    answer = ada.post("/orders/", data=form(Margherita=amount, Marinara=3))
    page, field = soup(answer), f"quantity-{menu['Margherita']}"
    assert answer.status_code == 422
    assert page.find(id=f"{field}-problem").text == WHOLE_NUMBER
    assert page.find(id=field)["aria-describedby"] == f"{field}-problem"
    assert page.find(id=field)["value"] == amount
    assert page.find(id=f"quantity-{menu['Marinara']}")["value"] == "3"
    assert not soup(ada.get("/orders/")).select("#my-orders li")


def test_htmx_gets_the_form_alone(as_user, form):
    answer = as_user("ada").post("/orders/", data=form(Margherita="x"), headers=AS_HTMX)
    assert answer.status_code == 422
    assert answer.text.startswith('<hx-partial hx-target="#menu"')
    assert WHOLE_NUMBER in answer.text
    assert "<html" not in answer.text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "at least one pizza"),
        ({"quantity-999": "1"}, "no longer on the menu"),
        ({"quantity-": "1"}, "no longer on the menu"),
        ({"token": ""}, "incomplete"),
        ({"token": "x" * 65}, "incomplete"),
        ({"token": "<b>"}, "incomplete"),
    ],
)
def test_what_cannot_be_ordered_is_refused_in_words(as_user, form, fields, sentence):
    answer = as_user("ada").post("/orders/", data=form() | fields)
    assert answer.status_code == 422
    assert sentence in soup(answer).find(id="basket-problem").text


def test_what_is_sold_out_cannot_be_ordered(as_user, menu, form):
    answer = as_user("ada").post("/orders/", data=form(Tartufo=1, Margherita=1))
    assert answer.status_code == 422
    assert "sold out" in soup(answer).find(id=f"quantity-{menu['Tartufo']}-problem").text


def test_more_than_the_oven_takes_is_refused(as_user, form):
    answer = as_user("ada").post("/orders/", data=form(Margherita=20, Marinara=20, Bianca=11))
    assert answer.status_code == 422
    assert "That is 51 pizzas; we can bake 50" in soup(answer).find(id="basket-problem").text


def test_the_sum_of_a_form_is_made_here(as_user, form):
    answer = as_user("ada").post("/orders/quotes", data=form(Margherita=2, Marinara=1), headers=AS_HTMX)
    assert soup(answer).get_text(" ", strip=True) == "3 pizzas · €25.70"


def test_an_order_of_somebody_else_looks_like_none(as_user, order_of):
    order_id, mallory = order_of("ada"), as_user("mallory")
    not_yours, not_there = mallory.get(f"/orders/{order_id}"), mallory.get("/orders/999999")
    assert not_yours.status_code == not_there.status_code == 404
    assert soup(not_yours).main == soup(not_there).main


@pytest.mark.parametrize("path", ["/orders/x", "/orders/-1", "/orders/99999999999999999999", "/orders/1.0"])
def test_a_path_that_names_no_order_is_404(as_user, path):
    assert as_user("ada").get(path).status_code == 404


@pytest.mark.parametrize("page", ["0", "-3", "x", "2", "99999999999999999999"])
def test_a_page_that_is_not_there_is_no_error(as_user, order_of, page):
    order_of("ada")
    assert as_user("ada").get(f"/orders/?page={page}").status_code == 200


def test_orders_are_paged(as_user, order_of):
    numbers = [order_of("ada") for _ in range(11)]
    first, second = (soup(as_user("ada").get(f"/orders/?page={n}")) for n in (1, 2))
    assert [row["id"] for row in first.select("#my-orders li")] == [f"my-order-{n}" for n in numbers[:0:-1]]
    assert [row["id"] for row in second.select("#my-orders li")] == [f"my-order-{numbers[0]}"]


def test_the_page_asks_no_more_for_ten_orders_than_for_one(app, as_user, order_of):
    order_of("ada")
    ada = as_user("ada")
    with queries(app) as for_one:
        ada.get("/orders/")
    for _ in range(9):
        order_of("ada")
    with queries(app) as for_ten:
        ada.get("/orders/")
    assert len(for_ten) == len(for_one)


@pytest.mark.parametrize(
    ("method", "path"), [("get", "/orders/"), ("post", "/orders/"), ("get", "/orders/1")]
)
def test_whoever_is_not_signed_in_is_asked_to(client, method, path):
    answer = getattr(client, method)(path)
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
