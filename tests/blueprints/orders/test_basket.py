"""The basket: what goes in and out, what is refused and how it is said, what an order is made of."""

from datetime import timedelta

import pytest

from blueprints.orders.models import Closing, Order
from database import db, utcnow
from tests.blueprints.pages import AS_HTMX, soup
from tests.support import ordering

WHOLE_NUMBER = "Please give a whole number from 1 to 20."


@pytest.fixture
def ada(as_user):
    return as_user("ada")


def sums(answer):
    return [cell.text for cell in soup(answer).select("#basket .chosen .cents")]


def test_the_same_thing_in_the_same_form_is_one_line(ada, menu, option, basket_of):
    for _ in range(2):
        ordering.add(ada, menu["Margherita"], extra=option("Rocket"))
    ordering.add(ada, menu["Margherita"])
    assert basket_of("ada") == [("Margherita", 2), ("Margherita", 1)]
    assert sums(ada.get("/orders/")) == ["€20.20", "€8.90"]


def test_sizes_and_extras_count_in_the_price_and_stand_on_the_order(ada, menu, option, app):
    chosen = {"size": option("Small"), "extra": option("Rocket"), "without": option("basil")}
    order_id = ordering.place(ada, menu["Margherita"], 2, **chosen)
    with app.app_context():
        (line,) = Order.find(order_id).lines
        assert line.price_cents == 890 - 200 + 120
        assert line.modifiers == [["size", "Small"], ["extra", "Rocket"], ["without", "basil"]]
        assert Order.find(order_id).total_cents == 2 * 810
    assert "NO basil" in ada.get(f"/orders/{order_id}").text


def test_more_than_may_be_ordered_of_one_is_refused_with_what_is_there(ada, menu, basket_of):
    ordering.add(ada, menu["Bianca"], 15)
    path = f"/orders/items/{menu['Bianca']}/lines"
    answer = ada.post(path, data={"quantity": "10"}, headers=AS_HTMX)
    assert answer.status_code == 422
    assert "15 are in your basket, and 20 is the most" in soup(answer).select_one(".problem").text
    assert basket_of("ada") == [("Bianca", 15)]
    answer = ada.post(path, data={"quantity": "5"}, headers=AS_HTMX)
    assert answer.status_code == 200
    card = soup(answer).select_one(f"[hx-target='#item-{menu['Bianca']}']")
    assert card.select(".problem") == [], "what was refused before is not wrong any more"
    assert basket_of("ada") == [("Bianca", 20)]


def test_the_basket_is_there_on_another_device_and_nobody_elses(ada, as_user, menu):
    ordering.add(ada, menu["Bianca"], 3)
    assert sums(as_user("ada").get("/orders/")) == ["€19.50"]
    assert sums(as_user("grace").get("/orders/")) == []


def test_amounts_are_what_there_should_be_so_a_repeat_changes_nothing(ada, menu, basket_of):
    ordering.add(ada, menu["Bianca"])
    buttons = soup(ada.get("/orders/")).select("#basket .amount button")
    path = soup(ada.get("/orders/")).select_one("#basket .amount")["action"]
    assert [button["value"] for button in buttons] == ["0", "2", "0"]
    for _ in range(2):
        assert ada.post(path, data={"quantity": "2"}).status_code == 303
    assert basket_of("ada") == [("Bianca", 2)]
    for _ in range(2):
        assert ada.post(path, data={"quantity": "0"}).status_code == 303
    assert basket_of("ada") == []


def test_an_amount_that_is_none_is_400_and_changes_nothing(ada, menu, basket_of):
    ordering.add(ada, menu["Bianca"])
    path = soup(ada.get("/orders/")).select_one("#basket .amount")["action"]
    for amount in ("", "-1", "21", "1.5", "x", "9" * 5000, "²"):
        assert ada.post(path, data={"quantity": amount}).status_code == 400, amount
    assert basket_of("ada") == [("Bianca", 1)]


def test_a_bad_amount_is_said_beside_the_field_and_kept(ada, menu, option, basket_of):
    path, field = f"/orders/items/{menu['Margherita']}/lines", f"quantity-{menu['Margherita']}"
    for amount in ("", "0", "-1", "21", "1.5", "ten", "1e3", "٣", "9" * 5000, "0x1"):
        answer = ada.post(path, data={"quantity": amount, "extra": option("Rocket")})
        page = soup(answer)
        assert answer.status_code == 422, amount
        assert page.find(id=f"{field}-problem").text == WHOLE_NUMBER
        assert page.find(id=field)["aria-describedby"] == f"{field}-problem"
        assert page.find(id=field)["value"] == amount
        assert page.select_one(f"#modifier-{menu['Margherita']}-{option('Rocket')}").has_attr("checked")
    assert basket_of("ada") == []


def test_htmx_gets_the_card_alone(ada, menu):
    answer = ada.post(f"/orders/items/{menu['Bianca']}/lines", data={"quantity": "x"}, headers=AS_HTMX)
    assert answer.status_code == 422
    assert answer.text.startswith(f'<hx-partial hx-target="#item-{menu["Bianca"]}"')
    assert WHOLE_NUMBER in answer.text
    assert "<html" not in answer.text


def test_options_of_another_item_or_two_sizes_are_refused(ada, menu, option, basket_of):
    path = f"/orders/items/{menu['Margherita']}/lines"
    two = {"quantity": "1", "size": [option("Small"), option("Family")]}
    assert "one size" in ada.post(path, data=two).text
    foreign = ada.post(
        f"/orders/items/{menu['Bianca']}/lines", data={"quantity": "1", "extra": option("Rocket")}
    )
    assert "no longer on the menu" in foreign.text
    assert "no longer on the menu" in ada.post(path, data={"quantity": "1", "extra": "<b>"}).text
    assert basket_of("ada") == []
    assert ada.post("/orders/items/99999/lines", data={"quantity": "1"}).status_code == 404


def test_what_is_sold_out_does_not_get_in(ada, menu, basket_of):
    answer = ada.post(f"/orders/items/{menu['Tartufo']}/lines", data={"quantity": "1"})
    assert answer.status_code == 422
    assert "sold out" in soup(answer).select_one(f"#item-{menu['Tartufo']} .problem").text
    assert basket_of("ada") == []


def test_what_sold_out_meanwhile_is_refused_row_by_row_and_the_rest_stays(ada, menu, change_item, basket_of):
    ordering.add(ada, menu["Margherita"])
    ordering.add(ada, menu["Bianca"])
    form = ordering.checkout(ada)
    change_item("Bianca", sold_out=True)
    answer = ada.post("/orders/", data=form)
    assert answer.status_code == 422
    rows = {row.b.text: row for row in soup(answer).select("#basket .chosen li")}
    assert "sold out" in rows["Bianca"].select_one(".problem").text
    assert not rows["Margherita"].select(".problem")
    assert basket_of("ada") == [("Margherita", 1), ("Bianca", 1)]
    ada.post(rows["Bianca"].form["action"], data={"quantity": "0"})
    assert ada.post("/orders/", data=ordering.checkout(ada)).status_code == 303


def test_a_price_that_changed_is_shown_old_and_new_and_asked_once(ada, menu, change_item, app):
    ordering.add(ada, menu["Margherita"], 2)
    form = ordering.checkout(ada)
    change_item("Margherita", price_cents=950)
    answer = ada.post("/orders/", data=form)
    assert answer.status_code == 422
    page = soup(answer)
    assert (
        page.select_one("#basket .chosen .repriced")
        .get_text(" ", strip=True)
        .startswith("Now €9.50 each; it was €8.90")
    )
    assert "Is the new sum right" in page.find(id="prices-problem").text
    assert page.find(id="basket-token")["value"] == form["token"]
    agreed = {field["name"]: field["value"] for field in page.select("form.place input")}
    answer = ada.post("/orders/", data=agreed)
    assert answer.status_code == 303
    with app.app_context():
        assert Order.find(int(answer.location.rsplit("/", 1)[1])).total_cents == 1900


def test_a_page_that_shows_the_new_price_already_asks_there_and_not_again(ada, menu, change_item):
    ordering.add(ada, menu["Margherita"])
    change_item("Margherita", price_cents=950)
    page = soup(ada.get("/orders/"))
    assert "Is the new sum right" in page.find(id="prices-problem").text
    assert page.find(id="place-order").text == "Yes, place the order · €9.50"
    assert ada.post("/orders/", data=ordering.checkout(ada)).status_code == 303


def test_two_new_prices_that_make_the_old_sum_are_asked_too(ada, menu, change_item):
    ordering.add(ada, menu["Margherita"])
    ordering.add(ada, menu["Bianca"])
    form = ordering.checkout(ada)
    change_item("Margherita", price_cents=950)
    change_item("Bianca", price_cents=590)
    answer = ada.post("/orders/", data=form)
    assert answer.status_code == 422
    assert len(soup(answer).select("#basket .chosen .repriced")) == 2


def test_the_old_price_stands_beside_until_it_was_asked_whatever_is_pressed_before(ada, menu, change_item):
    ordering.add(ada, menu["Margherita"])
    change_item("Margherita", price_cents=950)
    path = soup(ada.get("/orders/")).select_one("#basket .amount")["action"]
    for press in (
        lambda: ada.post(path, data={"quantity": "2"}),
        lambda: ordering.add(ada, menu["Margherita"]),
    ):
        press()
        assert "it was €8.90" in soup(ada.get("/orders/")).select_one("#basket .repriced").text


def test_a_card_with_an_old_price_puts_that_price_beside_the_new_one(ada, menu, change_item, option):
    change_item("Margherita", price_cents=950)
    ordering.add(ada, menu["Margherita"], extra=option("Rocket"), price="890")
    said = soup(ada.get("/orders/")).select_one("#basket .repriced")
    assert said.get_text(" ", strip=True).startswith("Now €10.70 each; it was €10.10")
    for price in ("", "-1", "8.9", "9" * 5000, "²"):
        ordering.add(ada, menu["Bianca"], price=price)
    assert len(soup(ada.get("/orders/")).select("#basket .chosen .repriced")) == 1


def test_a_basket_that_another_device_changed_is_not_called_a_new_price(ada, menu):
    ordering.add(ada, menu["Margherita"])
    form = ordering.checkout(ada)
    ordering.add(ada, menu["Bianca"])
    answer = ada.post("/orders/", data=form)
    assert answer.status_code == 422
    assert "not as this page has shown it" in soup(answer).find(id="basket-problem").text
    assert soup(answer).find(id="prices-problem") is None
    assert ada.post("/orders/", data=ordering.checkout(ada)).status_code == 303


def test_a_sold_out_line_at_a_new_price_asks_nothing(ada, menu, change_item):
    ordering.add(ada, menu["Bianca"])
    change_item("Bianca", price_cents=700, sold_out=True)
    page = soup(ada.get("/orders/"))
    assert page.find(id="prices-problem") is None
    assert "sold out" in page.select_one("#basket .problem").text


def test_a_repeated_post_makes_one_order(ada, menu):
    ordering.add(ada, menu["Margherita"])
    form = ordering.checkout(ada)
    assert ada.post("/orders/", data=form).location == ada.post("/orders/", data=form).location
    assert len(soup(ada.get("/orders/")).select("#my-orders li")) == 1


def test_a_form_without_a_token_is_refused_in_words(ada, menu, basket_of):
    ordering.add(ada, menu["Margherita"])
    form = ordering.checkout(ada)
    for token in ("", "x" * 65, "<b>"):
        answer = ada.post("/orders/", data=form | {"token": token})
        assert answer.status_code == 422
        assert "incomplete" in soup(answer).find(id="basket-problem").text
    assert basket_of("ada") == [("Margherita", 1)]


def test_an_empty_basket_is_refused_in_words(ada, menu):
    answer = ada.post("/orders/", data={"token": "t1", "total": "0"})
    assert answer.status_code == 422
    assert "empty" in soup(answer).find(id="basket-problem").text


def test_more_than_the_oven_takes_is_refused(ada, menu, basket_of):
    for name, many in (("Margherita", 20), ("Marinara", 20), ("Bianca", 11)):
        ordering.add(ada, menu[name], many)
    answer = ada.post("/orders/", data=ordering.checkout(ada))
    assert answer.status_code == 422
    assert "That is 51 pizzas; we can bake 50" in soup(answer).find(id="basket-problem").text
    assert len(basket_of("ada")) == 3


def test_after_closing_nothing_is_ordered_and_the_next_opening_is_said(app, ada, menu, basket_of):
    ordering.add(ada, menu["Margherita"])
    form = ordering.checkout(ada)
    with app.app_context():
        now = utcnow()
        db.session.add(Closing(closes_at=now - timedelta(seconds=1), opens_at=now + timedelta(hours=9)))
        db.session.commit()
    answer = ada.post("/orders/", data=form)
    assert answer.status_code == 422
    assert "just closed" in soup(answer).find(id="basket-problem").text
    assert soup(answer).select_one("#basket .closed time")
    assert soup(answer).select_one("#hours time")
    assert basket_of("ada") == [("Margherita", 1)]


def test_a_closing_within_two_hours_is_said_while_one_chooses(app, ada, menu):
    with app.app_context():
        now = utcnow()
        db.session.add(Closing(closes_at=now + timedelta(hours=1), opens_at=now + timedelta(hours=9)))
        db.session.commit()
    assert "last orders at" in soup(ada.get("/orders/")).find(id="hours").text
