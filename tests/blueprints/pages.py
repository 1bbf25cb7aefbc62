"""What the tests of the features share: the news a page gets, and how many questions a page asks the database."""

from contextlib import contextmanager
from threading import get_ident

from bs4 import BeautifulSoup
from itsdangerous import URLSafeSerializer
from sqlalchemy import event

from database import db
from live.testing import connection
from live.testing.stream import Parser

AS_HTMX = {"HX-Request": "true"}


def soup(answer):
    return BeautifulSoup(answer.get_data(as_text=True), "html.parser")


def news(client, answer, *, until):
    """The events that a loaded page gets by its long-poll, up to the first for which `until(event)` is true."""
    page, found = connection(answer.get_data(as_text=True)), []
    for _ in range(20):  # each poll waits until something has happened
        events = Parser().feed(client.get(page.address("poll")).get_data())
        found += [each for each in events if each.name not in ("live:open", "live:beat")]
        if any(until(each) for each in found):
            return found
        page = page.at(next((each.id for each in reversed(events) if each.id), page.position))
    raise AssertionError(f"it never came; what came: {found}")


def followed(html):
    """The topics a page follows. Pages of refusal follow some, too: those of the viewer's own badges."""
    if "live-connect" not in html:
        return []
    _valid, signed = URLSafeSerializer("any").loads_unsafe(connection(html).token)
    assert signed is not None
    return signed[0]


def has(text):
    return lambda event: text in event.data


@contextmanager
def queries(app):
    """A list that fills with the SQL of the block."""
    with app.app_context():
        engine, asked, mine = db.engine, [], get_ident()

    def note(_connection, _cursor, statement, *_):
        # The relay asks too, in a thread of its own.
        if get_ident() == mine and not statement.startswith(("PRAGMA", "BEGIN")):
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)
