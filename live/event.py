"""An event and its wire forms: the block of a stream and the envelope of a WebSocket. Pure functions.

An event is a fragment (no name: the page swaps it) or a named signal (a DOM event, always `live:`).
Everything that goes out is encoded here and nowhere else.
"""

import json
import re
from dataclasses import dataclass

from markupsafe import escape

from live.errors import LiveError
from live.frames import text_frame

# A text that big goes out as a refresh instead, and the page fetches its region (FAULTS 3.6).
MAX_EVENT_BYTES = 64 * 1024
# Lines of the log for the hubs alone, never sent to a browser: a right that ends, a topic that is followed from now on.
REVOKE, GRANT = "revoke", "grant"
RIGHTS = (REVOKE, GRANT)
_LINE_END = re.compile(r"\r\n|\r|\n")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)
_ROOT_ID = re.compile(r"\s*<[a-zA-Z][^>]*?\sid=(\"[^\"]+\"|'[^']+')", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Event:
    """Something published to a topic.

    Shape: `html` is the fragment in its `<hx-partial>` wrapper ("" for a named event), so a view may
    answer an htmx form with it; `key` names what it is the newest state of.
    Units: `at_ms` is when a volatile event was made, in ms since 1970; 0 for one that has a number.
    """

    topic: str
    data: str
    name: str = ""
    target: str = ""
    key: str = ""
    at_ms: int = 0

    @property
    def html(self) -> str:
        return "" if self.name else self.data

    @property
    def slot(self) -> tuple[str, str, str] | None:
        """What a newer event of the same slot makes needless, or None."""
        return (self.topic, self.target, self.key) if self.key else None

    def dump(self) -> str:
        """The text kept in Redis."""
        return json.dumps({name: value for name in self.__slots__ if (value := getattr(self, name))})

    @classmethod
    def load(cls, text: str) -> "Event":
        """The event of a text made by `dump`.

        Errors: ValueError or TypeError when somebody else made it.
        """
        return cls(**{"topic": "", "data": "", **json.loads(text)})


class Encoded:
    """An event ready to be written, each form encoded once however many readers take it.

    Shape: `n` is None for what has no number; `retry_ms` belongs to a goodbye.
    """

    __slots__ = ("_envelope", "_frame", "_retry_ms", "_sse", "event", "n", "position", "slot", "topic")

    def __init__(self, event: Event, n: int | None, position: str = "", retry_ms: int | None = None) -> None:
        self.event, self.n, self.position, self._retry_ms = event, n, position, retry_ms
        self.topic, self.slot = event.topic, event.slot
        self._sse = self._envelope = self._frame = b""

    @classmethod
    def ready_made(cls, frame: bytes) -> "Encoded":
        """A frame that somebody else has made: a pong, a close."""
        encoded = cls(Event("", ""), None)
        encoded._envelope = encoded._frame = frame
        return encoded

    @property
    def sse(self) -> bytes:
        self._sse = self._sse or sse(
            self.event.data, name=self.event.name, position=self.position, retry_ms=self._retry_ms
        )
        return self._sse

    @property
    def envelope(self) -> bytes:
        self._envelope = self._envelope or envelope(
            self.event.data, name=self.event.name, position=self.position
        )
        return self._envelope

    @property
    def frame(self) -> bytes:
        self._frame = self._frame or text_frame(self.envelope)
        return self._frame


def sse(data: str, *, name: str = "", position: str = "", retry_ms: int | None = None) -> bytes:
    """One block of `text/event-stream`.

    Source: WHATWG HTML, server-sent events, "parsing an event stream": CR, LF and CRLF all end a line, so
    every line of the text gets its own `data:`; `retry:` is only heard beside data (STACK 1.2 a).
    """
    lines = [f"event: {_one_line(name)}"] if name else []
    if position:
        lines.append(f"id: {_one_line(position)}")
    if retry_ms is not None:
        lines.append(f"retry: {max(1, retry_ms)}")  # never 0: htmx would then loop (STACK 2.2)
    lines += [f"data: {line}" for line in _LINE_END.split(data)]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


def envelope(data: str, *, name: str = "", position: str = "") -> bytes:
    """One WebSocket message, always a JSON object: a text of a user is never sent raw (STACK 1.2 k)."""
    parts = {"event": _one_line(name), "id": _one_line(position)}
    return json.dumps({**{k: v for k, v in parts.items() if v}, "data": data}).encode()


def partial(target: str, swap: str, html: str = "") -> str:
    """A fragment wrapped with the place it goes to and how, for htmx."""
    return f'<hx-partial hx-target="{escape(target)}" hx-swap="{swap}">{html}</hx-partial>'


def root_id(html: str) -> str:
    """The id of a fragment's root element.

    Errors: LiveError when the root has none: then nothing could ever be morphed.
    """
    match = _ROOT_ID.match(html)
    if not match:
        raise LiveError(f"the root of a fragment needs an id: {escape(html.strip()[:60])}")
    return match[1][1:-1]


def signal_name(name: str) -> str:
    """`live:` before a name of letters, digits and hyphens; the prefix keeps it from being `click`."""
    if not _NAME.fullmatch(name):
        raise LiveError(f"not a name for a signal: {name!r}")
    return f"live:{name}"


def _one_line(text: str) -> str:
    if any(char in text for char in "\r\n\0"):
        raise LiveError("CR, LF and NUL are refused in names and ids")
    return text
