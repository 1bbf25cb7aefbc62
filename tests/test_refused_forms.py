"""A refused form leaves its page at the address that it was sent to: what repairs that page asks for it there."""

import pytest

from blueprints.orders.models import MenuItem
from database import db
from tests.blueprints.pages import soup


@pytest.fixture
def item(app):
    with app.app_context():
        db.session.add(MenuItem(name="Bianca", description="", picture="bianca", price_cents=650, sort=1))
        db.session.commit()


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/account/password", {"current": "wrong", "password": "short"}),
        ("/kitchen/closings", {"begins": "-1", "lasts": "60"}),
        ("/kitchen/menu/1/price", {"price": "much"}),
        ("/chat/rooms", {"name": ""}),
    ],
)
def test_the_page_of_a_refused_form_is_there_to_be_fetched_again(as_user, path, fields):
    carlo = as_user("carlo")
    refused = carlo.post(path, data=fields)
    assert refused.status_code in (400, 422)
    fresh = carlo.get(
        path, headers={"Live-Repair": "1"}
    )  # followed elsewhere, the page would take itself for signed out
    assert fresh.status_code == 200
    assert fresh.headers["Live-Position"]
    assert soup(fresh).h1.text == soup(refused).h1.text
    regions = [{each["id"] for each in soup(page).select("[data-live-region]")} for page in (refused, fresh)]
    assert regions[0] == regions[1]
