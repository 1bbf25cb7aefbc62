"""One reader of the live core: what it may read, how far it has read, and what waits to be written to it.

The hub puts, a transport takes. The buffer is bounded and ordered; a newer event of a slot (topic, target,
key) removes the unsent older one and goes to the end, so ids never go down. Nothing here writes to a socket.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from live.event import Encoded, envelope, sse
from live.gate import Identity

MAX_BUFFER_BYTES = 256 * 1024


class _Waiting(NamedTuple):
    data: bytes
    topic: str
    counted: int


class Subscription:
    """A reader between two connections of one page: it lives as long as its connection.

    Shape: `socket` wants envelopes in place of stream blocks; `finite` is a long-poll, which ends with its first news.
    Units: `n` is the newest number put so far; `seen_ms` the time of the newest volatile event the page has.
    """

    def __init__(
        self,
        identity: Identity,
        topics: Iterable[str],
        *,
        socket: bool = False,
        finite: bool = False,
        seen_ms: int = 0,
    ) -> None:
        self.identity, self.socket, self.finite, self.seen_ms = identity, socket, finite, seen_ms
        self.joined = frozenset(topics)
        self.topics = set(self.joined)  # those it may still read
        self.n = 0
        self.reason = ""  # why it ended; "" while it is open
        self._waiting: OrderedDict[object, _Waiting] = OrderedDict()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False
        self._woken = False

    def put(self, encoded: Encoded, *, replay: bool = False) -> None:
        """Adds an event; a replay is not counted against the bound, the memory of the hub holds it anyway."""
        data = encoded.envelope if self.socket else encoded.sse
        if encoded.n is not None:
            self.n = encoded.n
        self._add(data, encoded.event.slot, encoded.event.topic, counted=not replay)

    def say(self, name: str, data: str = "", *, position: str = "", quiet: bool = False) -> None:
        """Adds a named event of the core; a quiet one does not end the waiting of a long-poll."""
        make = envelope if self.socket else sse
        self._add(make(data, name=name, position=position), None, "", quiet=quiet and self.finite)

    def bye(self, reason: str, retry_ms: int) -> None:
        """Sends the reader away; it comes back with its position after about `retry_ms`."""
        self._end(reason, {"reason": reason, "retry": retry_ms}, "live:bye", retry_ms)

    def resync(self, spread_ms: int) -> None:
        """Tells the reader that its history is incomplete; the page fetches its regions and connects anew."""
        self._end("resync", {"spread": spread_ms}, "live:resync", None)

    def drop_topic(self, topic: str) -> None:
        """Takes a topic away, with everything of it that is still waiting."""
        with self._changed:
            self.topics.discard(topic)
            for slot in [slot for slot, waiting in self._waiting.items() if waiting.topic == topic]:
                self._bytes -= self._waiting.pop(slot).counted
        self.say("live:revoked", topic)

    def take(self, timeout_s: float | None = None) -> list[bytes] | None:
        """What waits, oldest first; [] when nothing came in time, None when the reader has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._closed, timeout_s)
            taken = [waiting.data for waiting in self._waiting.values()]
            self._waiting.clear()
            self._bytes, self._woken = 0, False
            return None if self._closed and not taken else taken

    def close(self) -> None:
        """Ends the reader: whoever waits in `take` gets the rest, then None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _end(self, reason: str, data: dict[str, object], name: str, retry_ms: int | None) -> None:
        with self._changed:
            if self._closed:
                return
            self._waiting.clear()
            self._bytes = 0
            self.reason = reason
        text = json.dumps(data)
        last = envelope(text, name=name) if self.socket else sse(text, name=name, retry_ms=retry_ms)
        self._add(last, None, "", counted=False)
        self.close()

    def _add(
        self, data: bytes, slot: object, topic: str, *, counted: bool = True, quiet: bool = False
    ) -> None:
        with self._changed:
            if self._closed:
                return
            if slot in self._waiting:
                self._bytes -= self._waiting.pop(slot).counted
            size = len(data) if counted else 0
            # Something without a slot gets a key of its own.
            self._waiting[slot if slot is not None else object()] = _Waiting(data, topic, size)
            self._bytes += size
            over = self._bytes > MAX_BUFFER_BYTES
            if not quiet:
                self._woken = True
                self._changed.notify_all()
        if over:
            self.bye("slow", retry_ms=1000)
