"""Ordering as people do it, in a real browser: UX O1 to O12. A cook acts from this process, beside the site."""

import json
import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from blueprints.orders.models import Closing
from database import db, utcnow

pytestmark = [pytest.mark.timeout(180), pytest.mark.long]  # several browsers on two cores
SPOKEN = """() => {
  window.spoken = [];
  new MutationObserver(() => {
    const text = document.getElementById("live-say").textContent;
    if (text) window.spoken.push(text);
  }).observe(document.getElementById("live-say"), {childList: true, characterData: true, subtree: true});
}"""


PROMISED_IN_A_SECOND = """() => {
  const until = new Date(Date.now() + 1000).toISOString();
  document.querySelector(".order").dataset.lateAfter = until;
}"""
FOCUSED = """() => {
  const it = document.activeElement;
  return [it.innerText || it.labels?.[0]?.innerText || "", getComputedStyle(it).outlineStyle !== "none"];
}"""


def is_live(page):
    expect(page.locator("html")).to_have_attribute("data-live", re.compile("live|polling"))


def by_polling(page):
    """As on a network that an earlier page found to hold streams back."""
    verdict = json.dumps({"transport": "poll", "until": 10**15})
    page.add_init_script(f"sessionStorage.setItem('live-transport', {json.dumps(verdict)})")
    page.reload(wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-live", "polling")


def steps(page):
    """[step, its time], as the server gave it: each reader's zone may be another."""
    return page.locator(".steps li").evaluate_all(
        "(rows) => rows.map((row) => [row.querySelector('b').textContent, row.querySelector('time')?.dateTime])"
    )


def add(page, name="Margherita"):
    page.get_by_role("button", name=f"Add {name} to the basket").click()
    expect(page.locator("#basket .chosen li", has_text=name)).to_have_count(1)


@pytest.mark.parametrize("transport", ["stream", "poll"])
def test_each_step_is_a_real_event_with_its_time_title_and_one_word(open_as, shop, transport):  # O1 O3 O5 O6
    number = shop.place()
    ada = open_as("ada", f"/orders/{number}")
    if transport == "poll":
        by_polling(ada)
    is_live(ada)
    ada.evaluate(SPOKEN)
    words = [("new", "In the oven"), ("oven", "Ready"), ("ready", "Collected")]
    for n, (state, word) in enumerate(words, start=2):
        shop.move(number, state)
        expect(ada.locator(".steps .reached")).to_have_count(n)
        expect(ada.locator(".steps [aria-current]")).to_contain_text(word)
        expect(ada).to_have_title(f"{word} - order {number} · Levain")
        ada.wait_for_function("(text) => window.spoken.some((said) => said.includes(text))", arg=word)
    spoken = ada.evaluate("window.spoken")
    assert len(spoken) == len(words), spoken
    before = steps(ada)
    assert steps(open_as("ada", f"/orders/{number}")) == before
    ada.reload()
    assert steps(ada) == before


def test_the_back_button_leads_to_the_step_of_now_and_not_of_then(open_as, shop):  # O3
    number = shop.place()
    ada = open_as("ada", f"/orders/{number}")
    is_live(ada)
    ada.get_by_role("link", name="Back to the menu").click()
    expect(ada.locator("#basket")).to_be_visible()
    shop.move(number, "new", "oven")
    ada.go_back()
    expect(ada.locator(".steps .reached")).to_have_count(3)
    assert steps(ada) == steps(open_as("ada", f"/orders/{number}"))


def test_without_an_event_nothing_moves_and_late_is_said_in_words(open_as, shop):  # O1 O2
    number = shop.place()
    shop.age(number, 2 * 3600)
    ada = open_as("ada", f"/orders/{number}")
    is_live(ada)
    expect(ada.locator(".overdue")).to_be_hidden()
    ada.evaluate(PROMISED_IN_A_SECOND)
    expect(ada.locator(".overdue")).to_be_visible(timeout=60_000)
    expect(ada.locator(".overdue a")).to_have_attribute("href", re.compile("^tel:"))
    expect(ada.locator(".steps .reached")).to_have_count(1)


def test_what_a_cook_takes_back_is_called_corrected(open_as, shop):  # O2
    number = shop.place()
    ada = open_as("ada", f"/orders/{number}")
    is_live(ada)
    shop.move(number, "new")
    expect(ada.locator(".steps .reached")).to_have_count(2)
    assert shop.carlo.post("/kitchen/undos").status_code == 303
    expect(ada.locator(".corrected")).to_contain_text("Corrected")
    expect(ada.locator(".steps .reached")).to_have_count(1)


def test_a_second_device_follows_by_the_link_without_signing_in(open_as, shop, chromium, site):  # O3 O4
    number = shop.place()
    ada = open_as("ada", f"/orders/{number}")
    link = ada.get_by_role("link", name="Link for another device").get_attribute("href")
    context = chromium.new_context()
    other = context.new_page()
    other.goto(site.url + link)
    expect(other.locator(".checking")).to_contain_text("Checking every 15 s")
    assert steps(other) == steps(ada)
    shop.move(number, "new")
    expect(other.locator(".steps .reached")).to_have_count(2, timeout=40_000)
    expect(other).to_have_title(re.compile("^In the oven"))
    context.close()


def test_the_second_device_says_once_when_nobody_answers_and_asks_no_more_after_the_last_step(
    open_as, shop, chromium, site
):
    number = shop.place()
    link = open_as("ada", f"/orders/{number}").get_by_role("link", name="Link for another device")
    context = chromium.new_context()
    other, asked = context.new_page(), []
    other.goto(site.url + link.get_attribute("href"))
    other.evaluate(SPOKEN)
    other.on("request", lambda request: asked.append(request.url))
    again = "htmx.trigger(document.getElementById('order'), 'every')"
    context.set_offline(True)
    for _ in range(2):
        other.evaluate(again)
    expect(other.locator("#checking")).to_contain_text("No answer since")
    other.wait_for_function("() => window.spoken.length")
    assert len(other.evaluate("window.spoken")) == 1
    assert other.locator("#notice").text_content() == ""
    context.set_offline(False)
    shop.move(number, "new", "oven", "ready")
    other.evaluate(again)
    expect(other.locator("#checking")).to_contain_text("the last step")
    asked.clear()
    other.evaluate(again)
    other.wait_for_timeout(500)
    assert [url for url in asked if "tracking" in url] == []
    context.close()


def test_the_word_about_a_press_stays_while_the_page_connects_again(open_as, shop):
    ada = open_as("ada", "/orders/")
    is_live(ada)
    ada.evaluate("levain.notice('That did not work.')")
    ada.evaluate(
        """() => {
            const ctx = {sourceElement: document.querySelector("#live-connect")};
            ctx.sourceElement.dispatchEvent(new CustomEvent("htmx:before:request", {bubbles: true, detail: {ctx}}));
            ctx.sourceElement.dispatchEvent(new CustomEvent("htmx:error", {bubbles: true, detail: {ctx}}));
        }"""
    )
    assert ada.locator("#notice").text_content() == "That did not work."


@pytest.mark.parametrize("transport", ["stream", "poll"])
def test_sold_out_shows_in_the_basket_and_is_refused_alone(open_as, shop, transport):  # O7
    ada = open_as("ada", "/orders/")
    if transport == "poll":
        by_polling(ada)
    is_live(ada)
    add(ada)
    add(ada, "Funghi")
    shop.sold_out("Funghi")
    row = ada.locator("#basket .chosen li", has_text="Funghi")
    expect(row.locator(".problem")).to_contain_text("sold out")
    expect(ada.locator(".card", has_text="Funghi")).to_contain_text("Sold out today")
    ada.get_by_role("button", name="Place the order").click()
    expect(ada.locator("#basket-problem")).to_contain_text("Everything else stays")
    row.get_by_role("button", name="Take out all Funghi").click()
    expect(row).to_have_count(0)
    ada.get_by_role("button", name="Place the order").click()
    ada.wait_for_url(re.compile(r"/orders/\d+$"), wait_until="commit")


@pytest.mark.usefixtures("menu")
def test_a_double_click_and_a_lost_answer_make_one_order(open_as, shop):  # O8
    ada = open_as("ada", "/orders/")
    is_live(ada)
    add(ada)
    lost = []

    def lose_the_first_answer(route):
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch())  # it arrived, but its answer does not
            return route.abort()
        return route.continue_()

    ada.route("**/orders/", lose_the_first_answer)
    form = ada.locator("form.place")
    token = form.locator("[name=token]").input_value()
    ada.get_by_role("button", name="Place the order").dblclick()
    expect(ada.locator("#notice")).to_contain_text("Nothing was lost")
    assert len(shop.orders()) == 1
    again = ada.evaluate(
        """async (token) => (await fetch("/orders/", {method: "POST", headers: {"HX-Request": "true"},
             body: new URLSearchParams({token, total: "890"})})).headers.get("HX-Redirect")""",
        token,
    )
    assert again == f"/orders/{shop.orders()[0][0]}"
    assert len(shop.orders()) == 1


def test_closed_while_choosing_is_told_before_paying(open_as, shop, app):  # O9
    ada = open_as("ada", "/orders/")
    is_live(ada)
    add(ada)
    with app.app_context():  # closing time passes without anybody announcing it
        now = utcnow()
        db.session.add(Closing(closes_at=now - timedelta(seconds=1), opens_at=now + timedelta(hours=9)))
        db.session.commit()
    ada.get_by_role("button", name="Place the order").click()
    expect(ada.locator("#basket-problem")).to_contain_text("just closed")
    expect(ada.locator("#basket .closed time")).to_be_visible()
    assert shop.orders() == []


def test_a_half_typed_word_to_the_kitchen_is_kept_when_the_order_moves_on(open_as, shop):
    number = shop.place()
    ada = open_as("ada", f"/orders/{number}")
    is_live(ada)
    note = ada.locator("#note")
    note.fill("sliced, ple")
    shop.move(number, "new")
    expect(ada.locator("#unsent")).to_have_text("It is in the oven. Not sent: “sliced, ple”")
    expect(ada.locator("#unsent")).to_be_focused()
    expect(note).to_have_count(0)
    assert shop.carlo.post("/kitchen/undos").status_code == 303
    expect(note).to_have_value("sliced, ple")
    expect(ada.locator("#unsent")).to_be_empty()
    ada.get_by_role("button", name="Send it").click()
    expect(ada.locator("#unsent")).to_be_empty()
    with ada.expect_response("**/note"):
        note.press("Enter")
    shop.move(number, "new")
    expect(ada.locator(".noted")).to_contain_text("sliced, ple")
    expect(ada.locator("#unsent")).to_be_empty()


@pytest.mark.usefixtures("menu")
def test_a_refused_amount_is_forgotten_with_the_next_success(open_as):
    ada = open_as("ada", "/orders/")
    is_live(ada)
    card = ada.locator(".card", has_text="Margherita")
    amount = ada.get_by_label("How many Margherita")
    amount.fill("")
    ada.get_by_role("button", name="Add Margherita to the basket").click()
    expect(card.locator(".problem")).to_contain_text("whole number")
    amount.fill("3")
    ada.get_by_role("button", name="Add Margherita to the basket").click()
    expect(ada.locator("#basket .many")).to_have_text("3")
    expect(card.locator(".problem")).to_have_count(0)
    expect(amount).to_have_value("1")
    assert amount.get_attribute("aria-invalid") is None
    assert card.locator("details").get_attribute("open") is None


@pytest.mark.usefixtures("menu")
def test_an_open_page_follows_the_clock_when_a_closing_begins_and_ends(open_as, app):  # O9
    with app.app_context():
        now = utcnow()
        begins, ends = now + timedelta(seconds=20), now + timedelta(seconds=50)
        db.session.add(Closing(closes_at=begins, opens_at=ends))
        db.session.commit()
    ada = open_as("ada", "/orders/")
    is_live(ada)
    add(ada)
    expect(ada.locator("#hours")).to_contain_text("last orders at")
    expect(ada.locator("#hours")).to_contain_text("Closed", timeout=60_000)
    expect(ada.locator("#basket .closed")).to_be_visible()
    expect(ada.locator("#hours")).to_contain_text("The oven is hot", timeout=60_000)
    expect(ada.locator("#basket .closed")).to_have_count(0)


def test_a_new_price_is_shown_with_the_old_one_and_asked_once(open_as, shop):  # O10
    ada = open_as("ada", "/orders/")
    is_live(ada)
    add(ada)
    ada.context.set_offline(True)  # so that the page cannot know it yet
    shop.set_price("Margherita", "9.50")
    ada.evaluate("document.getElementById('live-connect').remove()")
    ada.context.set_offline(False)
    ada.get_by_role("button", name="Place the order").click()
    expect(ada.locator("#basket .chosen .repriced")).to_contain_text("Now €9.50 each; it was €8.90")
    ada.get_by_role("button", name="Yes, place the order").click()
    ada.wait_for_url(re.compile(r"/orders/\d+$"), wait_until="commit")
    expect(ada.locator("tfoot .cents")).to_have_text("€9.50")


# The finger that was on its way to the button when the question came.
PRESS_AT_ONCE = """() => new MutationObserver((_records, observer) => {
  if (!document.getElementById("prices-problem")) return;
  observer.disconnect();
  setTimeout(() => { document.getElementById("place-order").click(); window.pressed = true; });
}).observe(document.getElementById("basket"), {subtree: true, childList: true})"""


@pytest.mark.parametrize("transport", ["stream", "poll"])
def test_a_price_that_changes_on_a_live_page_is_asked_there_and_once(open_as, shop, transport):  # O10
    ada = open_as("ada", "/orders/")
    if transport == "poll":
        by_polling(ada)
    is_live(ada)
    add(ada)
    place, posts = ada.locator("#place-order"), []
    ada.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    place.focus()
    ada.evaluate(PRESS_AT_ONCE)
    shop.set_price("Margherita", "9.50")
    expect(ada.locator("#prices-problem")).to_contain_text("Is the new sum right")
    expect(ada.locator("#basket .chosen .repriced")).to_contain_text("Now €9.50 each; it was €8.90")
    ada.wait_for_function("() => window.pressed")
    expect(place).not_to_have_attribute("aria-disabled", "true")
    expect(place).to_be_focused()
    assert posts == [], "a press that was meant for the old price was taken for the answer"
    place.click()
    ada.wait_for_url(re.compile(r"/orders/\d+$"), wait_until="commit")
    assert len(posts) == 1, "it was asked twice"
    expect(ada.locator("tfoot .cents")).to_have_text("€9.50")


@pytest.mark.usefixtures("menu")
def test_a_whole_order_by_keyboard_at_320_pixels(open_as):  # O11
    ada = open_as("ada", "/orders/", viewport={"width": 320, "height": 640})
    is_live(ada)
    seen = []

    def tab_to(name):
        for _ in range(80):
            ada.keyboard.press("Tab")
            text, outlined = ada.evaluate(FOCUSED)
            seen.append((text, outlined))
            if name in " ".join(text.split()):
                return
        raise AssertionError(f"{name} was never reached: {seen}")

    tab_to("Size and extras")
    ada.keyboard.press("Enter")
    tab_to("Rocket")
    ada.keyboard.press("Space")
    tab_to("Add Margherita")
    ada.keyboard.press("Enter")
    expect(ada.locator("#basket .chosen li")).to_contain_text("Rocket")
    assert ada.evaluate("document.documentElement.scrollWidth") <= 320
    tab_to("Place the order")
    ada.keyboard.press("Enter")
    ada.wait_for_url(re.compile(r"/orders/\d+$"), wait_until="commit")
    expect(ada.locator(".bill")).to_contain_text("Rocket")
    assert ada.evaluate("document.documentElement.scrollWidth") <= 320
    assert all(outlined for text, outlined in seen if text.strip()), seen


def test_the_basket_outlives_reload_two_hours_and_a_deploy(open_as, serve, app, menu):  # O12
    ada = open_as("ada", "/orders/")
    add(ada)
    ada.reload()
    expect(ada.locator("#basket .chosen li")).to_have_count(1)
    with app.app_context():
        db.session.execute(db.text("UPDATE basket_lines SET added_at = '2026-01-01 00:00:00.000000'"))
        db.session.commit()
    newer = serve(LIVE_BUILD="newer")  # the next version, on the same database
    cookies = ada.context.cookies()
    ada.goto(f"{newer.url}/orders/")
    assert ada.context.cookies()[0]["value"] == cookies[0]["value"]
    expect(ada.locator("#basket .chosen li")).to_have_count(1)


def test_two_devices_of_one_guest_share_the_basket_live(open_as, menu):
    phone, desk = open_as("ada", "/orders/"), open_as("ada", "/orders/")
    is_live(phone)
    is_live(desk)
    add(phone)
    expect(desk.locator("#basket .chosen li")).to_have_count(1)
    desk.get_by_role("button", name="One more of Margherita").click()
    expect(phone.locator("#basket .many")).to_have_text("2")
