"""axe-core on ordering and the kitchen in the states that come from outside: the connection, other people, refusals."""

import json
import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from blueprints.orders.models import Order
from database import db, utcnow
from tests.browser.axe import TELEPHONE, WALL, check, settled, whole, whole_inside
from tests.support import ordering

pytestmark = [pytest.mark.timeout(300), pytest.mark.long]
POLL = json.dumps({"transport": "poll", "until": 10**15})
HIDE = """Object.defineProperty(document, "hidden", {configurable: true, get: () => true});
document.dispatchEvent(new Event("visibilitychange"));"""


@pytest.fixture
def site(serve):
    """With the beat of a real kitchen: a busy machine must not look like a lost contact."""
    return serve(LIVE_BEAT_S=5, LIVE_POLL_WAIT_S=5)


def is_in(page, state):
    expect(page.locator("html")).to_have_attribute("data-live", state)


def always(status):
    return lambda route: route.fulfill(status=status)


def check_connections(page, axe, name, *, pauses=True):
    """Every state that the chip of a page may show and that stays: live is checked elsewhere."""
    settled(page)
    page.evaluate("(verdict) => sessionStorage.setItem('live-transport', verdict)", POLL)
    page.reload()
    is_in(page, "polling")
    check(page, axe, f"{name}, polling")
    if pauses:
        page.evaluate(HIDE)
        is_in(page, "paused")
        check(page, axe, f"{name}, paused")
        page.reload()
        is_in(page, "polling")
    page.context.set_offline(True)
    is_in(page, "stale")
    check(page, axe, f"{name}, no contact")
    page.context.set_offline(False)
    for status, state in ((403, "denied"), (401, "signed-out")):
        page.route(re.compile("/live/(?!static)"), always(status))
        page.reload()
        is_in(page, state)
        check(page, axe, f"{name}, {state}")
        page.unroute_all()


@pytest.mark.parametrize("what", ["menu", "order", "kitchen"])
def test_a_page_in_every_state_of_its_connection(open_as, shop, axe, what):
    numbers = [shop.place("Margherita", 2, extra="3") for _ in range(11)]
    ordering.add(shop.ada, shop.items["Funghi"])
    name, path, screen = {
        "menu": ("ada", "/orders/", TELEPHONE),
        "order": ("ada", f"/orders/{numbers[0]}", TELEPHONE),
        "kitchen": ("carlo", "/kitchen/", WALL),
    }[what]
    page = open_as(name, path, viewport=screen)
    settled(page)
    if what == "menu":
        whole(page)
    check_connections(page, axe, path, pauses=what != "kitchen")


def test_a_guest_who_comes_back_is_late_or_is_refused(open_as, shop, axe, app):
    numbers = [shop.place("Margherita", 2) for _ in range(12)]
    with app.app_context():
        db.session.get(Order, numbers[1]).promised_until = utcnow() - timedelta(minutes=5)
        db.session.commit()
    ada = open_as("ada", "/orders/", viewport=TELEPHONE)
    for path in ("/orders/", "/orders/?page=2", "/orders/?page=9", f"/orders/{numbers[1]}"):
        ada.goto(ada.url.split("/orders/")[0] + path)
        settled(ada)
        check(ada, axe, path)
    expect(ada.locator(".overdue")).to_be_visible()
    ada.locator("#note").evaluate("(field) => { field.removeAttribute('maxlength'); }")
    ada.locator("#note").fill("x" * 141)
    ada.get_by_role("button", name="Send it").click()
    expect(ada.locator("#note-problem")).to_be_visible()
    whole(ada)
    check(ada, axe, "a word that is too long")
    ada.locator("#note").fill("sliced")
    shop.move(numbers[1], "new")
    expect(ada.locator("#unsent")).to_be_visible()
    check(ada, axe, "a word that was not sent")
    shop.move(numbers[1], "oven", "ready")
    expect(ada.locator(".steps .reached")).to_have_count(4)
    check(ada, axe, "collected")
    foreign = open_as("grace", f"/orders/{numbers[0]}", viewport=TELEPHONE)
    expect(foreign.locator("#error")).to_be_visible()
    check(foreign, axe, "another guest's order")


def test_an_order_with_lines_added_and_taken_off(open_as, shop, axe):
    number = shop.place("Margherita", 2)
    ordering.add(shop.ada, shop.items["Funghi"])
    form = ordering.checkout(shop.ada) | {"token": "more", "add_to": number}
    assert shop.ada.post("/orders/", data=form).status_code == 303
    ada = open_as("ada", f"/orders/{number}", viewport=TELEPHONE)
    settled(ada)
    ada.get_by_role("button", name="Take off Margherita").click()
    expect(ada.locator(".bill .void")).to_be_visible()
    check(ada, axe, "added and taken off")
    carlo = open_as("carlo", "/kitchen/", viewport=WALL)
    settled(carlo)
    expect(carlo.locator(".ticket")).to_contain_text("VOID")
    expect(carlo.locator(".ticket")).to_contain_text("ADDED")
    check(carlo, axe, "ADDED and VOID")


SHOWN = ".ticket:not([data-local-off])"


@pytest.fixture
def pass_2(open_as):
    """pass_2(): a board that has a name, with its sound on."""

    def open_board():
        page = open_as("carlo", "/kitchen/", viewport=WALL)
        page.evaluate("localStorage.setItem('kitchen', JSON.stringify({place: 'Pass 2'}))")
        page.reload()
        settled(page)
        page.keyboard.press("Shift")
        expect(page.locator(f"{SHOWN} .bump[aria-disabled=true]")).to_have_count(0)
        return page

    return open_board


def test_the_board_when_more_came_than_fit(pass_2, shop, axe):
    for _ in range(26):
        shop.place("Margherita", 2, extra="3")
    carlo = pass_2()
    expect(carlo.locator("#more")).to_be_visible()
    carlo.keyboard.press("m")
    expect(carlo.locator("#muted")).to_be_visible()
    check(carlo, axe, "more than fit, muted")
    for key, size in (("+", "L"), ("-", "M"), ("-", "S")):
        carlo.keyboard.press(key)
        expect(carlo.locator("html")).to_have_attribute("data-size", size)
        expect(carlo.locator(f"{SHOWN} .bump[aria-disabled=true]")).to_have_count(0)
        check(carlo, axe, f"size {size}")


def test_the_board_when_somebody_was_faster(pass_2, shop, axe):
    number = shop.place("Margherita", 2, extra="3")
    carlo = pass_2()
    carlo.context.set_offline(True)
    is_in(carlo, "stale")
    ticket = carlo.locator(f"#ticket-{number}")
    carlo.keyboard.press(ticket.get_attribute("data-local-key"))
    expect(ticket).to_have_attribute("data-local-wait", "waiting")
    check(carlo, axe, "a press that waits")
    shop.move(number, "new")
    shop.place()
    carlo.context.set_offline(False)
    expect(carlo.locator("#conflict")).to_contain_text("was faster")
    expect(carlo.locator("#contact-bar")).to_contain_text("came while away")
    expect(carlo.locator(".bump[aria-disabled=true]")).to_have_count(0)
    check(carlo, axe, "somebody was faster, and one came while away")


def test_the_board_with_nothing_to_call_back_and_with_a_recalled_order(open_as, shop, axe):
    carlo = open_as("carlo", "/kitchen/", viewport=WALL)
    settled(carlo)
    carlo.evaluate(
        "document.getElementById('awake').hidden = document.getElementById('build').hidden = false"
    )
    check(carlo, axe, "may sleep, and a new version")
    carlo.keyboard.press("r")
    expect(carlo.locator("#panel .empty")).to_be_visible()
    whole_inside(carlo, "#panel")
    check(carlo, axe, "nothing to call back")
    carlo.keyboard.press("Escape")
    shop.move(shop.place(), "new", "oven")
    shop.carlo.post("/kitchen/undos")
    expect(carlo.locator(".recalled")).to_be_visible()
    expect(carlo.locator(".bump[aria-disabled=true]")).to_have_count(0)
    check(carlo, axe, "RECALLED")


@pytest.mark.usefixtures("menu")
def test_what_the_kitchen_may_say_wrong_about_the_menu(open_as, shop, axe):
    shop.carlo.post("/kitchen/closings", data={"begins": "0", "lasts": "60"})
    shop.sold_out("Funghi")
    carlo = open_as("carlo", "/kitchen/menu", viewport=TELEPHONE)
    check(carlo, axe, "closed, and something sold out")
    carlo.get_by_label("for Margherita").fill("cheap")
    carlo.get_by_role("button", name="Set the price of Margherita").click()
    expect(carlo.locator(".price .problem")).to_be_visible()
    check(carlo, axe, "a price that is none")
    carlo.get_by_label("Then closed").fill("0")
    carlo.locator("form.period").evaluate("(form) => { form.noValidate = true; }")
    carlo.get_by_role("button", name="Close", exact=True).click()
    expect(carlo.locator(".period .problem")).to_be_visible()
    check(carlo, axe, "a closing of no time")
    carlo.goto(carlo.url.split("/kitchen/")[0] + "/kitchen/keys")
    carlo.locator("[data-learn=bump]").click()
    check(carlo, axe, "learning a key")
