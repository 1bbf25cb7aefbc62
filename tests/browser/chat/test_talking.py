"""A room that feels instant and loses nothing: over the socket, the stream and the long-poll, and through a cut."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.faults.limits import in_time
from tests.support.chatting import LISTEN, by, field, said, same_as_fresh, say

pytestmark = [pytest.mark.timeout(240), pytest.mark.usefixtures("rooms"), pytest.mark.long]


def test_my_message_is_there_at_once_and_once(enter, transport):
    ada, grace = enter("ada", transport), enter("grace", transport)
    ada.evaluate(
        """() => {
            window.most = 0;
            const bodies = () => [...document.querySelectorAll(".message .body")];
            const count = () => bodies().filter((body) => body.textContent === "hello").length;
            const watch = new MutationObserver(() => { window.most = Math.max(window.most, count()); });
            watch.observe(document.body, {childList: true, subtree: true});
            document.getElementById("text").addEventListener("keydown", (event) => {
                const start = performance.now();
                requestAnimationFrame(() => { window.tookMs = performance.now() - start; window.shown = count(); });
            });
        }"""
    )
    say(ada, "hello")
    expect(by(grace, "hello")).to_have_count(1, timeout=1000 * in_time(1))
    expect(by(ada, "hello")).to_have_count(1)
    expect(ada.locator("#pending li")).to_have_count(0)
    assert (ada.evaluate("shown"), ada.evaluate("most")) == (1, 1)
    assert ada.evaluate("tookMs") < 1000 * in_time(0.05)
    expect(field(ada)).to_be_focused()


def test_what_is_written_without_a_network_waits_and_goes_out_once_and_in_order(enter, open_as, transport):
    ada, grace = enter("ada", transport), enter("grace")
    # At once or a minute later: what counts is that the page has noticed, and the server has not heard of it.
    ada.context.set_offline(True)
    texts = [f"number {n}" for n in range(5)]
    for text in texts:
        say(ada, text)
    expect(ada.locator("#pending li")).to_have_count(5)
    expect(ada.locator("html")).to_have_attribute("data-live", "stale")
    assert said(grace) == []
    ada.context.set_offline(False)
    expect(grace.locator("#messages .message")).to_have_count(5)
    expect(ada.locator("#pending li")).to_have_count(0)
    assert said(grace) == said(ada) == texts
    same_as_fresh(open_as, ada, "ada")


@pytest.mark.parametrize("way", ["stream", "poll"])
def test_drafts_and_unsent_messages_survive_a_reload(enter, way):
    ada = enter("ada", way)
    ada.route("**/messages", lambda route: route.abort())
    say(ada, "kept <b>safe</b>")
    expect(ada.locator("#pending li")).to_have_count(1)
    field(ada).fill("half a thou")
    ada.reload()
    expect(field(ada)).to_have_value("half a thou")
    expect(ada.locator("#pending .body")).to_have_text("kept <b>safe</b>")
    ada.unroute("**/messages")
    expect(by(ada, "kept <b>safe</b>")).to_have_count(1)
    expect(ada.locator("#pending li")).to_have_count(0)
    ada.reload()
    expect(by(ada, "kept <b>safe</b>")).to_have_count(1)
    expect(ada.locator("#pending li")).to_have_count(0)


def test_a_refused_message_keeps_its_text_and_says_why(enter):
    ada = enter("ada", "stream")
    ada.route(
        "**/messages",
        lambda route: route.fulfill(status=422, body="<p>Not today.</p>", content_type="text/html"),
    )
    ada.evaluate(LISTEN)
    say(ada, "one")
    refused = ada.locator("#pending li", has_text="one")
    expect(refused).to_contain_text("Not sent. Not today.")
    expect(ada.locator("body")).to_have_attribute("data-spoken", "1")
    assert ada.evaluate("spoken") == ["Not sent. Not today."]
    refused.get_by_role("button", name="Edit").click()
    expect(field(ada)).to_have_value("one")
    expect(ada.locator("#pending li")).to_have_count(0)
    field(ada).press("Enter")
    expect(refused).to_contain_text("Not sent.")
    ada.unroute("**/messages")
    refused.get_by_role("button", name="Try again").click()
    expect(by(ada, "one")).to_have_count(1)
    expect(ada.locator("#pending li")).to_have_count(0)


def menu_of(page, text):
    by(page, text).hover()
    by(page, text).locator(".more").click()


@pytest.fixture
def listening(enter, transport):
    """Ada, who has said three things, and grace, who stands on the second with her keyboard."""
    ada, grace = enter("ada"), enter("grace", transport)
    for text in ("first", "second", "third"):
        say(ada, text)
    expect(grace.locator("#messages .message")).to_have_count(3)
    grace.locator("#messages").focus()
    grace.keyboard.press("ArrowUp")
    grace.keyboard.press("ArrowUp")
    expect(by(grace, "second")).to_be_focused()
    return ada, grace


def test_edit_and_delete_reach_the_other_where_it_stands(listening):
    ada, grace = listening
    menu_of(ada, "second")
    ada.get_by_role("button", name="Edit").click()
    field(ada).fill("changed")
    field(ada).press("Enter")
    expect(grace.locator("#messages .body")).to_have_text(["first", "changed", "third"])
    expect(grace.locator("#messages .edited")).to_have_count(1)
    expect(by(grace, "changed")).to_be_focused()
    menu_of(ada, "first")
    delete = ada.locator('#menu [data-do="delete"]')
    delete.click()
    expect(delete).to_contain_text("Press again")
    delete.click()
    expect(grace.locator("#messages .body")).to_have_text(["This message was deleted.", "changed", "third"])
    expect(by(grace, "changed")).to_be_focused()


def test_up_edits_the_last_and_escape_gives_the_text_back(enter):
    ada = enter("ada")
    say(ada, "my last")
    expect(by(ada, "my last")).to_be_visible()
    expect(ada.locator("#pending li")).to_have_count(0)
    field(ada).press("ArrowUp")
    expect(field(ada)).to_have_value("my last")
    field(ada).press("Escape")
    expect(field(ada)).to_have_value("")
    field(ada).fill("a draft")
    menu_of(ada, "my last")
    ada.get_by_role("button", name="Edit").click()
    field(ada).press("Escape")
    expect(field(ada)).to_have_value("a draft")


def test_reactions_are_counted_for_all_and_pressed_for_mine(enter):
    ada, grace = enter("ada"), enter("grace", "poll")
    say(ada, "pizza?")
    menu_of(grace, "pizza?")
    grace.locator("[data-react=pizza]").click()
    expect(ada.locator(".reaction")).to_have_attribute("aria-pressed", "false")
    expect(grace.locator(".reaction")).to_have_attribute("aria-pressed", "true")
    ada.locator(".reaction").click()
    for page in (ada, grace):
        expect(page.locator(".reaction")).to_have_text("2")
        expect(page.locator(".reaction")).to_have_attribute("title", "Pizza: Grace, Ada")
    ada.locator(".reaction").click()
    grace.locator(".reaction").click()
    for page in (ada, grace):
        expect(page.locator(".reaction")).to_have_count(0)


def test_a_picture_goes_along(enter, tmp_path):
    Image.new("RGB", (60, 40), "red").save(tmp_path / "oven.png")
    (tmp_path / "not.png").write_text("<script>alert(1)</script>")
    ada, grace = enter("ada"), enter("grace")
    ada.locator("#file").set_input_files(tmp_path / "not.png")
    expect(ada.locator("#text-problem")).to_contain_text("no picture we can show")
    ada.locator("#file").set_input_files(tmp_path / "oven.png")
    expect(ada.locator("#picture-preview")).to_have_js_property("naturalWidth", 60)
    say(ada, "our oven")
    expect(grace.locator(".picture img")).to_have_js_property("naturalWidth", 60)
    expect(by(ada, "our oven")).to_have_count(1)
    expect(ada.locator("#picture-choice")).to_be_hidden()


def test_two_hundred_messages_of_five_stand_in_one_order_everywhere(enter, open_as):
    people = [enter(name) for name in ("ada", "grace", "carlo", "root", "mallory")]
    for page in people:
        page.evaluate("""() => { window.n = 0; window.talk = setInterval(() => {
            if (n === 40) return clearInterval(talk);
            document.getElementById("text").value = `${document.querySelector('meta[name="user-id"]').content}-${n++}`;
            document.getElementById("composer").requestSubmit();
        }, 50); }""")
    for page in people:
        expect(page.locator("#messages .message")).to_have_count(200, timeout=120_000)
        expect(page.locator("#pending li")).to_have_count(0)
    orders = [said(page) for page in people]
    assert all(order == orders[0] for order in orders)
    assert len(set(orders[0])) == 200
    for person in {text.partition("-")[0] for text in orders[0]}:
        own = [text for text in orders[0] if text.startswith(f"{person}-")]
        assert own == [f"{person}-{n}" for n in range(40)]
