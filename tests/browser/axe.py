"""axe-core in a page, in both themes: nothing found, and nothing it could not decide either.

It finds about a quarter of what breaks a live page (UX 2.6); focus, speech and keys are tested where they happen.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What axe leaves to people, and people have looked at: a sign alone (+, -, ●) that has a word beside it or as its name.
DECIDED = (
    "Element content contains only non-text characters",
    "Unable to determine if the visible text is part of the accessible name",
)
RUN = """async ([tags, part]) => {
  const all = {runOnly: tags, resultTypes: ["violations", "incomplete"]};
  const {violations, incomplete} = await axe.run(part ?? document, all);
  return [...violations, ...incomplete].flatMap(({id, impact, nodes}) =>
    nodes.map(({target, any}) => `${id} (${impact}): ${target.join(" ")} ${any[0]?.message ?? ""}`));
}"""
STICKS_OUT = """(what) => {
  const box = (it) => it.getBoundingClientRect(), outer = document.querySelector(what), frame = box(outer);
  const within = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  const parts = [...outer.querySelectorAll("a, button, h2, dd")].filter((it) => it.checkVisibility());
  const out = parts.filter((it) => !within(box(it), frame)).map((it) => it.textContent);
  return frame.left >= 0 && frame.right <= innerWidth && frame.width < 800 ? out : [...out, `is ${frame.width} wide`];
}"""
WALL = {"width": 1920, "height": 1080}
TELEPHONE = {"width": 390, "height": 844}


def text_of_axe():
    if not AXE.exists():
        message = "axe-core is not in node_modules (make setup fetches it): accessibility is NOT tested"
        if os.environ.get("CI") == "true" or os.environ.get("LEVAIN_REQUIRE_ALL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return AXE.read_text()


def check(page, axe, state, part=None):
    """In both themes, with motion off so that nothing is judged half way through a change of colour."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.evaluate(axe)
        results = page.evaluate(RUN, [TAGS, part])
        found += [f"{state}, {theme}: {each}" for each in results if not each.endswith(DECIDED)]
    assert not found, "\n".join(found)


def check_open(page, axe, state, what):
    """Something that lies open over the page, alone: what it covers nobody sees, and is checked while it is closed."""
    whole_inside(page, what)
    page.evaluate("document.querySelector('main').style.visibility = 'hidden'")
    check(page, axe, state, part=what)
    page.evaluate("document.querySelector('main').style.visibility = ''")


def whole_inside(page, what):
    """What axe does not see: a pop-up in which all that it has to say has its place."""
    expect(page.locator(what)).to_be_visible()
    assert page.evaluate(STICKS_OUT, what) == []


def whole(page):
    """A window as tall as its page: what sticks to the window's edges then covers nothing of it."""
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})


def settled(page):
    page.wait_for_load_state("load")
    if page.locator("#live-connect").count():
        expect(page.locator("html")).to_have_attribute("data-live", "live")


def visit(page, axe, *paths):
    base = "/".join(page.url.split("/", 3)[:3])
    for path in paths:
        page.goto(base + path)
        settled(page)
        check(page, axe, path)


def refused(page, axe, path, button, state):
    """A form that was sent as it stood, with what is wrong beside its fields."""
    page.goto(path)
    page.locator("main form").first.evaluate("(form) => { form.noValidate = true; }")
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(".problem").first).to_be_visible()
    check(page, axe, state)
