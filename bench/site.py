"""The real site as it is served, with people who are signed in: one gunicorn by its own gunicorn.conf.py, on core 0."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import psutil
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import update

from app import create_app, seed
from bench.kinds import ROOT
from bench.servers import fetch, pin
from blueprints.auth import LoginSession, User
from blueprints.auth.sessions import COOKIE_KEY
from blueprints.chat import rooms
from blueprints.chat.models import Room
from database import db, upgrade, utcnow
from live.testing import connection
from live.topics import TopicList

PEOPLE, BROWSERS = 250, 20  # people, and how many browsers each of them has
ROOM_ID = 3  # the demo's room in which they talk, all of them members: who comes in changes every page of it
ANSWER_S = 20
STREAM = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\nSec-Fetch-Site: same-origin\r\n"
    "Cookie: {cookie}\r\n\r\n"
)


class Site:
    """The running site; `app` is the same site in this process, for the database and for what others announce.

    Shape: `browsers` are pairs (session id, headers), first one of each person, then the second of each, ...
    """

    def __init__(self, folder, redis_url, people=PEOPLE):
        self.people = people
        self.settings = {
            "LEVAIN_ENV": "development",
            "LEVAIN_VAR": str(folder),
            "REDIS_URL": redis_url,
            "SECRET_KEY": "of a benchmark, on loopback only, for some minutes",
            "LIVE_MAX_STREAMS_PER_USER": BROWSERS * 4,
        }
        self.app, self.log = create_app(self.settings), folder / "site.log"
        self.browsers = self._fill()

    def _fill(self):
        """The demo data, and people who need no password: their sessions are made here."""
        with self.app.app_context():
            upgrade()
        seed(self.app)
        with self.app.app_context():
            names = [f"Person {number}" for number in range(self.people)]
            people = [User(email=f"{name[7:]}@levain.test", name=name, password_hash="-") for name in names]
            db.session.add_all(people)
            db.session.flush()
            for who in people:
                rooms.add(db.session.get(Room, ROOM_ID), who.id)
            rows = [LoginSession.start(who.id, True, 86400) for _ in range(BROWSERS) for who in people]
            db.session.add_all(rows)
            ids = [row.id for row in rows]
            db.session.commit()
        sign = SecureCookieSessionInterface().get_signing_serializer(self.app).dumps
        cookies = [f"levain={sign({COOKIE_KEY: row_id, '_fresh': True})}" for row_id in ids]
        return [
            (row_id, {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"})
            for row_id, cookie in zip(ids, cookies, strict=True)
        ]

    @contextmanager
    def running(self):
        """The site, answering."""
        with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener, self.log.open("wb") as log:
            self.port = listener.getsockname()[1]
            number = listener.fileno()
            command = ["-m", "gunicorn", "--bind", f"fd://{number}", "bench.site_app:create()"]
            process = subprocess.Popen(
                [*pin(0), sys.executable, *command],
                cwd=ROOT, env=os.environ | {name: str(value) for name, value in self.settings.items()},
                stdout=log, stderr=log, pass_fds=[number], start_new_session=True,
            )  # fmt: skip
            try:
                self.ask("/login")
                (self.worker,) = psutil.Process(process.pid).children()
                yield self
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @property
    def memory_mb(self):
        return self.worker.memory_info().rss / 1e6

    def headers(self, number):
        """Of somebody's browser."""
        return self.browsers[number][1]

    def ask(self, path, headers=None):
        """Status and text of one request on a connection of its own."""
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            return answer_of(web, path, headers=headers)
        finally:
            web.close()

    def queries(self):
        """How many queries were asked so far for connections."""
        return int(fetch(self.port, "GET", "/bench/queries"))

    def readers(self, path, count):
        """With what so many browsers that have a page open ask for its stream: pairs for the load client."""
        lists, pages, asked = TopicList(self.settings["SECRET_KEY"]), [], []
        for number, (session_id, headers) in enumerate(self.browsers[:count]):
            if number < self.people:  # each person's first page is loaded; the others follow the same topics
                page = connection(self.ask(path, headers)[1])
                pages.append((page, lists.read(page.token, session_id)))
            page, topics = pages[number % self.people]
            own = replace(page, token=lists.sign(topics, session_id), position="\1")
            text = STREAM.format(
                path=own.address("stream").replace("%01", "\1"),
                host=f"127.0.0.1:{self.port}",
                cookie=headers["Cookie"],
            )
            asked.append((text, page.position))
        return asked

    def age_sessions(self):
        """As if every page had been open for ten minutes."""
        with self.app.app_context():
            db.session.execute(update(LoginSession).values(seen_at=utcnow() - timedelta(minutes=10)))
            db.session.commit()

    def announce(self, topic, name, data):
        """An event, as a worker sends it: from another process, through the outbox."""
        with self.app.app_context():
            self.app.extensions["live"].signal(topic, name, data)
            db.session.commit()


def answer_of(web, path, fields=None, headers=None):
    """Status and text of a request on a connection that is open."""
    own = {"Accept": "text/html", **(headers or {})}
    body = urlencode(fields) if fields else None
    if body:
        own["Content-Type"] = "application/x-www-form-urlencoded"
    web.request("POST" if body else "GET", path, body, own)
    answer = web.getresponse()
    return answer.status, answer.read().decode()


def marked():
    """A text with the moment in it, for the load client."""
    return f"T={time.monotonic_ns()};"
