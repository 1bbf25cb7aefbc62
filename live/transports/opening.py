"""What stream, long-poll and WebSocket do alike before the first byte: admit, count, join."""

import random
import sys
from dataclasses import dataclass

from flask import current_app, request
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from live import position
from live.gate import Identity
from live.hub import Hub
from live.subscription import Subscription


@dataclass(slots=True)
class Opening:
    """A reader that was admitted and has not joined yet: until the head is certain, nothing of it must stay."""

    hub: Hub
    reader: Subscription
    position: position.Position | None
    asked_at: int
    denied: frozenset[str]

    def join(self) -> Subscription:
        """Joins the hub, and tells the reader which of the page's topics are no longer its own."""
        self.hub.join(self.reader, self.position, self.asked_at)
        for topic in sorted(self.denied):
            self.reader.say("live:revoked", topic)
        return self.reader


def open_subscription(*, socket: bool = False, finite: bool = False) -> Opening:
    """Admits a reader for the current request.

    Errors: those of `Gate.admit`; 429 over the user's or the address' limit, 503 over the process's.
    """
    live = current_app.extensions["live"]
    live.hub.start()
    asked_at = live.hub.number()
    admission = live.gate.admit(request)
    address = sys.intern(request.remote_addr or "-")
    _refuse_too_many(live.hub, admission.identity, address)
    reader = Subscription(
        admission.identity.bare,
        admission.topics,
        socket=socket,
        finite=finite,
        seen_ms=_seen_ms(),
        address=address,
    )
    # Last-Event-ID is newer than the URL where a proxy has not taken it away.
    last = position.read(request.headers.get("Last-Event-ID"))
    last = last or position.read(request.args.get("position"))
    live.release_database()
    return Opening(live.hub, reader, last, asked_at, admission.denied)


def _seen_ms() -> int:
    text = request.args.get("seen", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _refuse_too_many(hub: Hub, identity: Identity, address: str) -> None:
    config = current_app.config
    if len(hub.open) >= config["LIVE_MAX_STREAMS"]:
        raise ServiceUnavailable("Too many connections at the moment.", retry_after=random.randint(5, 30))
    if hub.open.count_of_user(identity.user_id) >= config["LIVE_MAX_STREAMS_PER_USER"]:
        raise TooManyRequests("You have too many pages open.", retry_after=random.randint(5, 30))
    if hub.open.of_address(address) >= config["LIVE_MAX_STREAMS_PER_ADDRESS"]:
        raise TooManyRequests("Too many pages are open at your address.", retry_after=random.randint(5, 30))
