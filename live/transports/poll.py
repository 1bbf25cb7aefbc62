"""The long-poll, for clients behind proxies that hold a stream back: a finite answer in the stream's own form.

The page's next request carries the position it has, and only that moves things forward, so a lost answer
loses nothing.
"""

from flask import current_app, request

from live.transports import blueprint
from live.transports.handover import LiveResponse
from live.transports.opening import open_subscription
from live.transports.sse import HEADERS


class Poll(LiveResponse):
    """An answer that waits for news."""

    def serve(self) -> None:
        hub, reader = self.opening.hub, self.opening.join()
        try:
            blocks = reader.take(self.wait_s) or []
            if not reader.reason:
                hub.beat_to(reader)
            blocks += reader.take(0) or []
        finally:
            hub.leave(reader)
        self.set_data(b"".join(blocks))
        self.content_length = len(self.get_data())


@blueprint.get("/poll")
def poll() -> Poll:
    """What happened since the reader's position, as soon as there is something; else a beat."""
    response = Poll(headers=HEADERS)
    response.opening = open_subscription(finite=True)
    response.wait_s = _wait_s()
    return response


def _wait_s() -> float:
    """How long to wait: as the page asks, which may want to know at once whether polls get through."""
    text = request.args.get("wait", "")
    longest: float = current_app.config["LIVE_POLL_WAIT_S"]
    return min(int(text), longest) if text.isascii() and text.isdigit() and len(text) < 4 else longest
