"""What is written stays text: escaped first, then links and mentions, and nothing else."""

from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

from blueprints.chat.texts import UnfitMessageError, fit_room, possible_names, shown

ADA = SimpleNamespace(user_id=3, name="Ada")
LONG = SimpleNamespace(user_id=4, name="Ada Lovelace")
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "https://a.test/<script>alert(1)</script>",
    "https://a.test/\"onmouseover='alert(1)",
    "https://a.test/'><svg/onload=alert(1)>",
    "javascript:alert(1) JAVASCRIPT://a.test/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "@Ada<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "&lt;script&gt;&#60;script>",
    "https://[a.test]<b>",
    "<hx-partial hx-target='body'>x</hx-partial>",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_that_is_written_becomes_markup(text):
    soup = BeautifulSoup(str(shown(text, [ADA])), "html.parser")
    assert soup.text == text
    for tag in soup.find_all(True):
        assert tag.name in ("a", "span")
        assert set(tag.attrs) <= {"href", "rel", "target", "class", "data-user"}
        assert tag.get("href", "http").lower().startswith("http")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://a.test/x?a=1&b=2.", "https://a.test/x?a=1&b=2"),
        ("(http://a.test/)", "http://a.test/"),
        ("https://a.test/wiki/A_(b) is", "https://a.test/wiki/A_(b)"),
        ("HTTPS://A.test!", "HTTPS://A.test"),
        ("nothttps://a.test", None),
        ("ftp://a.test", None),
    ],
)
def test_addresses_become_links(text, address):
    link = BeautifulSoup(str(shown(text)), "html.parser").a
    assert (link and link["href"]) == address
    assert link is None or "noopener" in link["rel"]


def test_mentions_are_those_people_and_no_others():
    html = str(shown("@ada @Ada Lovelace, a@Ada @Adam @Grace", [ADA, LONG]))
    found = BeautifulSoup(html, "html.parser").select(".mention")
    assert [(tag["data-user"], tag.text) for tag in found] == [("3", "@ada"), ("4", "@Ada Lovelace")]


def test_letters_that_only_a_regular_expression_takes_for_the_same_name_nobody():
    sam = SimpleNamespace(user_id=5, name="Sam")
    found = BeautifulSoup(str(shown("@Sam @\u017fam <b>", [sam])), "html.parser")
    assert [tag.text for tag in found.select(".mention")] == ["@Sam"]
    assert found.text == "@Sam @\u017fam <b>"


def test_names_of_up_to_three_words_are_looked_for():
    assert possible_names("Hi @Ada Lovelace King, and a@mail.test") == {
        "ada",
        "ada lovelace",
        "ada lovelace king",
        "Ada",
        "Ada Lovelace",
        "Ada Lovelace King",
    }
    assert len(possible_names("@a " * 500)) <= 60


@pytest.mark.parametrize(("name", "about"), [("", ""), ("  ", ""), ("x" * 61, ""), ("a", "x" * 201)])
def test_a_room_needs_a_fitting_name(name, about):
    with pytest.raises(UnfitMessageError):
        fit_room(name, about)
