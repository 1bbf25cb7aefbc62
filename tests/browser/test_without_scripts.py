"""Every page works without scripts: forms post, answers are 303 to the right page. One site serves all of them."""

import re

import pytest
from playwright.sync_api import expect

from blueprints.auth import DEMO_PASSWORD
from tests.support.databases import email_of

pytestmark = pytest.mark.timeout(180)


def ordering_and_the_kitchen(ada, carlo):
    ada.goto("/orders/")
    ada.get_by_label("How many Margherita").fill("2")
    ada.get_by_role("button", name="Add Margherita").click()
    expect(ada.locator("#basket .sum")).to_contain_text("€17.80")
    ada.get_by_role("button", name="Place the order").click()
    expect(ada).to_have_url(re.compile(r"/orders/\d+$"))
    expect(ada.get_by_role("heading", level=1)).to_have_text("We have your order.")
    carlo.goto("/kitchen/")
    carlo.get_by_role("button", name="Into the oven").click()
    expect(carlo).to_have_url(re.compile(r"/kitchen/$"))
    expect(carlo.locator("#column-oven .ticket")).to_have_count(1)
    ada.reload()
    expect(ada.get_by_role("heading", level=1)).to_have_text("It is in the oven.")


def a_bad_amount_is_refused_with_a_sentence(ada, _carlo):
    ada.goto("/orders/")
    ada.get_by_label("How many Margherita").fill("")
    ada.get_by_role("button", name="Add Margherita").click()
    expect(ada.get_by_text("Please give a whole number from 1 to 20.")).to_be_visible()
    expect(ada.get_by_label("How many Margherita")).to_have_value("")


def chat(ada, _carlo):
    ada.goto("/chat/rooms/1")
    ada.get_by_label("Message to").fill("no scripts here")
    ada.get_by_role("button", name="Send").click()
    expect(ada).to_have_url(re.compile(r"/chat/rooms/1(#.*)?$"))
    expect(ada.locator("#messages").get_by_text("no scripts here")).to_have_count(1)


def a_report(ada, _carlo):
    ada.goto("/jobs/")
    ada.get_by_role("button", name="Start Sales report").click()
    expect(ada).to_have_url(re.compile(r"/jobs/\d+$"))
    for _ in range(100):
        if ada.get_by_text("What was sold most").count():
            break
        ada.reload()
    expect(ada.get_by_text("What was sold most")).to_be_visible()


def signing_out_and_in(ada, _carlo):
    ada.goto("/")
    ada.locator("#account summary").click()
    ada.get_by_role("button", name="Sign out").click()
    ada.get_by_role("link", name="Sign in").first.click()
    ada.get_by_label("E-mail").fill(email_of("ada"))
    ada.get_by_label("Password").fill(DEMO_PASSWORD)
    ada.get_by_role("button", name="Sign in").click()
    expect(ada.locator("#account summary")).to_contain_text("Ada")


@pytest.mark.usefixtures("menu", "rooms", "sales", "worker")
def test_every_use(site, open_as, subtests):
    ada, carlo = (open_as(name, java_script_enabled=False, base_url=site.url) for name in ("ada", "carlo"))
    for use in (
        a_bad_amount_is_refused_with_a_sentence,
        ordering_and_the_kitchen,
        chat,
        a_report,
        signing_out_and_in,
    ):
        with subtests.test(use.__name__):
            use(ada, carlo)
