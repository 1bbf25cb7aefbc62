"""`make chaos`: the real site, hundreds of pages on three transports, changes all the while, one fault after another.

What was acknowledged is compared with what every page was shown. MINUTES, CLIENTS, CHANGES (a second) and SEED change
the run, KEEP keeps its folder with the logs; the result is var/chaos.json, the exit code 0 if the promise was kept.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import redis
from flask.sessions import SecureCookieSessionInterface

from app import create_app
from bench.chaos_page import Page
from bench.chaos_result import SETTLE_S, kept, result_of
from bench.chaos_site import ROOT, SETTINGS, Site, asleep, kill
from blueprints.auth import LoginSession, User
from blueprints.auth.sessions import COOKIE_KEY
from blueprints.chat.models import Room
from database import db, upgrade

ROOMS, USERS = 20, 60
NONE = "-"  # their sessions are made here: nobody signs in
SLEEP_S, CUT_S = 10, 2
BETWEEN_S = (10, 20)
TRANSPORTS = ("stream", "poll", "socket")


class Chaos:
    """One run: pages, changes and faults, each a task; what happened is in plain lists."""

    def __init__(self, site, cookies, clients, seconds, changes_per_s, seed):
        self.site, self.cookies = site, cookies
        self.seconds, self.changes_per_s = seconds, changes_per_s
        self.dice, self.change_dice = (
            random.Random(seed),
            random.Random(seed + 1),
        )  # faults depend on the seed alone
        self.acknowledged, self.changes, self.faults = {}, 0, []
        self.redis = redis.Redis.from_url(site.redis.url, socket_timeout=2)
        self.pages = [self._page(number) for number in range(clients)]
        self.turns = [asyncio.Lock() for _ in cookies]  # a browser sends one message at a time
        self.posts = [Page(site.proxy.url, "", cookie, "poll", "", 2) for cookie in cookies]

    def _page(self, number):
        room = number % ROOMS + 1
        kind = TRANSPORTS[number % len(TRANSPORTS)]
        cookie = self.cookies[number % len(self.cookies)]
        return Page(
            self.site.proxy.url, f"/chat/rooms/{room}", cookie, kind, f"room {room}", SETTINGS["LIVE_BEAT_S"]
        )

    async def run(self):
        opened = [asyncio.create_task(page.live()) for page in self.pages]
        while any(page.link is None for page in self.pages):
            await asyncio.sleep(0.2)
        watching = asyncio.create_task(self._watch())
        changing = asyncio.create_task(self._change_all())
        await self._break_things()
        await asyncio.gather(changing)
        await self._settle()
        watching.cancel()
        for task in opened:
            task.cancel()
        await asyncio.gather(*opened, watching, return_exceptions=True)

    # -- changes ----------------------------------------------------------------------------------------

    async def _change_all(self):
        tasks, begun = [], time.monotonic()
        while len(tasks) < self.seconds * self.changes_per_s:
            tasks.append(asyncio.create_task(self._change(self.change_dice.randrange(ROOMS) + 1, len(tasks))))
            await asyncio.sleep(begun + len(tasks) / self.changes_per_s - time.monotonic())
        self.changes = len(tasks)
        await asyncio.gather(*tasks)

    async def _change(self, room, number):
        """Posts until it is answered with success, as the composer does: the same token each time, so it takes effect
        once, and a pause that grows."""
        who = number % len(self.posts)
        text = f"change {number}"
        body = urlencode({"text": text, "token": uuid4().hex})
        async with self.turns[who]:
            if await self._posted(self.posts[who], f"/chat/rooms/{room}/messages", body):
                self.acknowledged[text] = (f"room {room}", time.time())

    async def _posted(self, sender, path, body):
        end, pause_s = time.monotonic() + self.seconds + SETTLE_S, 0.5
        while time.monotonic() < end:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                status, _ = await sender.ask("POST", path, body, limit_s=12)
                if status in (200, 303):
                    return True
            await asyncio.sleep(random.random() * pause_s)
            pause_s = min(4, 2 * pause_s)
        return False

    # -- faults -----------------------------------------------------------------------------------------

    async def _break_things(self):
        end = time.monotonic() + self.seconds
        faults = [
            self._kill_web, self._sleep_web, self._kill_worker, self._sleep_worker, self._kill_holder,
            self._sleep_holder, self._kill_redis, self._sleep_redis, self._empty_redis, self._cut_network,
            self._strip_header,
        ]  # fmt: skip
        while True:
            pause_s = self.dice.uniform(*BETWEEN_S)
            if time.monotonic() + pause_s + SLEEP_S > end:
                return
            await asyncio.sleep(pause_s)
            fault = self.dice.choice(faults)
            await fault()
            self.site.revive()
            waiting = {"due": self._due(), "waiting": set(range(len(self.pages))), "repairs": []}
            self.faults.append({"fault": fault.__name__[1:], "ended": time.time(), **waiting})
            print(f"{time.strftime('%H:%M:%S')} {fault.__name__[1:]}", flush=True)

    async def _kill_web(self):
        kill(self.site.web(self.dice.randrange(2)))

    async def _sleep_web(self):
        await self._asleep(self.site.web(self.dice.randrange(2)))

    async def _kill_worker(self):
        kill(self.site.processes["worker"].pid)

    async def _sleep_worker(self):
        await self._asleep(self.site.processes["worker"].pid)

    async def _kill_holder(self):
        kill(self.site.holder(self.redis))

    async def _sleep_holder(self):
        await self._asleep(self.site.holder(self.redis))

    async def _kill_redis(self):
        kill(self.site.redis.process.pid)
        await asyncio.sleep(1)

    async def _sleep_redis(self):
        await self._asleep(self.site.redis.process.pid)

    async def _empty_redis(self):
        self.redis.flushall()

    async def _cut_network(self):
        with self.site.proxy.away():
            await asyncio.sleep(CUT_S)

    async def _strip_header(self):
        self.site.proxy.strip = frozenset({"last-event-id"})
        self.site.proxy.cut()
        await asyncio.sleep(CUT_S)
        self.site.proxy.strip = frozenset()

    async def _asleep(self, pid):
        with asleep(pid):
            await asyncio.sleep(SLEEP_S)

    # -- what came of it --------------------------------------------------------------------------------

    async def _watch(self):
        """Notes when each page had everything again that was acknowledged before the end of the newest fault."""
        while True:
            await asyncio.sleep(0.25)
            for fault in self.faults:
                if fault["waiting"]:
                    self._look(fault)

    def _look(self, fault):
        now = time.time()
        for number in list(fault["waiting"]):
            page = self.pages[number]
            if fault["due"].get(page.seen.topic, set()) <= page.texts:
                fault["waiting"].discard(number)
                fault["repairs"].append(now - fault["ended"])

    def _due(self):
        """{topic: what was acknowledged so far}"""
        due = {}
        for text, (topic, _) in self.acknowledged.items():
            due.setdefault(topic, set()).add(text)
        return due

    async def _settle(self):
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end and any(fault["waiting"] for fault in self.faults):
            await asyncio.sleep(0.25)
        await asyncio.sleep(2)


def prepare(folder, redis_url):
    """A migrated database with rooms and people in it; the cookies of their browsers."""
    app = create_app(SETTINGS | {"LEVAIN_VAR": str(folder), "REDIS_URL": redis_url})
    with app.app_context():
        upgrade()
        db.session.add_all(Room(name=f"Room {n}", about="") for n in range(1, ROOMS + 1))
        users = [User(email=f"u{n}@levain.test", name=f"User {n}", password_hash=NONE) for n in range(USERS)]
        db.session.add_all(users)
        db.session.flush()
        rows = [LoginSession.start(user.id, remember=True, life_s=86400) for user in users]
        db.session.add_all(rows)
        db.session.commit()
        sign = SecureCookieSessionInterface().get_signing_serializer(app).dumps
        cookies = [f"levain={sign({COOKIE_KEY: row.id, '_fresh': True})}" for row in rows]
        db.engine.dispose()
    return cookies


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whatever ends it, no process stays behind
    defaults = {"MINUTES": "5", "CLIENTS": "200", "CHANGES": "20", "SEED": "1"}
    minutes, clients, changes, seed = (os.environ.get(*pair) for pair in defaults.items())
    folder = Path(tempfile.mkdtemp(prefix="levain-chaos-"))
    site = Site(folder)
    try:
        cookies = prepare(folder, site.redis.url)
        site.start()
        try:
            chaos = Chaos(site, cookies, int(clients), 60 * float(minutes), int(changes), int(seed))
            result = result_of(chaos, int(seed))
        finally:
            site.stop()
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(folder, ignore_errors=True)
    (ROOT / "var").mkdir(exist_ok=True)
    (ROOT / "var/chaos.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))
    return 0 if kept(result) else 1


if __name__ == "__main__":
    sys.exit(main())
