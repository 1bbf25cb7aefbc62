"""A page as a browser keeps it: loaded, followed over one transport, repaired when it is told to, connected again.

It remembers what a page shows and everything that must never happen to it: an event twice, or one out of order.
"""

import http.client
import json
import re
import time
from contextlib import suppress
from dataclasses import replace

from live.position import read
from live.testing import TRANSPORTS, Ended, Refused, connection
from tests.faults.limits import in_time

NOTE = re.compile(r'id="(?:note|message)-(\d+)"')
BAR = re.compile(r'id="bar">(\w+)<')
AWAY = (OSError, http.client.HTTPException, Ended, Refused, AssertionError)
PAUSE_S = 0.05
REPAIRED_S = 15  # the promise of DESIGN: complete so long after the end of a fault


class OpenPage:
    """`shown` are the notes on it; `resyncs` counts how often it had to fetch itself, `lost` how often its connection
    ended or did not come about, `wrong` lists what is wrong; `fresh` is what the newest beat said, `bar` the volatile
    value on it, `present` who was here, each time that was said."""

    def __init__(self, site, kind, path="/notes/1"):
        self.site, self.kind, self.path = site, kind, path
        self.shown, self.resyncs, self.reconnects, self.wrong, self.beats = [], 0, 0, [], 0
        self.lost, self.fresh, self.bar = 0, None, None
        self.byes, self.present = [], []
        self.client = None
        self.load()
        self.connect()

    def load(self):
        """What the browser does for a fresh page or a repair: all from the server."""
        status, _, html = self.site.ask("GET", self.path, headers=self.site.headers)
        assert status == 200, html[:300]
        self.shown, self.page = [int(number) for number in NOTE.findall(html)], connection(html)

    def connect(self):
        self.close()
        self.client = TRANSPORTS[self.kind](self.site.url, self.site.headers)
        self.client.connect(self.page)

    def close(self):
        if self.client:
            self.client.close()
            self.client = None

    def until_shown(self, numbers, timeout_s=15):
        """Follows the page until it shows all of these; AssertionError when that takes too long."""
        give_up = time.monotonic() + in_time(timeout_s)
        while not set(numbers) <= set(self.shown):
            missing = sorted(set(numbers) - set(self.shown))
            assert time.monotonic() < give_up, f"{self.kind}: not shown after {timeout_s} s: {missing[:9]}"
            self.step(min(0.5, give_up - time.monotonic()))
        return self

    def until(self, done, timeout_s=15):
        """Follows the page until `done(page)`."""
        give_up = time.monotonic() + in_time(timeout_s)
        while not done(self):
            assert time.monotonic() < give_up, f"{self.kind}: not after {timeout_s} s"
            self.step(min(0.5, give_up - time.monotonic()))
        return self

    def step(self, timeout_s=0.5):
        """Takes one event, or comes back after whatever ended the connection."""
        try:
            if self.client is None:
                self._come_back()
            self.take(self.client.next(timeout_s))
        except TimeoutError:
            pass
        except AWAY:
            self.lost += 1
            self._drop()

    def _come_back(self):
        try:
            self.connect()
        except TimeoutError:
            raise Ended from None
        self.reconnects += 1

    def take(self, event):
        self._check_order(event)
        if event.name == "live:resync":
            self.resyncs += 1
            self.load()
            self._drop()
        elif event.name == "live:bye":
            self.byes.append(event)
            self._drop()
        elif event.name == "live:presence":
            self.present.append({int(user) for user in json.loads(event.data)})
        elif event.name == "live:beat":
            self.beats += 1
            self.fresh = json.loads(event.data)["fresh"]
        elif not event.name:
            self.shown += [int(number) for number in NOTE.findall(event.data)]
            self.bar = (BAR.search(event.data) or [None, self.bar])[1]

    def _check_order(self, event):
        found, before = read(event.id), read(self.page.position)
        if found is None:
            return
        is_beat = event.name == "live:beat"
        if (
            before
            and found.epoch == before.epoch
            and (found.n < before.n or (found.n == before.n and not is_beat))
        ):
            self.wrong.append((str(before), event))
        self.page = replace(self.page, position=event.id)

    def _drop(self):
        with suppress(*AWAY):
            self.close()
        self.client = None
        time.sleep(PAUSE_S)  # a browser's smallest back-off


def complete(site, pages):
    """Each shows what a fresh page shows; one that lived through it all may show more, older things."""
    fresh = OpenPage(site, "stream", pages[0].path)
    fresh.close()
    for page in pages:
        page.until_shown(fresh.shown, REPAIRED_S)
        assert page.wrong == []
