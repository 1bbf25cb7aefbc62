"""What the browser tests of the chat say and look at."""

import re

from playwright.sync_api import expect

ROOM = "/chat/rooms/1"
LISTEN = """() => {
    window.spoken = []; window.inLog = 0;
    const voice = document.getElementById("live-say");
    const heard = () => { if (voice.textContent) document.body.dataset.spoken = spoken.push(voice.textContent); };
    new MutationObserver(heard).observe(voice, {childList: true});
    const log = document.getElementById("messages"), anything = {childList: true, subtree: true, characterData: true};
    new MutationObserver((records) => { inLog += records.length; }).observe(log, anything);
}"""


def field(page):
    return page.get_by_label("Message to")


def say(page, text):
    field(page).fill(text)
    field(page).press("Enter")


def said(page):
    return page.locator("#messages .body").all_inner_texts()


def by(page, text):
    body = page.locator(".body", has_text=re.compile(f"^{re.escape(text)}$"))
    return page.locator("#messages .message", has=body)


def same_as_fresh(open_as, page, name, path=ROOM):
    """The strongest single check: equal to a fresh load, as the server gives it, before any script."""
    fresh = open_as(name, path, java_script_enabled=False)
    expect(fresh.locator("#messages")).to_be_visible()
    assert said(page) == said(fresh)
    fresh.context.close()
