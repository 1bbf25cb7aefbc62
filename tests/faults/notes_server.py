"""The notes site in a real gunicorn: two web processes at most, gevent workers, a database and a Redis to be broken."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import psutil
from sqlalchemy import update

from tests.faults import notes_site
from tests.support import server

ROOT = Path(__file__).parents[2]
ANSWER_S = 60
# The hooks of the product's own file: SIGTERM reaches the open pages.
OPTIONS = ["--worker-class", "gevent", "--graceful-timeout", "5", "--no-control-socket"]


class NotesServer:
    """`ask` is one request on a connection of its own, `post` writes notes, `ids` is what the database has."""

    running: ClassVar = set()

    def __init__(self, config, log, *options):
        self.config, self.log, self.options = config, Path(log), options
        self.headers = {"Cookie": "who=ada"}
        self.app = notes_site.create(config)
        self.app.metadata.create_all(self.app.engine)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.running.add(self)
        self.start()

    def start(self):
        number = self.listener.fileno()
        command = ["-m", "gunicorn", *OPTIONS, "--config", os.devnull, *self.options]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command, "--bind", f"fd://{number}", "tests.faults.notes_site:served()"],
                cwd=ROOT, env=os.environ | {"NOTES_SITE": json.dumps(self.config)}, start_new_session=True,
                stdout=output, stderr=subprocess.STDOUT, pass_fds=[number],
            )  # fmt: skip
        server.until_it_answers(f"{self.url}/notes/1", self.process, self.log)

    def workers(self):
        """Its web processes."""
        return psutil.Process(self.process.pid).children()

    def ask(self, method, path, body=None, headers=None):
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            text = json.dumps(body) if body is not None else None
            web.request(method, path, text, {"Content-Type": "application/json"} | (headers or {}))
            answer = web.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            web.close()

    def post_at(self):
        """One note; when its commit had returned, by the clock that all processes share."""
        _, _, answer = self.ask("POST", "/notes/1", {}, self.headers)
        return json.loads(answer)["committed_at"]

    def post(self, count=1, number=1, text=""):
        """The ids of new notes in a list, all of one transaction; it must be answered with success."""
        status, _, answer = self.ask("POST", f"/notes/{number}", {"count": count, "text": text}, self.headers)
        assert status == 200, answer
        return json.loads(answer)["ids"]

    def move_bar(self, text):
        """The volatile value of the first list."""
        assert self.ask("POST", "/bars/1", {"text": text}, self.headers)[0] == 200

    def ids(self, number=1):
        """The notes of a list, read from a fresh page."""
        status, _, html = self.ask("GET", f"/notes/{number}", headers=self.headers)
        assert status == 200
        return [int(each) for each in re.findall(r'id="note-(\d+)"', html)]

    def grow_old(self):
        """Two minutes pass for the outbox: what was sent is not kept any longer."""
        table, relay = self.app.live.outbox.table, self.app.live.relay
        with self.app.engine.begin() as connection:
            connection.execute(update(table).values(sent_at=table.c.sent_at - 120))
        relay.bind()
        relay.tidy()

    def end(self):
        self.running.discard(self)
        server.stop(self.process)
        self.listener.close()
        self.app.live.log.client.close()
        self.app.engine.dispose()
        assert "Traceback" not in self.log.read_text(), self.log.read_text()[-3000:]
