"""Reading `text/event-stream` as a browser does; written from the standard, not from the code that writes it."""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Received:
    """One event as it arrived.

    Shape: `name` is "" for a fragment, `id` is "" for what has no number.
    Units: `retry_ms` is None where the server said nothing.
    """

    data: str
    name: str = ""
    id: str = ""
    retry_ms: int | None = None


class Parser:
    """Takes the bytes of a stream in any pieces and gives its events.

    Shape: unlike a browser's, it tells a block's own id, not the last one of the stream.
    Source: WHATWG HTML, server-sent events, "parsing an event stream".
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._begun = False
        self._fields: list[tuple[str, str]] = []

    def feed(self, data: bytes) -> list[Received]:
        """The events that are complete with these bytes; an unfinished one waits for its blank line."""
        self._text += self._decoder.decode(data)
        if self._text and not self._begun:
            self._begun = True
            self._text = self._text.removeprefix("\ufeff")  # one at the very beginning is no content
        return [event for line in self._lines() if (event := self._take(line))]

    def _lines(self) -> Iterator[str]:
        text = self._text.replace("\r\n", "\n")
        held = "\r" if text.endswith("\r") else ""  # its LF may be in the next piece
        *lines, rest = text.removesuffix(held).replace("\r", "\n").split("\n")
        self._text = rest + held
        yield from lines

    def _take(self, line: str) -> Received | None:
        if line:
            field, _, value = line.partition(":")
            self._fields.append((field, value.removeprefix(" ")))  # a comment has the field ""
            return None
        fields, self._fields = self._fields, []
        return _event(fields)


def _event(fields: list[tuple[str, str]]) -> Received | None:
    data = [value for field, value in fields if field == "data"]
    last = dict(fields)
    retry = last.get("retry", "")
    if not data:  # the standard sets ids and times from such a block, but nothing is dispatched
        return None
    number = int(retry) if retry.isascii() and retry.isdigit() else None
    ids = [value for field, value in fields if field == "id" and "\0" not in value]
    return Received("\n".join(data), last.get("event", ""), ids[-1] if ids else "", number)


def read_envelope(message: str) -> Received:
    """The event of one WebSocket message."""
    parts = json.loads(message)
    return Received(parts["data"], parts.get("event", ""), parts.get("id", ""))
