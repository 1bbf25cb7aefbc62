"""Plain forms, those that load a page: sent once however often somebody clicks."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.timeout(120), pytest.mark.long]

# As slowly as a hand does it: a browser itself drops only what comes in one go.
TWICE = "(button) => { button.click(); setTimeout(() => button.click(), 40); }"


def test_a_double_click_makes_one_account(chromium, site):
    context = chromium.new_context()
    page, posts = context.new_page(), []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.goto(f"{site.url}/signup")
    page.get_by_label("Your name").fill("Nora")
    page.get_by_label("E-mail").fill("nora@levain.test")
    page.get_by_label("Password").fill("long enough")
    page.get_by_role("button", name="Make my account").evaluate(TWICE)
    expect(page.locator("#account .who")).to_have_text("Nora")
    assert len(posts) == 1
    context.close()


def test_whoever_comes_back_by_the_back_button_may_send_again(open_as, site):
    ada = open_as("ada", "/chat/rooms/new")
    for name in ("One", "Two"):
        ada.get_by_label("Name").fill(name)
        ada.get_by_role("button", name="Open the room").click()
        expect(ada.locator(".room h1")).to_have_text(name)
        ada.go_back()
