"""A page of the site as `make chaos` opens hundreds of them: what live.js does, in asyncio, without a browser.

It keeps to the client's rules (DESIGN 4.4): its position in the address of each attempt, `open` within 3 s, two
beats of silence, full jitter, repair on `resync`, the regions of a page it fetches anew. Limits are `asyncio.timeout`:
`wait_for` may swallow the end of its task.
"""

import asyncio
import base64
import os
import random
import re
import struct
import time
from contextlib import suppress
from dataclasses import replace
from json import loads
from urllib.parse import urlsplit

from live.position import read
from live.testing import connection
from live.testing.checker import Seen
from live.testing.stream import Parser, read_envelope

HELLO_S, POLL_S, ANSWER_S, CAP_S = 3, 40, 10, 4
POLL_PACE_S = 0.5
TEXT = re.compile(r">(change \d+)<")
ITEM = re.compile(r'<\w+ id="message-(\d+)"[^>]*?data-version="(\d+)"')
DELETE = re.compile(r'hx-target="#message-(\d+)" hx-swap="delete"')


class Gone(Exception):
    """This attempt is over; the page comes back."""


class Page:
    """One open page: `items` is what stands in it now, {id: version}; `seen` what it was ever shown."""

    def __init__(self, url, path, cookie, kind, topic, beat_s):
        self.host, self.port = urlsplit(url).hostname, urlsplit(url).port
        self.path, self.cookie, self.kind, self.beat_s = path, cookie, kind, beat_s
        self.seen, self.items, self.texts = Seen(topic), {}, set()
        self.link, self.retry_s, self.failures, self.errors = None, None, 0, []
        self.resyncs = self.oldest = 0

    # -- the page's life --------------------------------------------------------------------------------

    async def live(self):
        """Opens the page and keeps it live until it is cancelled."""
        await self._repair()
        self.seen.since = max(self.items, default=0)
        while True:
            try:
                await {"stream": self._stream, "poll": self._poll, "socket": self._socket}[self.kind]()
                self.failures = 0
            except (Gone, OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
                await self._wait()

    async def _wait(self):
        pause_s = self.retry_s or random.random() * min(CAP_S, 2**self.failures)
        self.retry_s, self.failures = None, self.failures + 1
        await asyncio.sleep(max(0.05, pause_s))

    async def _repair(self):
        """Fetches the page until it comes, and takes what stands in it."""
        while True:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                status, body = await self.ask("GET", self.path)
                if status == 200:
                    break
            await self._wait()
        self.items = {int(item): int(version) for item, version in ITEM.findall(body)}
        self.oldest = min(self.items, default=0)
        self.seen.items |= self.items.keys()
        self.texts |= set(TEXT.findall(body))
        self.link = connection(body)

    # -- transports -------------------------------------------------------------------------------------

    async def _stream(self):
        reader, writer = await self._begin(self.link.address("stream"), {"Last-Event-ID": self.link.position})
        try:
            await self._head(reader, HELLO_S)
            parser, opened = Parser(), False
            while True:
                limit_s = 2 * self.beat_s + 0.5 if opened else HELLO_S
                async with asyncio.timeout(limit_s):
                    data = await reader.read(65536)
                if not data:
                    raise Gone
                for event in parser.feed(data):
                    opened = True
                    await self._take(event)
        finally:
            writer.close()

    async def _poll(self):
        next_at = time.monotonic() + POLL_PACE_S
        status, body = await self.ask("GET", self.link.address("poll"), limit_s=POLL_S)
        if status != 200:
            raise Gone(status)
        for event in Parser().feed(body.encode()):
            await self._take(event)
        await asyncio.sleep(next_at - time.monotonic())

    async def _socket(self):
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
        }
        reader, writer = await self._begin(self.link.address("socket"), upgrade)
        try:
            await self._head(reader, HELLO_S, 101)
            opened = False
            while True:
                limit_s = 2 * self.beat_s + 0.5 if opened else HELLO_S
                async with asyncio.timeout(limit_s):
                    message = await _frame(reader, writer)
                opened = True
                if message:
                    await self._take(read_envelope(message))
        finally:
            writer.close()

    # -- events -----------------------------------------------------------------------------------------

    async def _take(self, event):
        await self._obey(event)
        if event.id and not self._newer(event.id):
            return
        if not event.name and event.id:
            self._show(event)
        if event.id:
            self.link = self.link.at(event.id)

    async def _obey(self, event):
        """What the core says."""
        if event.name == "live:resync":
            self.resyncs += 1
            await asyncio.sleep(loads(event.data)["after"] / 1000)
            await self._repair()
            raise Gone
        if event.name == "live:bye":
            self.retry_s = loads(event.data)["retry"] / 1000
            raise Gone
        if event.name == "live:beat":
            self.failures = 0
        if event.name in (
            "live:open",
            "live:beat",
        ):  # else each poll would be answered at once with who is here
            self.link = replace(self.link, seen=str(loads(event.data)["seen"]))

    def _newer(self, position):
        new, old = read(position), read(self.link.position)
        return old is None or new.epoch != old.epoch or new.n > old.n

    def _show(self, event):
        self.seen.positions.append(event.id)
        self.texts |= set(TEXT.findall(event.data))
        for item, version in ITEM.findall(event.data):
            self._upsert(int(item), int(version))
        for item in DELETE.findall(event.data):
            self.items.pop(int(item), None)

    def _upsert(self, item, version):
        if (
            item not in self.items and item > self.oldest
        ):  # older ones are history, which a page shows in its place
            self.seen.arrived.append(item)
        if version >= self.items.get(item, 0):
            self.items[item] = version
        self.seen.items.add(item)

    # -- HTTP -------------------------------------------------------------------------------------------

    async def ask(self, method, path, body="", limit_s=ANSWER_S):
        """One request on a connection of its own: (status, body)."""
        async with asyncio.timeout(limit_s):
            reader, writer = await self._begin(path, {}, method, body)
            try:
                return await self._head(reader, limit_s), (await reader.read()).decode()
            finally:
                writer.close()

    async def _connect(self):
        return await asyncio.open_connection(self.host, self.port)

    async def _begin(self, path, headers, method="GET", body=""):
        reader, writer = await self._connect()
        version = "1.1" if "Upgrade" in headers else "1.0"  # 1.0: no chunks to take apart
        own = {"Host": f"{self.host}:{self.port}", "Cookie": self.cookie, "Sec-Fetch-Site": "same-origin"}
        if body:
            own |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
        lines = [f"{name}: {value}" for name, value in (own | headers).items()]
        writer.write("\r\n".join([f"{method} {path} HTTP/{version}", *lines, "", body]).encode())
        return reader, writer

    async def _head(self, reader, limit_s, wanted=None):
        async with asyncio.timeout(limit_s):
            head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status in (401, 403, 404, 500):
            self.errors.append((self.kind, status, time.time()))
        if wanted and status != wanted:
            raise Gone(status)
        return status


async def _frame(reader, writer):
    """The text of the next message; "" for what only keeps the connection."""
    first, length = await reader.readexactly(2)
    if length > 125:
        size = 2 if length == 126 else 8
        (length,) = struct.unpack("!H" if size == 2 else "!Q", await reader.readexactly(size))
    data = await reader.readexactly(length)
    if first & 15 == 8:
        raise Gone
    if first & 15 == 9:
        writer.write(bytes([0x8A, 0x80 | len(data), 0, 0, 0, 0]) + data)  # a pong, masked with zeros
    return data.decode() if first & 15 == 1 else ""
