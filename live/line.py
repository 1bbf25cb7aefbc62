"""One connection's line in the access log: gunicorn writes it for what it serves, the hub for what it has adopted."""

from __future__ import annotations

import logging
import socket
import struct
import sys
import time

_access = logging.getLogger("gunicorn.access")
_ACKED = struct.Struct("=120xQ")  # tcpi_bytes_acked in Linux's struct tcp_info


class Line:
    """What is said of a connection when it ends.

    Shape: `head` is what is written first: all of a stream's, and of a long-poll's what precedes its length. The
    address is written without its query string: it carries the page's topics.
    Units: `wait_s` is how long a long-poll waits for news.
    """

    __slots__ = ("_address", "_began", "_what", "head", "wait_s")

    def __init__(self, address: str, what: str, *, head: bytes = b"", wait_s: float = 0) -> None:
        self._address, self._what = address, sys.intern(what)  # it is the same for thousands
        self._began, self.head, self.wait_s = time.monotonic(), head, wait_s

    def end(self, fd: int, reason: str) -> None:
        """Writes the line: how many bytes the peer has acknowledged, how long it was here, why it was sent away."""
        if _access.handlers:
            took_ms = int((time.monotonic() - self._began) * 1000)
            _access.info(
                "%s %s %d %dms%s", self._address, self._what, _acked(fd), took_ms, reason and f" {reason}"
            )


def _acked(fd: int) -> int:
    plug = socket.socket(fileno=fd)
    try:
        return int(_ACKED.unpack(plug.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED.size))[0])
    except (OSError, struct.error):  # a Unix socket, or an older kernel
        return 0
    finally:
        plug.detach()
