"""Giving a connection from the web server to the hub, and what is answered where that cannot be.

The finished response, after all hooks, writes the head; then the view's greenlet ends and the hub owns the
connection. A server that gives no plain HTTP/1 socket of gevent's sends the same bytes from a generator.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any, cast

from flask import Response
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.http import http_date

from live.line import Line
from live.transports.opening import Opening

HALF_OPEN_MS = 20_000  # with the beats' 5 s, a dead network is noticed within 45 s (STACK 1.1 w)
# In the kernel and not yet sent, beside a last segment: it keeps a copy for each reader, in memory that no process's
# size shows. More waits with us, where all readers share one copy, and a newer event of a key replaces an older.
UNSENT_BYTES = 16 * 1024
_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"}


class LiveResponse(Response):
    """The answer of a transport: it joins the hub when it is called, after every hook, so a refusal leaves nothing."""

    automatically_set_content_length = False
    opening: Opening
    wait_s = 0.0

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "HEAD":
            return super().__call__(environ, start_response)
        plug = plain_socket(environ)
        if plug is None:
            self.serve()
            return super().__call__(environ, start_response)
        try:
            descriptor = hand_over(plug)
        except OSError:  # no descriptor left
            return ServiceUnavailable(retry_after=30)(environ, start_response)
        reader = self.opening.join()
        what = f'"GET {environ["PATH_INFO"]} {environ["SERVER_PROTOCOL"]}" {self.status_code}'
        line = Line(reader.address, what, head=self._head(environ), wait_s=self.wait_s)
        self.opening.hub.adopt(descriptor, reader, line)
        # From here, and not from the iterator: there gunicorn would write a head of its own into the stream.
        raise StopIteration

    def serve(self) -> None:
        """Fills the response where the connection stays with the server."""
        raise NotImplementedError

    def _head(self, environ: Any) -> bytes:
        lines = [
            f"{environ['SERVER_PROTOCOL']} {self.status}",
            f"Date: {_date(int(time.time()))}",
            "Connection: close",
        ]
        headers = self.get_wsgi_headers(environ)
        lines += [f"{name}: {value}" for name, value in headers if name.lower() not in _HOP]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return http_date(second)


def plain_socket(environ: Any) -> socket.socket | None:
    """The connection of a request, if it is one that can be handed over."""
    gevent_socket = sys.modules.get("gevent.socket")
    plug = environ.get("gunicorn.socket")
    if gevent_socket is None or not isinstance(plug, gevent_socket.socket):
        return None
    # TLS is a subclass; of HTTP/2 the connection carries other streams, too.
    if hasattr(plug, "context") or environ.get("SERVER_PROTOCOL") not in ("HTTP/1.0", "HTTP/1.1"):
        return None
    return cast(socket.socket, plug)


def hand_over(plug: socket.socket) -> int:
    """A descriptor of the connection that stays when the server closes its own."""
    with suppress(OSError):  # a Unix socket has neither
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, HALF_OPEN_MS)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
    return os.dup(plug.fileno())
