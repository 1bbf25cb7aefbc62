"""Somebody who looks at one job until it has ended: a page, its stream, and what a browser does when that breaks."""

import http.client
import re
import threading
import time
from contextlib import closing, contextmanager, suppress

from live.testing.page import connection
from live.testing.stream import Parser

SILENCE_S = 12  # a page believes its stream for so long
AGAIN_S = 0.3
REPAIR = ("live:resync", "live:bye")
END = re.compile(r'<section id="job-(\d+)"[^>]*data-state="(done|failed|cancelled)"')


class Viewer:
    """`ends` are the ends it was shown, `seen_at` when the first of them was."""

    def __init__(self, port, cookie, job_id, over):
        self.job_id, self.ends, self.seen_at = job_id, set(), None
        self._port, self._over = port, over
        self._headers = {"Cookie": cookie, "Accept": "text/html, text/event-stream"}
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        """A browser never gives up: whatever breaks, it loads its page again."""
        while not self._over.is_set():
            with suppress(OSError, http.client.HTTPException, AssertionError):
                self._follow()
            self._over.wait(AGAIN_S)

    def _follow(self):
        with self._get(f"/jobs/{self.job_id}") as answer:
            page = answer.read().decode()
        self._note(page)
        parser = Parser()
        with self._get(connection(page).address("stream")) as stream:
            while not self._over.is_set() and (data := stream.read1(65536)):
                for event in parser.feed(data):
                    if event.name in REPAIR:
                        return
                    self._note(event.data)

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
