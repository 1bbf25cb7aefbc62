"""What a page says about its connection, read from its HTML without any library."""
# ruff: noqa: S101 - a test kit asserts

from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urlencode


@dataclass(frozen=True)
class Connection:
    """What the connect element of a page carries: the signed list of topics, the position, three addresses.

    Shape: `token` None and `position` None leave that part out of the address.
    """

    token: str | None
    position: str | None
    stream: str = "/live/stream"
    poll: str = "/live/poll"
    socket: str = ""
    seen: str = "0"

    def at(self, position: str | None) -> Self:
        """The same page, further on in the history."""
        return replace(self, position=position)

    def address(self, kind: str) -> str:
        """The path of a transport, with what the page sends along."""
        query = {"t": self.token, "position": self.position, "seen": self.seen}
        text = urlencode({name: value for name, value in query.items() if value is not None})
        return f"{getattr(self, kind)}?{text}"


def connection(html: str) -> Connection:
    """The connection of a page.

    Errors: AssertionError when the page has no connect element: nobody is signed in, or `live_connect` is missing.
    """
    finder = _Finder()
    finder.feed(html)
    found = finder.found
    assert found is not None, (
        "the page has no #live-connect: is somebody signed in, and does it call live_connect?"
    )
    return Connection(
        token=found["data-live-topics"],
        position=found["data-live-position"],
        stream=found["data-live-stream"],
        poll=found["data-live-poll"],
        socket=found.get("data-live-socket", ""),
    )


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if dict(attrs).get("id") == "live-connect":
            self.found = {name: value or "" for name, value in attrs}
