"""The real site under load: the whole path of a message, neighbours, a storm, and readers that stop reading."""

import asyncio
import http.client
import random
import re
import resource
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from bench.chaos_page import Page
from bench.client import Client
from bench.site import ANSWER_S, ROOM_ID, answer_of, marked
from blueprints.orders.broadcasts import MENU
from live.testing import SocketClient, StreamClient, connection

PAGE, ROOM = "/orders/", f"/chat/rooms/{ROOM_ID}"
EVENTS_PER_S = 10
FIRST_TRY_S = 1.05  # within it a page tries for the first time, after an outage (static/answers.js)
# While some have stopped: half of what a process can do, or a queue is measured.
MESSAGES_PER_S = 4
TEXT_CHARS = 2000
# Of those that will stop: as many pages as a process makes beside other work.
ARRIVALS_PER_S = 20
SETTLE_S = 5
RECEIVE_BYTES = 4096  # what they do not read waits at the server; here the same kernel would keep it for both
CATCH_UP_S = 45


# -- the whole path -------------------------------------------------------------------------------------


def whole_path(site, messages):
    """From `POST` answered to a message's arrival in an open page of somebody else, on an idle site."""
    return {kind.kind: _path_of(site, kind, messages) for kind in (StreamClient, SocketClient)}


def _path_of(site, kind, messages):
    page = connection(site.ask(ROOM, site.headers(0))[1])
    web = http.client.HTTPConnection("127.0.0.1", site.port, timeout=ANSWER_S)
    took = []
    with kind(f"http://127.0.0.1:{site.port}", site.headers(0)).connect(page) as reader:
        for number in range(messages):
            time.sleep(random.uniform(0.02, 0.06))
            answered = _post(
                web, site.headers(1 + number % (site.people - 1)), text := f"message {uuid4().hex}"
            )
            while text not in reader.event().data:
                pass
            took.append((time.monotonic() - answered) * 1000)
    web.close()
    return {"messages": messages, **_quantiles(took)}


def _post(web, headers, text):
    """The moment at which a message was answered with success."""
    status, _ = answer_of(web, f"{ROOM}/messages", {"text": text, "token": uuid4().hex}, headers)
    if status not in (200, 303):
        raise RuntimeError(f"a message was answered with {status}")
    return time.monotonic()


# -- neighbours and storms ------------------------------------------------------------------------------


def neighbours_and_storm(site, readers, seconds):
    """Ordinary pages alone, then while so many pages are told of each event, then while all of these come back."""
    with _asking_for_pages(site) as alone:
        time.sleep(seconds)
    before_mb = site.memory_mb
    with Client(site.port, readers, "stream", site.readers(PAGE, readers)) as client:
        time.sleep(2)
        opened, more_kb = client.opened, (site.memory_mb - before_mb) * 1e3 / max(client.opened["open"], 1)
        client.reset()
        with _asking_for_pages(site) as busy:
            count = _tell(site, seconds)
            got = client.wait_for(count * opened["open"], 5)
        return {
            "opened_per_s": round(opened["open"] / opened["seconds"]),
            "kb_per_idle_reader": round(more_kb, 2),
            "neighbours": {
                "readers": opened["open"],
                "events": count,
                "arrived": round(got["deliveries"] / (count * opened["open"]), 4),
                "p99_ms": got["p99_ms"],
                "page_p95_ms_alone": alone.p95_ms(),
                "page_p95_ms": busy.p95_ms(),
                "page_errors": busy.errors + alone.errors,
            },
            "storm": _storm(site, client),
        }


def _tell(site, seconds):
    begun = time.monotonic()
    for number in range(int(seconds * EVENTS_PER_S)):
        time.sleep(max(0.0, begun + number / EVENTS_PER_S - time.monotonic()))
        site.announce(MENU, "bench", marked())
    return number + 1


def _storm(site, client):
    site.age_sessions()
    asked = site.queries()
    with _asking_for_pages(site) as pages:
        back = client.cut(FIRST_TRY_S)
    return {
        "readers": back["open"],
        "most_back_s": back["most_s"],
        "all_back_s": back["all_s"],
        "refused": back["refused"],
        "queries_per_return": round((site.queries() - asked) / max(back["open"] + back["refused"], 1), 3),
        "pages": len(pages.took_ms),
        "page_p95_ms": pages.p95_ms(),
        "page_errors": pages.errors,
    }


class Asking:
    """Somebody who asks for one page after the other."""

    def __init__(self, site):
        self.site, self.took_ms, self.errors, self.over = site, [], 0, False

    def run(self):
        web = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=ANSWER_S)
        while not self.over:
            begun = time.monotonic()
            try:
                self.errors += answer_of(web, PAGE, headers=self.site.headers(0))[0] != 200
            except (OSError, http.client.HTTPException):
                self.errors += 1
                web.close()
            self.took_ms.append((time.monotonic() - begun) * 1000)
            time.sleep(0.02)
        web.close()

    def p95_ms(self):
        return _quantile(self.took_ms, 0.95)


@contextmanager
def _asking_for_pages(site):
    asking = Asking(site)
    thread = threading.Thread(target=asking.run)
    thread.start()
    try:
        yield asking
    finally:
        asking.over = True
        thread.join()


# -- readers that stop ----------------------------------------------------------------------------------


class Stopping(Page):
    """A page whose browser does not read on while `may_read` is not set; what it was told waits at the server."""

    def __init__(self, site, number):
        headers = site.headers(number)
        super().__init__(f"http://127.0.0.1:{site.port}", ROOM, headers["Cookie"], "stream", "room", 5)
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.openings = 0

    async def _connect(self):
        plug = socket.socket()
        plug.setblocking(False)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        await asyncio.get_running_loop().sock_connect(plug, (self.host, self.port))
        return await asyncio.open_connection(sock=plug, limit=RECEIVE_BYTES)

    async def _take(self, event):
        self.openings += event.name == "live:open"
        await self.may_read.wait()
        await super()._take(event)


def stopped(site, readers, seconds):
    """One in ten readers stops while messages go on: what the others notice, what it costs, what the stopped show."""
    few = readers // 10
    with Client(site.port, readers - few, "stream", site.readers(ROOM, readers - few)) as client:
        # Before the few are there: while they read, they take the processor from whoever measures.
        before = _talk(site, client, seconds / 2)
        return asyncio.run(_stopped(site, client, few, seconds, before))


async def _stopped(site, client, few, seconds, before):
    pages = [Stopping(site, number) for number in range(few)]
    living = []
    try:
        for page in pages:
            living.append(asyncio.create_task(page.live()))
            await asyncio.sleep(1 / ARRIVALS_PER_S)
        while not all(page.openings for page in pages):
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_S)
        for page in pages:
            page.may_read.clear()
            page.openings = 0
        begun_mb = site.memory_mb
        during = await asyncio.to_thread(_talk, site, client, seconds)
        more_mb = site.memory_mb - begun_mb
        for page in pages:
            page.may_read.set()
        right = await _all_right(site, pages)
    finally:
        for task in living:
            task.cancel()
        await asyncio.gather(*living, return_exceptions=True)
    return {
        "readers": client.opened["open"] + few,
        "stopped": few,
        "seconds": seconds,
        "others_p99_ms_before": before["p99_ms"],
        "others_p99_ms": during["p99_ms"],
        "mb_more": round(more_mb, 1),
        "kernel_mb_more": round(during["kernel_mb"] - before["kernel_mb"], 1),
        "came_back": sum(page.openings > 0 for page in pages),
        "right_pages": right,
    }


def _talk(site, client, seconds):
    """Messages as people write them, by forms: the load client's report, and the most that the kernel kept."""
    client.reset()
    web = http.client.HTTPConnection("127.0.0.1", site.port, timeout=ANSWER_S)
    begun, kernel_mb = time.monotonic(), 0.0
    for number in range(int(seconds * MESSAGES_PER_S)):
        time.sleep(max(0.0, begun + number / MESSAGES_PER_S - time.monotonic()))
        kernel_mb = max(kernel_mb, _kernel_mb())
        _post(web, site.headers(number % site.people), marked().ljust(TEXT_CHARS, "x"))
    web.close()
    time.sleep(0.5)
    return client.wait_for(0, 0) | {"kernel_mb": kernel_mb}


def _kernel_mb():
    """What all TCP connections of this machine wait with; Linux counts it in pages."""
    fields = re.search(r"TCP: .* mem (\d+)", Path("/proc/net/sockstat").read_text())
    return int(fields[1]) * resource.getpagesize() / 1e6


async def _all_right(site, pages):
    """How many pages come to show what a page shows that is loaded now."""
    fresh = Page(f"http://127.0.0.1:{site.port}", ROOM, site.headers(0)["Cookie"], "poll", "room", 5)
    await fresh._repair()
    wanted, until = _newest(fresh), time.monotonic() + CATCH_UP_S
    while (right := sum(_newest(page) == wanted for page in pages)) < len(pages) and time.monotonic() < until:
        await asyncio.sleep(0.25)
    return right


def _newest(page):
    return sorted(page.items.items())[-20:]


def _quantiles(values):
    return {
        "p50_ms": _quantile(values, 0.5),
        "p99_ms": _quantile(values, 0.99),
        "max_ms": round(max(values), 1),
    }


def _quantile(values, share):
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 1) if values else None
