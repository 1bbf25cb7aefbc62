"""What the kitchen says about the menu and the hours, and what it may not say."""

from datetime import datetime

import pytest

from blueprints.orders.menu import SOON, Closing
from blueprints.orders.models import MenuItem
from database import db
from tests.blueprints.pages import queries, soup


@pytest.fixture
def carlo(as_user):
    return as_user("carlo")


def cents(app, item_id):
    with app.app_context():
        return MenuItem.find(item_id).price_cents


def test_sold_out_and_back(carlo, as_user, menu):
    path = f"/kitchen/menu/{menu['Bianca']}/availability"
    for wanted, shown in (("yes", True), ("no", False)):
        assert carlo.post(path, data={"sold_out": wanted}).status_code == 303
        card = soup(as_user("ada").get("/orders/")).find(id=f"item-{menu['Bianca']}")
        assert ("Sold out" in card.text) is shown
    assert carlo.post(path, data={"sold_out": "perhaps"}).status_code == 400
    assert carlo.post("/kitchen/menu/99999/availability", data={"sold_out": "yes"}).status_code == 404


def test_a_price_is_set_in_cents(app, carlo, menu):
    path = f"/kitchen/menu/{menu['Bianca']}/price"
    assert carlo.post(path, data={"price": "7.05"}).status_code == 303
    assert cents(app, menu["Bianca"]) == 705


def test_a_bad_price_is_said_beside_its_field_and_kept(app, carlo, menu):
    path, field = f"/kitchen/menu/{menu['Bianca']}/price", f"price-{menu['Bianca']}"
    for price in ("", "-1", "1001", "x", "NaN", "sNaN", "Infinity", "1e9", "8,90"):
        answer = carlo.post(path, data={"price": price})
        page = soup(answer)
        assert answer.status_code == 422, price
        assert page.find(id=f"{field}-problem").text.strip(), price
        assert page.find(id=field)["value"] == price
    assert cents(app, menu["Bianca"]) == 650


def test_closing_and_opening(carlo, as_user, menu):
    ada = as_user("ada")
    assert carlo.post("/kitchen/closings", data={"begins": "0", "lasts": "60"}).status_code == 303
    assert "Closed" in soup(ada.get("/orders/")).find(id="hours").text
    assert "Open now" in carlo.get("/kitchen/menu").text
    assert carlo.post("/kitchen/closings/end").status_code == 303
    assert "Open." in soup(ada.get("/orders/")).find(id="hours").text


def test_a_closing_of_tomorrow_is_shown_and_can_be_dropped(app, carlo, as_user, menu):
    carlo.post("/kitchen/closings", data={"begins": "1380", "lasts": "60"})
    carlo.post("/kitchen/closings", data={"begins": "600", "lasts": "30"})
    rows = [row.text for row in soup(carlo.get("/kitchen/menu")).select(".closing")]
    assert [row.split()[0] for row in rows] == ["Open;", "Then"]
    hours = soup(as_user("ada").get("/orders/")).find(id="hours")
    assert "The oven is hot" in hours.text, "in ten hours is not soon"
    with app.app_context():
        first = Closing.planned()[0]
        assert datetime.fromisoformat(hours["data-until"]) == first.closes_at - SOON
    assert carlo.post("/kitchen/closings/end").status_code == 303
    assert soup(carlo.get("/kitchen/menu")).select(".closing") == []
    with app.app_context():
        assert Closing.changes_at() is None


def test_a_bad_closing_is_said_beside_its_field_and_kept(carlo, menu):
    for begins, lasts, wrong in (
        ("-1", "60", "begins"),
        ("x", "60", "begins"),
        ("0", "0", "lasts"),
        ("0", "", "lasts"),
        ("0", "9" * 30, "lasts"),
    ):
        answer = carlo.post("/kitchen/closings", data={"begins": begins, "lasts": lasts})
        page = soup(answer)
        assert answer.status_code == 422
        assert page.find(id=f"{wrong}-problem")
        assert page.find(id="begins")["value"] == begins
        assert page.find(id="lasts")["value"] == lasts
    assert "Open." in carlo.get("/kitchen/menu").text


def test_the_page_asks_no_more_for_many_dishes_than_for_few(app, carlo, menu):
    def asked():
        with queries(app) as found:
            assert carlo.get("/kitchen/menu").status_code == 200
        return len(found)

    few = asked()
    with app.app_context():
        dishes = [{"name": f"Dish {n}", "description": "", "price_cents": 900} for n in range(6)]
        MenuItem.write(dishes)
        db.session.commit()
    assert asked() == few


def test_guests_change_nothing(app, as_user, menu):
    ada = as_user("ada")
    item = menu["Bianca"]
    for path in (
        f"/kitchen/menu/{item}/price",
        f"/kitchen/menu/{item}/availability",
        "/kitchen/closings",
        "/kitchen/closings/end",
    ):
        assert ada.post(path, data={"price": "0.01", "sold_out": "yes"}).status_code == 403
    for path in ("/kitchen/menu", "/kitchen/keys"):
        assert ada.get(path).status_code == 403
    assert cents(app, item) == 650
