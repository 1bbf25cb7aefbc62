"""Ordering as guests meet it: the menu, the list of orders, an order's own page, the link for a second device."""

import re

from blueprints.orders.models import Order
from database import db
from tests.blueprints.pages import AS_HTMX, queries, soup
from tests.support import ordering


def test_the_menu_shows_prices_options_and_what_is_sold_out(as_user, menu):
    page = soup(as_user("ada").get("/orders/"))
    cards = {card.h2.text: card for card in page.select(".card")}
    assert "€8.90" in cards["Margherita"].text
    options = [
        " ".join(label.get_text(" ").split()) for label in cards["Margherita"].select(".options label")
    ]
    assert options == [
        "Small €-2.00".replace("€-", "-€"),
        "Regular",
        "Family +€7.00",
        "Rocket +€1.20",
        "basil",
    ]
    assert "Sold out" in cards["Tartufo"].text
    assert not cards["Tartufo"].select("form")


def test_without_orders_the_page_says_what_will_appear(as_user, menu):
    page = as_user("ada").get("/orders/").text
    assert "No orders yet" in page
    assert "Nothing chosen yet" in page


def test_a_plain_post_leads_to_the_order(as_user, menu):
    ada = as_user("ada")
    ordering.add(ada, menu["Margherita"], 2)
    ordering.add(ada, menu["Marinara"])
    answer = ada.post("/orders/", data=ordering.checkout(ada))
    assert answer.status_code == 303
    page = soup(ada.get(answer.location))
    assert page.h1.text == "We have your order."
    assert page.select_one("tfoot .cents").text == "€25.70"


def test_htmx_is_led_there_too(as_user, menu):
    ada = as_user("ada")
    ordering.add(ada, menu["Margherita"])
    answer = ada.post("/orders/", data=ordering.checkout(ada), headers=AS_HTMX)
    assert (answer.status_code, answer.text) == (201, "")
    assert re.fullmatch(r"/orders/\d+", answer.headers["HX-Redirect"])


def test_an_order_says_when_it_will_be_ready_and_who_is_before_it(as_user, order_of):
    order_of("grace")
    page = soup(as_user("ada").get(f"/orders/{order_of('ada')}"))
    due = page.select_one(".due")
    assert len(due.select("time")) == 2
    assert "1 order was ahead of yours" in due.text


def test_steps_are_only_what_really_happened(as_user, order_of):
    order_id = order_of("ada")
    page = soup(as_user("ada").get(f"/orders/{order_id}"))
    assert [step.b.text for step in page.select(".steps .reached")] == ["Received"]
    assert len(page.select(".steps .not-yet")) == 3


def test_later_than_promised_is_said_in_words_with_a_number_to_call(app, as_user, order_of):
    order_id = order_of("ada")
    with app.app_context():
        order = Order.find(order_id)
        order.promised_until = order.created_at.replace(year=2020)
        db.session.commit()
    page = soup(as_user("ada").get(f"/orders/{order_id}"))
    assert "is-late" in page.select_one(".order")["class"]
    assert "Later than promised" in page.select_one(".overdue").text
    assert page.select_one(".overdue a")["href"].startswith("tel:")
    assert [step.b.text for step in page.select(".steps .reached")] == ["Received"]


def test_the_tracking_link_shows_the_same_steps_without_signing_in_and_lets_nobody_change(
    as_user, client, order_of
):
    order_id = order_of("ada")
    own = soup(as_user("ada").get(f"/orders/{order_id}"))
    link = own.find("a", string="Link for another device")["href"]
    other = soup(client.get(link))
    assert str(other.select_one(".steps")) == str(own.select_one(".steps"))
    assert other.title.text == own.title.text
    assert not other.select(".order form")
    assert "Checking every 15 s" in other.text


def test_an_invented_tracking_link_leads_nowhere(client):
    for tracking in ("x", "0" * 32, "%00"):
        assert client.get(f"/orders/tracking/{tracking}").status_code in (400, 404)


def test_an_order_of_somebody_else_looks_like_none(as_user, order_of):
    order_id, mallory = order_of("ada"), as_user("mallory")
    not_yours, not_there = mallory.get(f"/orders/{order_id}"), mallory.get("/orders/999999")
    assert not_yours.status_code == not_there.status_code == 404
    assert soup(not_yours).main == soup(not_there).main


def test_a_path_that_names_no_order_is_404_and_a_page_that_is_not_there_is_no_error(as_user, order_of):
    order_of("ada")
    ada = as_user("ada")
    for path in ("/orders/x", "/orders/-1", "/orders/99999999999999999999", "/orders/1.0"):
        assert ada.get(path).status_code == 404, path
    for page in ("0", "-3", "x", "2", "99999999999999999999"):
        assert ada.get(f"/orders/?page={page}").status_code == 200, page


def test_orders_are_paged(as_user, order_of):
    numbers = [order_of("ada") for _ in range(11)]
    first, second = (soup(as_user("ada").get(f"/orders/?page={n}")) for n in (1, 2))
    assert [row["id"] for row in first.select("#my-orders li")] == [f"my-order-{n}" for n in numbers[:0:-1]]
    assert [row["id"] for row in second.select("#my-orders li")] == [f"my-order-{numbers[0]}"]


def test_the_page_asks_no_more_for_much_than_for_little(app, as_user, menu, order_of):
    ada = as_user("ada")

    def asked():
        with queries(app) as found:
            ada.get("/orders/")
        return len(found)

    order_of("ada")
    ordering.add(ada, menu["Margherita"])
    little = asked()
    for _ in range(8):
        order_of("ada", "Bianca")  # takes what is in the basket along
        for name in ("Margherita", "Marinara", "Bianca"):
            ordering.add(ada, menu[name])
    assert asked() == little


def test_whoever_is_not_signed_in_is_asked_to(client):
    assert client.get("/orders/").location.startswith("/login")
    for path in ("/orders/", "/orders/1/note", "/orders/items/1/lines", "/orders/basket/1"):
        assert client.post(path).location.startswith("/login")
