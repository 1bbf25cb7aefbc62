"""The stream: `text/event-stream` that stays open."""

from collections.abc import Iterator
from functools import partial

from flask import Response, current_app

from live.subscription import Subscription
from live.transports import blueprint
from live.transports.opening import open_subscription

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx then passes each event on at once (STACK 2.4)
}


@blueprint.get("/stream")
def stream() -> Response:
    """Everything after the reader's position, then what happens."""
    reader = open_subscription()
    response = Response(_written(reader), headers=HEADERS)
    # Not in the generator's `finally`: one that was never begun (HEAD) has none, and its reader would stay.
    response.call_on_close(partial(current_app.extensions["live"].hub.leave, reader))
    return response


def _written(reader: Subscription) -> Iterator[bytes]:
    while (blocks := reader.take()) is not None:
        if blocks:
            yield b"".join(blocks)
