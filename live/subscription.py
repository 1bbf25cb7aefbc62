"""One reader of the live core: what it may read, how far it has read, and what waits to be written to it.

The hub puts, a transport takes. The buffer is bounded and ordered; a newer event of a slot (topic, target,
key) removes the unsent older one and goes to the end, so ids never go down. Nothing here writes to a socket.
There are ten thousand of these in a process: no field that is not needed, no lock or event of their own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from live.event import Encoded, Event
from live.frames import close_frame
from live.gate import Identity

if TYPE_CHECKING:
    from live.audience import Audience
    from live.line import Line
    from live.transports.incoming import Incoming

MAX_BUFFER_BYTES = 256 * 1024
PIECE_BYTES = 64 * 1024  # how much is handed to the kernel at once
# One for all: it is held for the moment of a change, and never while anybody waits.
_lock = threading.Lock()


class Subscription:
    """A reader between two connections of one page: it lives as long as its connection.

    Shape: `socket` wants envelopes in place of stream blocks; `finite` is a long-poll, which ends with its first news.
    `refill` is there while a replay goes on: it puts the next part of it. `audience` and the fields after it
    belong to the hub and its sockets.
    Units: `n` is the newest number put so far; `seen_ms` the time of the newest volatile event the page has.
    """

    __slots__ = (
        "_bytes",
        "_closed",
        "_free",
        "_waiter",
        "_waiting",
        "_woken",
        "address",
        "audience",
        "blocked",
        "busy",
        "epoch",
        "fd",
        "finite",
        "identity",
        "incoming",
        "line",
        "n",
        "on_news",
        "reason",
        "refill",
        "rest",
        "seen_ms",
        "socket",
        "topics",
    )

    def __init__(
        self,
        identity: Identity,
        topics: Iterable[str],
        *,
        socket: bool = False,
        finite: bool = False,
        seen_ms: int = 0,
        address: str = "",
    ) -> None:
        self.identity, self.socket, self.finite, self.seen_ms = identity, socket, finite, seen_ms
        self.address = address
        self.topics = frozenset(topics)  # those it may still read
        self.n, self.epoch = 0, ""
        self.reason = ""  # why it ended; "" while it is open
        self.audience: Audience | None = None
        self.refill: Callable[[Subscription], None] | None = None
        self.on_news: Callable[[Subscription], None] | None = None
        self.line: Line | None = None
        self.incoming: Incoming | None = None
        self.fd, self.busy, self.blocked = -1, False, False
        self.rest: bytes | memoryview = b""  # of a block that is partly written; nobody may touch it
        self._waiting: dict[object, Encoded] = {}
        self._free: set[object] | None = None  # what waits and is not counted
        self._bytes = 0
        self._waiter: threading.Event | None = None
        self._closed = self._woken = False

    # -- the hub puts -----------------------------------------------------------------------------------

    def put(self, encoded: Encoded, *, replay: bool = False) -> None:
        """Adds an event; a replay is not counted against the bound, the memory of the hub holds it anyway."""
        if encoded.n is not None:
            self.n = encoded.n
        self._add(encoded, counted=not replay)

    def say(self, name: str, data: str = "") -> None:
        """Adds a named event of the core."""
        self._add(Encoded(Event("", data, name), None))

    def greet(self, opened: Encoded) -> None:
        """Adds the first word, the same for all; it does not end the waiting of a long-poll."""
        self._add(opened, quiet=self.finite)

    def bye(self, reason: str, retry_ms: int) -> None:
        """Sends the reader away; it comes back with its position after about `retry_ms`."""
        self._end(reason, {"reason": reason, "retry": retry_ms}, "live:bye", retry_ms)

    def resync(self, after_ms: int) -> None:
        """Its history is incomplete: when its turn comes, the page fetches its regions and connects anew."""
        self._end("resync", {"after": after_ms}, "live:resync", None)

    def drop_topic(self, topic: str) -> None:
        """Takes a topic away, with everything of it that is still waiting."""
        with _lock:
            self.topics -= {topic}
            for key in [key for key, waiting in self._waiting.items() if waiting.topic == topic]:
                self._forget(key)
        self.say("live:revoked", topic)

    def pass_on(self, frame: bytes) -> None:
        """Adds a frame that the WebSocket library made: it, too, leaves whole and in its turn."""
        self._add(Encoded.ready_made(frame))

    @property
    def ended(self) -> bool:
        return self._closed

    @property
    def has_news(self) -> bool:
        """Something waits that a long-poll would answer with."""
        return self._woken or self._closed

    def close(self) -> None:
        """Ends the reader: whoever takes gets the rest, then None."""
        with _lock:
            self._closed = True
        self._wake()

    def _end(self, reason: str, data: dict[str, object], name: str, retry_ms: int | None) -> None:
        with _lock:
            if self._closed:
                return
            self._waiting, self._free, self._bytes, self.refill = {}, None, 0, None
            self.reason = reason
        last = Encoded(Event("", json.dumps(data), name), None, retry_ms=retry_ms)
        self._add(last, counted=False)
        if self.fd >= 0 and self.socket:
            self._add(Encoded.ready_made(close_frame(reason)), counted=False)
        if self.audience:
            self.audience.remove(self)
        self.close()

    def _add(self, encoded: Encoded, *, counted: bool = True, quiet: bool = False) -> None:
        key = encoded.slot or encoded  # something without a slot is a key of its own
        with _lock:
            if self._closed:
                return
            if key in self._waiting:
                self._forget(key)
            self._waiting[key] = encoded
            if counted:
                self._bytes += self._size(encoded)
            else:
                self._free = self._free or set()
                self._free.add(key)
            self._woken = self._woken or not quiet
            over = self._bytes > MAX_BUFFER_BYTES
        if over:
            self.bye("slow", retry_ms=1000)
        elif not quiet:
            self._wake()

    def _forget(self, key: object) -> None:
        encoded = self._waiting.pop(key)
        if self._free and key in self._free:
            self._free.discard(key)
        else:
            self._bytes -= self._size(encoded)

    def _size(self, encoded: Encoded) -> int:
        return len(encoded.envelope if self.socket else encoded.sse)

    def _wake(self) -> None:
        if self._waiter:
            self._waiter.set()
        if self.on_news:
            self.on_news(self)

    # -- a generator or a thread takes ------------------------------------------------------------------

    def take(self, timeout_s: float | None = None) -> list[bytes] | None:
        """What waits, oldest first; [] when nothing came in time, None when the reader has ended."""
        if self.refill and not self._waiting:
            self.refill(self)
        if not self.has_news:
            self._wait(timeout_s)
        with _lock:
            taken = [each.envelope if self.socket else each.sse for each in self._waiting.values()]
            self._waiting, self._free, self._bytes, self._woken = {}, None, 0, False
            return None if self._closed and not taken else taken

    def _wait(self, timeout_s: float | None) -> None:
        waiter = threading.Event()
        with _lock:
            self._waiter = waiter
            if self.has_news:
                return
        waiter.wait(timeout_s)
        self._waiter = None

    # -- the sockets write ------------------------------------------------------------------------------

    def piece(self) -> bytes | memoryview:
        """What is to be written next: the rest of a block that was begun, and whole blocks; b"" when nothing waits."""
        if not self._waiting and not self.rest and self.refill:
            self.refill(self)
        size = len(self.rest)
        blocks: list[bytes | memoryview] = [self.rest] if size else []
        for encoded in self._waiting.values():
            if size >= PIECE_BYTES:
                break
            blocks.append(encoded.frame if self.socket else encoded.sse)
            size += len(blocks[-1])
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def wrote(self, sent: int) -> None:
        """Forgets what the kernel took; of a block that it took in part, the rest goes next, whatever happens."""
        begun = min(sent, len(self.rest))
        self.rest = self.rest[begun:]
        sent -= begun
        for key in list(self._waiting) if sent > 0 else ():
            encoded = self._waiting[key]
            block = encoded.frame if self.socket else encoded.sse
            self._forget(key)
            if sent < len(block):
                self.rest = memoryview(block)[sent:]
            sent -= len(block)
            if sent <= 0:
                break
        if not self._waiting:
            # Both keep the size that they once had.
            self._waiting, self._free, self._woken = {}, None, False
        if not self.rest:
            self.rest = b""

    def keep_unsent(self, events: list[Encoded], sent: int) -> None:
        """Keeps what the kernel did not take of events that were written together."""
        for encoded in events:
            size = len(encoded.frame if self.socket else encoded.sse)
            if sent >= size:
                sent -= size
                continue
            if sent > 0:
                self.rest = memoryview(encoded.frame if self.socket else encoded.sse)[sent:]
                sent = 0
            else:
                self._add(encoded)
