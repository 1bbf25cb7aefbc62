"""Each use of the site, live, in two browsers at once; directly and through proxies that do not let streams through."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.timeout(240)  # several browsers on two cores, three times
WALL = {"width": 1920, "height": 1080}  # the tickets of all three ways have room on it
DIRECT, BUFFERED, NO_UPGRADE = "direct", "buffering", "without-upgrade"


@pytest.fixture
def at(open_as):
    """at("ada", url): her page, there; each of them has one browser all the time."""
    pages = {}

    def go(name, url):
        if name in pages:
            pages[name].goto(url, wait_until="commit")
        else:
            pages[name] = open_as(name, url=url, path="")
        return pages[name]

    return go


def is_live(page, way, *, socket=False):
    """Waits until the page says so, by the transport that this way lets through."""
    state, transport = ("polling", "poll") if way == BUFFERED else ("live", "stream")
    if socket and way == DIRECT:
        transport = "socket"
    expect(page.locator("html")).to_have_attribute("data-live", state)
    expect(page.locator("#live-connect")).to_have_attribute("data-live-transport", transport)


def order(page, name="Margherita"):
    page.get_by_role("button", name=f"Add {name} to the basket").click()
    page.get_by_role("button", name="Place the order").click()
    page.wait_for_url(re.compile(r"/orders/\d+$"), wait_until="commit")
    return page.url.rsplit("/", 1)[1]


@pytest.mark.usefixtures("menu", "rooms", "sales", "worker")
def test_every_use_by_every_way(site, proxy, at, subtests):
    for way in (DIRECT, BUFFERED, NO_UPGRADE):
        address = site.url if way == DIRECT else proxy(way)
        for use in (
            an_order_goes_to_the_kitchen_and_its_way_back_to_its_guest_alone,
            two_people_chat,
            a_report_shows_its_bar_and_its_result,
        ):
            with subtests.test(use.__name__, way=way):
                use(at, address, way)


def an_order_goes_to_the_kitchen_and_its_way_back_to_its_guest_alone(at, address, way):
    kitchen = at("carlo", f"{address}/kitchen/")
    kitchen.set_viewport_size(WALL)
    ada, grace = at("ada", f"{address}/orders/"), at("grace", f"{address}/orders/")
    is_live(kitchen, way)
    hers = order(grace)
    number = order(ada)
    is_live(ada, way)
    is_live(grace, way)
    ticket = kitchen.locator(f"#column-new #ticket-{number}")
    expect(ticket).to_contain_text("Margherita")

    # A ticket that has just come does not take a press.
    expect(ticket.locator(".bump")).to_have_attribute("aria-disabled", "false")
    ticket.get_by_role("button", name="Into the oven").click()
    expect(kitchen.locator(f"#column-oven #ticket-{number}")).to_be_visible()
    expect(kitchen.locator(f"#ticket-{number}")).to_have_count(1)
    expect(ada.get_by_role("heading", level=1)).to_have_text("It is in the oven.")
    expect(grace.get_by_role("heading", level=1)).to_have_text("We have your order.")
    assert hers != number


def two_people_chat(at, address, way):
    ada, grace = at("ada", f"{address}/chat/rooms/1"), at("grace", f"{address}/chat/rooms/1")
    for page in (ada, grace):
        is_live(page, way, socket=True)
    for number, (speaker, listener) in enumerate([(ada, grace), (grace, ada)]):
        text = f"hello <b>{number}</b> & co, {way}"
        speaker.get_by_label("Message to").fill(text)
        speaker.get_by_label("Message to").press("Enter")
        for page in (speaker, listener):
            expect(page.locator("#messages").get_by_text(text, exact=True)).to_have_count(1)
        expect(speaker.locator(".pending")).to_have_count(0)
        expect(speaker.get_by_label("Message to")).to_have_value("")


def a_report_shows_its_bar_and_its_result(at, address, way):
    ada = at("ada", f"{address}/jobs/")
    is_live(ada, way)
    ada.get_by_role("button", name="Start Sales report").click()
    ada.wait_for_url(re.compile(r"/jobs/\d+$"), wait_until="commit")
    expect(ada.get_by_text("What was sold most")).to_be_visible()
    assert at("grace", f"{address}/").goto(ada.url).status == 404
