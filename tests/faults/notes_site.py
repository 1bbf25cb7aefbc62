"""The smallest site with an outbox: notes in a database and one live page, for faults that are not any feature's.

gunicorn serves it (`tests.faults.notes_site:served()`), with the transactions of database.py around SQLAlchemy's own
session. Who asks is in a cookie, unsigned: what is tested here is that nothing gets lost.
"""

import json
import os
import time
from pathlib import Path

from flask import Flask, render_template, request
from flask_sock import Sock
from jinja2 import DictLoader
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select
from sqlalchemy.orm import scoped_session, sessionmaker

import config as settings
import database  # noqa: F401 - its hooks give every engine of the process the site's transactions
from live import Identity, Live

TEMPLATES = {
    "page.html": """<!doctype html><title>Notes</title>{{ live_connect(topic, socket="/socket") }}
<ol id="notes" data-live-region>{% for note in notes %}{% include "_note.html" %}{% endfor %}</ol>""",
    "_bar.html": '<p id="bar">{{ text }}</p>',
    "_note.html": '<li id="note-{{ note.id }}" data-sort="{{ note.id }}">{{ note.text }}</li>',
}
DEFAULTS = {
    "SECRET_KEY": "a secret that is long enough for a test site",
    "LIVE_BEAT_S": 0.5,
    "LIVE_POLL_WAIT_S": 0.5,
    "LIVE_RECHECK_S": 60,
    "LIVE_BUILD": "test",
}


def served():
    """The site that gunicorn serves; its settings are in one variable."""
    config = json.loads(os.environ["NOTES_SITE"])
    if clock := config.pop("CLOCK", None):
        _set_clock(Path(clock))
    return create(config)


def _set_clock(path):
    """The clock of this process goes wrong by as many seconds as the file says; monotonic time does not."""
    right = time.time
    time.time = lambda: right() + float(path.read_text() or 0)


def create(config):
    app = Flask("notes_site")
    app.config.update(DEFAULTS, **config)
    app.jinja_loader = DictLoader(TEMPLATES)
    url = settings._database_url(config)
    app.engine = create_engine(url, **settings._engine_options(url))
    app.session = scoped_session(sessionmaker(app.engine))
    metadata = MetaData()
    app.notes = Table(
        "notes",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("list", Integer),
        Column("text", String(99)),
    )
    app.live = Live()
    app.live.init_app(app, identify=_identify, recheck=_recheck, session=app.session, metadata=metadata)
    app.teardown_appcontext(lambda _error: app.session.remove())
    app.metadata = metadata
    app.live.topic("notes:list:<int:number>")(lambda _user, number: number < 100)
    _add_routes(app)
    return app


def _identify():
    user = request.cookies.get("who")
    return Identity(f"{user}-1", user, 1, user) if user else None


def _recheck(session_ids):
    return {each: Identity(each, each.partition("-")[0], 1, each.partition("-")[0]) for each in session_ids}


def _add_routes(app):
    @app.get("/notes/<int:number>")
    def page(number):
        notes = app.session.execute(select(app.notes).where(app.notes.c.list == number).order_by("id")).all()
        return render_template("page.html", notes=notes, topic=f"notes:list:{number}")

    @app.post("/notes/<int:number>")
    def add(number):
        """{"count": 3} in the body: so many notes in one transaction; the answer names their ids."""
        asked = request.get_json()
        ids = [_add_note(app, number, asked.get("text", "")) for _ in range(asked.get("count", 1))]
        app.session.commit()
        return {"ids": ids, "committed_at": time.monotonic()}

    @app.post("/bars/<int:number>")
    def move(number):
        """The newest value of a bar, which is worth nothing a second later."""
        text = request.get_json()["text"]
        app.live.replace(f"notes:list:{number}", "#bar", "_bar.html", text=text, key="bar", volatile=True)
        return {}

    sock = Sock()
    sock.route("/socket")(lambda ws: app.live.serve_socket(ws, lambda _name, _fields: None))
    sock.init_app(app)


def _add_note(app, number, text):
    row = app.session.execute(insert(app.notes).values(list=number, text=text).returning(app.notes)).one()
    app.live.upsert(f"notes:list:{number}", "#notes", "_note.html", note=row)
    return row.id
