"""To which of thousands of sockets something has happened: one original epoll, which gevent watches as one."""

from __future__ import annotations

import select
from collections.abc import Callable

import gevent
from gevent import monkey

# monkey.patch_all takes epoll away, because it would wait without letting others run; ours never waits.
_epoll = monkey.get_original("select", "epoll")
NEWS, ROOM, PEER_ENDED = select.EPOLLIN, select.EPOLLOUT, select.EPOLLRDHUP
GONE = select.EPOLLERR | select.EPOLLHUP | PEER_ENDED


class Readiness:
    """`wake()` is called when there is something in `happened`."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._epoll, self._loop = _epoll(), gevent.get_hub().loop
        self.watch, self.change, self.forget = (
            self._epoll.register,
            self._epoll.modify,
            self._epoll.unregister,
        )
        self._watcher = self._loop.io(self._epoll.fileno(), 1)
        self._watcher.start(wake)

    def happened(self) -> list[tuple[int, int]]:
        """Pairs of descriptor and mask; [] when nothing has."""
        found: list[tuple[int, int]] = self._epoll.poll(0)
        return found

    def let_others_run(self) -> None:
        # A timer of nothing, and not sleep(0): between two of those no socket of a page would be looked at.
        with self._loop.timer(0.0) as timer:
            gevent.get_hub().wait(timer)
