"""The fault kit: a TCP proxy that misbehaves on demand, and real processes killed and put to sleep.

Put the proxy between browsers and a site, a site's own pages as well as ours, and switch its faults while it runs.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from typing import Self

HEAD_BYTES = 64 * 1024
READ_BYTES = 64 * 1024
START_S = 10
SILENCE_S = 0.05
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 39\r\nConnection: close\r\n\r\n"
    b"<h1>502 Bad Gateway</h1>data: not yours"
)


class Proxy:
    """A proxy on a free loopback port, round-robin over its upstreams; each request is a connection of its own.

    Shape: attributes are the faults, and hold for what is sent from then on:
      `cut_after_bytes`  the answer is cut off after so many bytes
      `chunk_bytes`      the answer arrives in pieces of at most so many bytes
      `delay_s`          each piece waits so long
      `hold`             the whole answer is held back until it is complete
      `silent`           nothing is passed on any more, and nothing is closed (half-open)
      `refuse`           connections are closed as soon as they are accepted
      `answer`           these bytes instead of any upstream (`BAD_GATEWAY`)
      `strip`            request headers, in small letters, that do not get through
    """

    def __init__(self, *upstreams: tuple[str, int]) -> None:
        self.cut_after_bytes: int | None = None
        self.chunk_bytes, self.delay_s = READ_BYTES, 0.0
        self.hold = self.silent = self.refuse = False
        self.answer: bytes | None = None
        self.strip: frozenset[str] = frozenset()
        self.port = 0
        self._upstreams, self._count = cycle(upstreams), len(upstreams)
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_S):
            raise RuntimeError("the proxy did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)

    def cut(self) -> None:
        """Ends every connection there is, in the middle of whatever it is at."""
        self._loop.call_soon_threadsafe(self._abort)

    @contextmanager
    def away(self) -> Iterator[None]:
        """The network is away for everybody while the block runs."""
        self.refuse = True
        self.cut()
        try:
            yield
        finally:
            self.refuse = False

    def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_BYTES)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._abort()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(self._loop), return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if not self.refuse:
                await self._pass_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # either side went away, which is what a proxy is for, or the proxy ends
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = self._changed(await reader.readuntil(b"\r\n\r\n"))
        if self.answer is not None:
            writer.write(self.answer)
            await writer.drain()
            return
        upstream, away = await self._connect()
        self._writers.add(away)
        away.write(head)
        asking = asyncio.ensure_future(_copy(reader, away))
        try:
            await self._answer(upstream, writer)
        finally:
            asking.cancel()
            self._writers.discard(away)
            away.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in range(self._count - 1):
            with suppress(OSError):
                return await asyncio.open_connection(*next(self._upstreams))
        return await asyncio.open_connection(*next(self._upstreams))

    def _changed(self, head: bytes) -> bytes:
        first, *lines = head.decode("latin-1").split("\r\n")
        names = [line.partition(":")[0].strip().lower() for line in lines]
        upgrade = "upgrade" in names
        gone = self.strip if upgrade else self.strip | {"connection"}
        kept = [line for line, name in zip(lines, names, strict=True) if name not in gone or not name]
        return "\r\n".join([first, *([] if upgrade else ["Connection: close"]), *kept]).encode("latin-1")

    async def _answer(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self.cut_after_bytes
        held = b""
        while data := await upstream.read(self.chunk_bytes):
            if self.silent:
                continue
            held += data
            if self.hold:
                continue
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if left is not None and len(held) >= left:
                writer.write(held[:left])
                await writer.drain()
                writer.transport.abort()
                return
            left = None if left is None else left - len(held)
            writer.write(held)
            held = b""
            await writer.drain()
        while self.silent:  # whoever is at the other end hears of no end either
            await asyncio.sleep(SILENCE_S)
        writer.write(held)
        await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()


def kill(pid: int) -> None:
    """SIGKILL: the process says goodbye to nobody."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def asleep(pid: int) -> Iterator[None]:
    """SIGSTOP while the block runs: the process is there, and does nothing."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
