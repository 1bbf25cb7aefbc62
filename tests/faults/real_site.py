"""The real site with its demo data, as gunicorn serves it, and people who are signed in to it."""

import http.client
import shutil
import socket
from html.parser import HTMLParser
from typing import ClassVar
from urllib.parse import urlencode

import sqlalchemy as sa

from app import seed
from blueprints.auth import DEMO_PASSWORD, LoginSession, User
from database import db, upgrade
from live.testing import TRANSPORTS, Connection
from live.topics import TopicList
from tests.support import databases, server
from tests.support.shared import locked

ANSWER_S = 60
NOBODY = "nobody"


class RealSite:
    """`app` is the same site in the test's own process: for the database, and to announce what others would."""

    running: ClassVar = set()

    def __init__(self, run_folder, folder, redis_url, database_url=None, started=True, **settings):
        self.redis_url, self.folder = redis_url, folder
        self.database_url = database_url or seeded_copy(run_folder, redis_url, folder)
        self.app = databases.site(self.database_url, redis_url, folder / "var", **settings)
        own = {"LEVAIN_ENV": "development", "LEVAIN_VAR": folder / "var", "SECRET_KEY": databases.SECRET_KEY}
        self.settings = own | {"DATABASE_URL": self.database_url, "REDIS_URL": redis_url} | settings
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes = []
        self.running.add(self)
        if started:
            self.start()

    def start(self):
        """One more gunicorn on the same socket, which stays open between two of them; it answers when this returns."""
        server.until_it_answers(f"{self.url}/login", *self.launch())
        return self.processes[-1]

    def launch(self):
        """The process and its log, without waiting for an answer."""
        number = self.listener.fileno()
        command = ["-m", "gunicorn", "--bind", f"fd://{number}"]
        log = self.folder / f"web{len(self.processes)}.log"
        self.processes.append(server.start(command, self.settings, log, pass_fds=[number]))
        return self.processes[-1], log

    def ask(self, method, path, fields=None, headers=None):
        """Status, headers and text of one request on a connection of its own."""
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        own = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
        try:
            body = None
            if fields is not None:
                body, own["Content-Type"] = urlencode(fields), "application/x-www-form-urlencoded"
            web.request(method, path, body, own | (headers or {}))
            answer = web.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            web.close()

    def sign_in(self, name, password=DEMO_PASSWORD):
        if name == NOBODY:
            return Person(self, name, {})
        email = databases.email_of(name)
        status, headers, _ = self.ask("POST", "/login", {"email": email, "password": password})
        assert status == 303
        cookies = [line.partition(";")[0] for line in headers.get_all("Set-Cookie")]
        return Person(self, name, {"Cookie": "; ".join(cookies)})

    def announce(self, *topics):
        """An event on each of these, from another process."""
        with self.app.app_context():
            for topic in topics:
                self.app.extensions["live"].signal(topic, "secret", {"words": "for those who may"})
            db.session.commit()

    def end(self):
        self.running.discard(self)
        for process in self.processes:
            server.stop(process)
        self.listener.close()
        databases.close(self.app)


def seeded_copy(run_folder, redis_url, target):
    """The URL of a fresh SQLite file with the demo data; made once per run by migrations and seed, then copied."""
    template = run_folder / "seeded.db"
    with locked(run_folder, "seeded"):
        if not template.exists():
            app = databases.site(f"sqlite:///{run_folder}/seeding.db", redis_url, run_folder)
            with app.app_context():
                upgrade()
            seed(app)
            databases.close(app)
            (run_folder / "seeding.db").rename(template)
    shutil.copyfile(template, target / "levain.db")
    return f"sqlite:///{target}/levain.db"


class Person:
    """Somebody's browser: `headers` carry the cookie."""

    def __init__(self, site, name, cookie):
        self.site, self.name, self._session_id = site, name, None
        self.headers = {"Sec-Fetch-Site": "same-origin", **cookie}

    def get(self, path):
        return self.site.ask("GET", path, headers=self.headers)

    def post(self, path, **fields):
        return self.site.ask("POST", path, fields, self.headers)

    def user_id(self):
        with self.site.app.app_context():
            return User.find(databases.email_of(self.name)).id

    def session_id(self):
        """Of the newest sign-in; a made-up one for nobody."""
        if self.name == NOBODY:
            return "none"
        if self._session_id is None:
            with self.site.app.app_context():
                of_user = sa.select(LoginSession.id).where(LoginSession.user_id == self.user_id())
                self._session_id = db.session.scalar(of_user.order_by(LoginSession.created_at.desc()))
        return self._session_id

    def list_of(self, *topics):
        """A signed list of topics that is this browser's own, whoever may read them now: as a page once had it."""
        return TopicList(databases.SECRET_KEY).sign(topics, self.session_id())

    def connection(self, *topics, position=None, room=1):
        return Connection(self.list_of(*topics), position, socket=f"/chat/rooms/{room}/socket")

    def follow(self, kind, page):
        client = TRANSPORTS[kind](self.site.url, self.headers)
        try:
            return client.connect(page)
        except BaseException:
            client.close()
            raise

    def submit(self, path):
        """Sends the first form of a page that posts to the page's own address, as it is filled in."""
        form = _Form(path)
        form.feed(self.get(path)[2])
        assert form.fields, f"no form on {path}"
        return self.post(form.address, **form.fields)


class _Form(HTMLParser):
    def __init__(self, action):
        super().__init__()
        self.action, self.address, self.inside, self.fields = action, "", False, {}

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "form" and not self.fields and found.get("action", "").partition("?")[0] == self.action:
            self.inside, self.address = True, found["action"]
        elif tag == "input" and self.inside and "name" in found:
            self.fields[found["name"]] = found.get("value", "")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "form"
