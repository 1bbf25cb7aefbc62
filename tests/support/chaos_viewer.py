"""Somebody who looks at one job until it has ended: a page, its stream, and what a browser does when that breaks."""

import http.client
import json
import random
import re
import threading
import time
from contextlib import closing, contextmanager

from live.testing.page import connection
from live.testing.stream import Parser

SILENCE_S = 12  # a page believes its stream for so long
SPREAD_S = 0.3  # within which a page fetches itself once for all that asks it to
CAP_S = 4  # of the pause before it asks again, as in live.js: random, and longer with each failure in a row
END = re.compile(r'<section id="job-(\d+)"[^>]*data-state="(done|failed|cancelled)"')


class Viewer:
    """`ends` are the ends it was shown, `seen_at` when the first of them was."""

    def __init__(self, port, cookie, job_id, over):
        self.job_id, self.ends, self.seen_at = job_id, set(), None
        self._port, self._over = port, over
        self._headers = {"Cookie": cookie, "Accept": "text/html, text/event-stream"}
        self._page, self._is_old, self._failures = None, False, 0
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        """A browser never gives up; without its pauses many of them would keep a busy site from answering any."""
        while not self._over.is_set():
            try:
                pause_s = self._follow()
            except (OSError, http.client.HTTPException):
                pause_s = random.uniform(0, min(CAP_S, 2**self._failures))
                self._failures += 1
            self._over.wait(pause_s)

    def _follow(self):
        """Reads the stream from where it was; the seconds to wait before the next try."""
        if self._page is None or self._is_old:
            self._load()
        parser = Parser()
        with self._get(self._page.address("stream")) as stream:
            while not self._over.is_set() and (data := stream.read1(65536)):
                for event in parser.feed(data):
                    if (pause_s := self._take(event)) is not None:
                        return pause_s
                if self._is_old:
                    self._over.wait(random.uniform(0, SPREAD_S))
                    self._load()
        return random.random()

    def _take(self, event):
        """None, or how long to wait where the stream has ended with this event."""
        self._failures = 0
        if event.name == "live:resync":
            self._page = None
            return json.loads(event.data)["after"] / 1000
        if event.name == "live:bye":
            return json.loads(event.data)["retry"] / 1000
        self._is_old |= event.name == "live:refresh"
        if event.id:
            self._page = self._page.at(event.id)
        self._note(event.data)
        return None

    def _load(self):
        self._page = None  # whatever was announced is not shown before this has answered
        with self._get(f"/jobs/{self.job_id}") as answer:
            html = answer.read().decode()
        self._note(html)
        self._page, self._is_old = connection(html), False

    def _note(self, html):
        for number, end in END.findall(html):
            if int(number) == self.job_id:
                self.seen_at = self.seen_at or time.time()
                self.ends.add(end)

    @contextmanager
    def _get(self, path):
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=SILENCE_S)) as asking:
            asking.request("GET", path, headers=self._headers)
            with asking.getresponse() as response:
                if response.status != http.client.OK:
                    raise http.client.HTTPException(response.status)
                yield response
