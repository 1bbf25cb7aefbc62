"""What a page sends over a WebSocket: commands, each acknowledged, safe to repeat, and only so many a minute."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

from flask import current_app, request

from live.errors import CommandRefused
from live.subscription import Subscription

COMMANDS_PER_MINUTE, COMMANDS_AT_ONCE = 100, 20  # FAULTS 3.6 (OWASP)
MAX_REFUSED = 200  # so many over the allowance are no page of ours, which repeats 100 at most
logger = logging.getLogger("live")

Command = Callable[[str, dict[str, Any]], None]


class Commands:
    """The commands of one connection.

    Shape: `command(name, fields)` does what a form post would do; it raises CommandRefused with a sentence to say no.
    """

    def __init__(self, reader: Subscription, command: Command) -> None:
        self._app = current_app._get_current_object()  # type: ignore[attr-defined]
        self._environ = _what_was_asked(request.environ)
        self._reader, self._command = reader, command
        self._allowance = Allowance(COMMANDS_PER_MINUTE, COMMANDS_AT_ONCE)

    def obey(self, message: str | bytes) -> None:
        """Does what a message asks and says so; the page repeats a command until it is answered."""
        allowed = self._allowance.take()  # what is no command takes part of it, too
        if self._allowance.refused > MAX_REFUSED:
            self._reader.bye("flood", retry_ms=60_000)
        else:
            self._reader.say("live:ack", json.dumps(self._answer(message, allowed)))

    def _answer(self, message: str | bytes, allowed: bool) -> dict[str, Any]:
        try:
            asked = json.loads(message)
            name, fields, token = asked["do"], asked["fields"], asked["id"]
            if not (isinstance(name, str) and isinstance(fields, dict) and isinstance(token, str)):
                raise TypeError
            _refuse_bad_text(fields)
        except (ValueError, KeyError, TypeError, RecursionError):
            return {"error": "This is not a command."}
        if not allowed:
            return {"id": token, "error": "That was too fast. Please wait a moment."}
        return {"id": token, **self._done(name, fields)}

    def _done(self, name: str, fields: dict[str, Any]) -> dict[str, Any]:
        """{} or {"error": sentence}; a broad catch, because one bad command must not end everybody's room.

        A request context of its own gives the command a fresh database session, and asks anew who this is.
        """
        live = self._app.extensions["live"]
        with self._app.request_context(self._environ | {"wsgi.input": BytesIO()}):
            if live.identity() is None:
                self._reader.bye("signed-out", retry_ms=1000)
                return {"error": "You are signed out."}
            live.release_database()  # the question has read; the command begins a transaction of its own
            try:
                self._command(name, fields)
            except CommandRefused as refusal:
                return {"error": str(refusal)}
            except Exception:
                logger.exception("command %s failed", name)
                return {"error": "Something went wrong. Please try again.", "again": True}
        return {}


def _what_was_asked(environ: dict[str, Any]) -> dict[str, Any]:
    """Of the handshake's environment its words: no socket, no parser; they would stay as long as the connection."""
    words = {sys.intern(name): value for name, value in environ.items() if isinstance(value, str)}
    return words | {"wsgi.errors": sys.stderr}


def _refuse_bad_text(fields: dict[str, Any]) -> None:
    """What no database stores as text, NUL and half surrogates, comes escaped in JSON: ValueError."""
    text = "".join(value for value in fields.values() if isinstance(value, str))
    if "\0" in text:
        raise ValueError
    text.encode()


class Allowance:
    """A token bucket: so many a minute, so many at once; `refused` counts those too many, one less for each allowed."""

    def __init__(self, per_minute: int, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_s, self._most, self._clock = per_minute / 60, at_once, clock
        self._left, self._at, self.refused = float(at_once), clock(), 0

    def take(self) -> bool:
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._rate_s)
        self._at = now
        if self._left < 1:
            self.refused += 1
            return False
        self.refused = max(0, self.refused - 1)
        self._left -= 1
        return True
