"""The test kit of the core, for the pages of a site: what was published, what a page gets, does it stay true.

`capture` and `assert_published` look at what a change announced; `received`, `apply` and `converges` at what a page
makes of it; `connect` speaks to a running server the way a page does, on each of the three transports. Nothing here
patches the core: everything is read from Redis, from answers and from sockets. It is not imported by the core.
"""

from live.testing.captured import Captured, assert_published, capture
from live.testing.clients import Ended, LiveClient, PollClient, Refused, StreamClient
from live.testing.convergence import converges, received
from live.testing.page import Connection, connection
from live.testing.sockets import SocketClient
from live.testing.stream import Parser, Received
from live.testing.swap import apply

TRANSPORTS: dict[str, type[LiveClient]] = {
    client.kind: client for client in (StreamClient, PollClient, SocketClient)
}

__all__ = [
    "TRANSPORTS",
    "Captured",
    "Connection",
    "Ended",
    "LiveClient",
    "Parser",
    "PollClient",
    "Received",
    "Refused",
    "SocketClient",
    "StreamClient",
    "apply",
    "assert_published",
    "capture",
    "connection",
    "converges",
    "received",
]
