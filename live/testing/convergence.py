"""Old page + pushed events == fresh page: the one test that finds a fragment which drifted from its page."""
# ruff: noqa: S101 - a test kit asserts

import difflib
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from live.extension import Live
from live.position import Position, read
from live.testing.page import connection
from live.testing.stream import Parser, Received
from live.testing.swap import REGION, _soup, apply

CATCH_UP_S = 10
OUTBOX_PAUSE_S = 0.005
POLL_WAIT_S = 0.05


def received(client: FlaskClient, page_html: str) -> list[Received]:
    """The news that a page gets by its long-poll, up to the newest event there is now.

    Errors: AssertionError when the poll is refused, or the site does not catch up with Redis in time.
    """
    page, news = connection(page_html), []
    deadline = time.monotonic() + CATCH_UP_S
    head = _sent(client.application.extensions["live"], deadline)
    with _short_polls(client.application):
        while True:
            events = _poll(client, page.address("poll"))
            news += [event for event in events if event.name not in ("live:open", "live:beat")]
            page = page.at(next((event.id for event in reversed(events) if event.id), page.position))
            reached = read(page.position)
            if any(event.name == "live:resync" for event in events) or (reached and reached.n >= head.n):
                return news
            assert time.monotonic() < deadline, f"still at {page.position}, while Redis is at {head}"


def converges(
    client: FlaskClient, url: str, act: Callable[[], Any], *, ignore: Collection[str] = ()
) -> list[Received]:
    """That a page loaded before `act()` and given what was pushed equals the page loaded after; gives the events.

    Shape: every `data-live-region` is compared, by text and attributes; `ignore` are CSS selectors of what may differ.
    Errors: AssertionError with a readable difference.
    """
    old = _load(client, url)
    act()
    events = received(client, old)
    fresh = _load(client, url)
    wanted = _regions(fresh, ignore)
    assert wanted, f"{url} has no {REGION}: nothing could be compared"
    mine = _regions(apply(old, events, fresh), ignore)
    difference = "\n".join(
        difflib.unified_diff(mine, wanted, "old page + events", "fresh page", lineterm="", n=2)
    )
    assert mine == wanted, f"{url} is not what its events made of it:\n{difference}\nevents: {events}"
    return events


def _sent(live: Live, deadline: float) -> Position:
    """The newest position, once the outbox has nothing left to send."""
    while live.relay and live.relay.look():
        assert time.monotonic() < deadline, "the outbox is not empty"
        time.sleep(OUTBOX_PAUSE_S)
    return live.log.head()


def _load(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, f"{url} answered {answer.status}"
    return answer.get_data(as_text=True)


def _poll(client: FlaskClient, address: str) -> list[Received]:
    answer = client.get(address)
    assert answer.status_code == 200, f"the poll answered {answer.status}"
    return Parser().feed(answer.get_data())


@contextmanager
def _short_polls(app: Flask) -> Iterator[None]:
    before = app.config["LIVE_POLL_WAIT_S"]
    app.config["LIVE_POLL_WAIT_S"] = POLL_WAIT_S
    try:
        yield
    finally:
        app.config["LIVE_POLL_WAIT_S"] = before


def _regions(html: str, ignore: Collection[str]) -> list[str]:
    """The regions as lines: one for each element, its attributes sorted, and for each text, its blanks collapsed."""
    soup = _soup(html)
    for selector in ignore:
        for element in soup.select(selector):
            element.decompose()
    found = soup.find_all(attrs={REGION: True})
    return [
        line for region in found if not region.find_parent(attrs={REGION: True}) for line in _lines(region, 0)
    ]


def _lines(node: Any, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if node.name is None:
        if text := " ".join(str(node).split()):
            yield f"{indent}{text}"
        return
    attributes = {name: " ".join(sorted(v)) if isinstance(v, list) else v for name, v in node.attrs.items()}
    yield f"{indent}<{' '.join([node.name, *(f'{name}={attributes[name]!r}' for name in sorted(attributes))])}>"
    node.smooth()
    for child in node.children:
        yield from _lines(child, depth + 1)
