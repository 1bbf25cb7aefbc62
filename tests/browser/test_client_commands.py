"""Commands over the WebSocket: acknowledged, sent again after a drop, refused with a reason, once in any case."""

import pytest
from playwright.sync_api import expect

from tests.support.door import REFUSE, SILENT, answer
from tests.support.live_pages import waits_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
ANSWERS = """
window.answers = [];
for (const name of ["live:sent", "live:acknowledged", "live:refused"])
  document.addEventListener(name, ({detail}) => answers.push([name.slice(5), detail.id, detail.reason || ""]));
"""


@pytest.fixture
def page(ada):
    ada.context.add_init_script(ANSWERS)
    return ada.open("?socket=1", "live", "socket")


def say(page, token, text):
    page.evaluate("(token) => { document.querySelector('#say [name=token]').value = token; }", token)
    page.get_by_label("Say").fill(text)
    page.get_by_label("Say").press("Enter")


def answered(page, *answers):
    waits_for(page, f"answers.length >= {len(answers)}")
    assert page.evaluate("answers") == [list(each) for each in answers]


def test_a_command_is_acknowledged_or_refused_with_a_reason(ada, page):
    say(page, "a", "hello")
    answered(page, ("sent", "a", ""), ("acknowledged", "a", ""))
    say(page, "b", "refuse")
    answered(
        page, *page.evaluate("answers")[:2], ("sent", "b", ""), ("refused", "b", "Nobody says that here.")
    )
    assert ada.said() == {"took_effect": {"a": "hello"}, "asked": [["a", "socket"], ["b", "socket"]]}
    waits_for(page, "heard.length")
    assert page.evaluate("heard") == ["hello"]


def test_a_command_into_a_dead_socket_is_sent_again_and_takes_effect_once(ada, page):
    ada.door.silence(
        f"{ada.path}/socket"
    )  # the server has it not, or has it and its answer is lost: nobody knows
    say(page, "a", "hello")
    say(page, "b", "you")
    ada.door.cut(f"{ada.path}/socket")
    waits_for(page, "answers.filter(([name]) => name === 'acknowledged').length === 2")
    assert [asked for asked in ada.said()["asked"] if asked[1] == "post"] == []
    say(page, "a", "hello")  # the same token: acknowledged, and nothing happens
    waits_for(page, "answers.filter(([name]) => name === 'acknowledged').length === 3")
    assert ada.said()["took_effect"] == {"a": "hello", "b": "you"}
    waits_for(page, "heard.length >= 2")
    assert page.evaluate("heard") == ["hello", "you"]


def test_where_the_socket_stays_away_the_form_is_posted(ada, page):
    ada.door.rules[f"{ada.path}/socket"] = REFUSE
    ada.door.rules[f"{ada.path}/say"] = answer(503)  # and the first post is lost, too
    ada.door.silence(f"{ada.path}/socket")
    say(page, "a", "hello")
    ada.door.cut(f"{ada.path}/socket")
    page.wait_for_event("response", lambda response: response.status == 503)
    ada.door.rules.pop(f"{ada.path}/say")
    answered(page, ("sent", "a", ""), ("acknowledged", "a", ""))
    assert ada.said() == {"took_effect": {"a": "hello"}, "asked": [["a", "post"]]}


def test_what_broke_on_the_server_is_tried_again_and_a_refused_post_says_why(ada, page):
    say(page, "a", "break")
    answered(page, ("sent", "a", ""), ("acknowledged", "a", ""))
    assert ada.said()["asked"] == [["a", "socket"], ["a", "post"]]
    ada.door.rules[f"{ada.path}/socket"] = SILENT
    ada.door.silence(f"{ada.path}/socket")
    say(page, "b", "refuse")
    answered(
        page, *page.evaluate("answers")[:2], ("sent", "b", ""), ("refused", "b", "Nobody says that here.")
    )
    expect(page.locator("html")).to_have_attribute("data-live", "live")
