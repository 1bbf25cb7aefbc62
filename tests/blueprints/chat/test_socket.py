"""Talking over the WebSocket of a room, to a real server."""

import json
from dataclasses import replace
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener
from uuid import uuid4

import pytest

from live.testing import Refused, SocketClient, connection
from tests.support.databases import email_of

pytestmark = pytest.mark.usefixtures("rooms")


@pytest.fixture
def enter(live_server, rooms):
    """enter("ada"): a socket in the lounge, signed in as ada; `socket` is another address to use from there."""
    opened = []

    def open_socket(name, socket=None, cookie=None):
        read, cookies = _signed_in(live_server.url, name)
        page = connection(read(f"/chat/rooms/{rooms[0]}"))
        page = replace(page, socket=socket or page.socket)
        headers = {"Cookie": cookies() if cookie is None else cookie}
        opened.append(SocketClient(live_server.url, headers).connect(page))
        return opened[-1]

    yield open_socket
    for client in opened:
        client.close()


def _signed_in(url, name):
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))

    def read(path, fields=None):
        body = urlencode(fields).encode() if fields else None
        with browser.open(Request(url + path, body, {"Sec-Fetch-Site": "same-origin"})) as answer:
            return answer.read().decode()

    read("/login", {"email": email_of(name), "password": "levain"})
    return read, lambda: "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def ask(client, text, token=None, name="post"):
    """The acknowledgement of a command, and the fragments that came before it."""
    token = token or uuid4().hex
    client.command(name, {"text": text, "token": token}, token)
    fragments = []
    while (event := client.event()).name != "live:ack":
        fragments.append(event.data)
    return json.loads(event.data), fragments


def next_fragment(client):
    while (event := client.event()).name:
        pass
    return event.data


def what_one_says_the_other_reads(enter):
    ada, grace = enter("ada"), enter("grace")
    answer, _ = ask(ada, "Hello <grace>", "t1")
    assert answer == {"id": "t1"}
    assert "Hello &lt;grace&gt;" in next_fragment(grace)


def a_command_that_is_repeated_posts_once(enter):
    ada, grace = enter("ada"), enter("grace")
    for _ in range(2):
        assert ask(ada, "once", "same")[0] == {"id": "same"}
    ask(ada, "and then")
    assert "once" in next_fragment(grace)
    assert "and then" in next_fragment(grace)


def what_cannot_be_a_message_is_refused_in_words(enter):
    ada = enter("ada")
    for text in ("", " ", None, 7, {"a": 1}, "x" * 4001):
        answer, _ = ask(ada, text)
        assert answer["error"].startswith(("Please write", "That is 4,001")), text


def an_unknown_command_is_refused(enter):
    assert "no such command" in ask(enter("ada"), "x", name="shout")[0]["error"]


def nothing_can_be_said_in_a_room_that_is_not_there(enter):
    answer, _ = ask(enter("ada", socket="/chat/rooms/999999/socket"), "Hello?")
    assert "closed to you" in answer["error"]


def whoever_is_not_signed_in_is_not_let_in(enter):
    with pytest.raises(Refused) as refused:
        enter("ada", cookie="levain=none")
    assert refused.value.status in (401, 4401)


def test_talking(enter, subtests):
    """One server for all of it, which takes longer to start than to answer."""
    for what in (
        what_one_says_the_other_reads,
        a_command_that_is_repeated_posts_once,
        what_cannot_be_a_message_is_refused_in_words,
        an_unknown_command_is_refused,
        nothing_can_be_said_in_a_room_that_is_not_there,
        whoever_is_not_signed_in_is_not_let_in,
    ):
        with subtests.test(what.__name__):
            what(enter)
