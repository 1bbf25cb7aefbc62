"""The stream: `text/event-stream` that stays open."""

from collections.abc import Iterator
from functools import partial

from live.subscription import Subscription
from live.transports import blueprint
from live.transports.handover import LiveResponse
from live.transports.opening import open_subscription

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx then passes each event on at once (STACK 2.4)
}


class Stream(LiveResponse):
    """An answer without an end."""

    def serve(self) -> None:
        reader = self.opening.join()
        self.response = _written(reader)
        self.call_on_close(partial(self.opening.hub.leave, reader))


@blueprint.get("/stream")
def stream() -> Stream:
    """Everything after the reader's position, then what happens."""
    response = Stream(headers=HEADERS)
    response.opening = open_subscription()
    return response


def _written(reader: Subscription) -> Iterator[bytes]:
    while (blocks := reader.take()) is not None:
        if blocks:
            yield b"".join(blocks)
