"""What stream, long-poll and WebSocket do alike before the first byte: admit, count, join."""

import random

from flask import current_app, request
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from live import position
from live.gate import Identity
from live.subscription import Subscription


def open_subscription(*, socket: bool = False, finite: bool = False) -> Subscription:
    """A reader that has joined the hub, for the current request.

    Errors: those of `Gate.admit`; 429 over the user's limit, 503 over the process's.
    """
    live = current_app.extensions["live"]
    live.hub.start()
    asked_at = live.hub.number()
    admission = live.gate.admit(request)
    _refuse_too_many(live.hub.readers(), admission.identity)
    reader = Subscription(
        admission.identity, admission.topics, socket=socket, finite=finite, seen_ms=_seen_ms()
    )
    # Last-Event-ID is newer than the URL where a proxy has not taken it away.
    last = position.read(request.headers.get("Last-Event-ID"))
    live.hub.join(reader, last or position.read(request.args.get("position")), asked_at)
    for topic in sorted(admission.denied):
        reader.say("live:revoked", topic)
    live.release_database()
    return reader


def _seen_ms() -> int:
    text = request.args.get("seen", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _refuse_too_many(readers: list[Subscription], identity: Identity) -> None:
    config = current_app.config
    if len(readers) >= config["LIVE_MAX_STREAMS"]:
        raise ServiceUnavailable("Too many connections at the moment.", retry_after=random.randint(5, 30))
    mine = sum(reader.identity.user_id == identity.user_id for reader in readers)
    if mine >= config["LIVE_MAX_STREAMS_PER_USER"]:
        raise TooManyRequests("You have too many pages open.", retry_after=random.randint(5, 30))
