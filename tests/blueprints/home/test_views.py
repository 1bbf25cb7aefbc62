"""The front page, the frame around every page, and the choice of theme."""

import pytest

from tests.blueprints.pages import soup


def places(page):
    return [link.text for link in page.select(".top nav a")]


def test_the_front_page_is_for_everybody(client):
    page = soup(client.get("/"))
    assert page.h1.text == "Pizza you can watch being made."
    assert page.select_one(".signin")["href"] == "/login"
    assert not page.select("#live-connect")


@pytest.mark.parametrize(("name", "kitchen"), [("ada", False), ("carlo", True), ("root", True)])
def test_the_way_to_the_kitchen_is_shown_to_its_staff(as_user, name, kitchen):
    assert ("Kitchen" in places(soup(as_user(name).get("/")))) is kitchen


@pytest.mark.parametrize(("theme", "shown"), [("dark", "dark"), ("light", "light"), ("auto", None)])
def test_the_chosen_theme_is_in_the_first_html(client, theme, shown):
    answer = client.post("/theme", data={"theme": theme, "back": "/login?next=/chat/"})
    assert (answer.status_code, answer.location) == (303, "/login?next=/chat/")
    page = soup(client.get("/"))
    assert page.html.get("data-theme") == shown
    assert page.select_one(".theme [aria-pressed=true]")["value"] == theme


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/\t/evil.example"]
)
def test_the_choice_leads_nowhere_else(client, back):
    assert client.post("/theme", data={"theme": "dark", "back": back}).location == "/"


@pytest.mark.parametrize("theme", ["", "pink", '"><script>'])
def test_another_theme_is_not_kept(client, theme):
    client.post("/theme", data={"theme": theme})
    client.set_cookie("theme", theme)
    assert soup(client.get("/")).html.get("data-theme") is None


def test_pages_carry_no_inline_script_or_style(as_user):
    for path in ("/", "/orders/", "/chat/", "/jobs/", "/kitchen/"):
        page = soup(as_user("root").get(path))
        assert all(script.get("src") and not script.string for script in page.find_all("script"))
        assert not page.find_all("style")
        assert not page.find_all(
            lambda tag: any(name == "style" or name.startswith("on") for name in tag.attrs)
        )


def test_every_page_has_one_heading_and_the_places_for_words(as_user):
    for path in ("/", "/orders/", "/chat/", "/jobs/", "/kitchen/"):
        page = soup(as_user("root").get(path))
        assert len(page.find_all("h1")) == 1
        assert page.select_one("a.skip")["href"] == f"#{page.main['id']}"
        assert page.find(id="live-say")["role"] == "status"
        assert page.title.text.endswith("Levain")
