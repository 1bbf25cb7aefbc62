"""A site that has nothing but the core: no SQLAlchemy, no feature of ours; what a stranger's Flask site looks like.

It runs in gunicorn (`tests.live.bare_site:served()`) and in the test's own process, on the same Redis. Who asks is
in a signed cookie; whose session or right has ended is in the memory of the process, and told to it by a request.
"""

import gc
import json
import os
import sys

from flask import Flask, abort, render_template, request
from flask_sock import Sock
from itsdangerous import BadSignature, URLSafeSerializer
from jinja2 import DictLoader

from live import CommandRefused, Identity, Live

SECRET = "a secret that is long enough for a test site"
PAGE = """\
<!doctype html><title>Notes</title>{{ live_connect(*topics, socket="/socket") }}
<ol id="notes" data-live-region>{% for note in notes %}{% include "_note.html" %}{% endfor %}</ol>
<p id="count" data-live-region>{{ notes|length }} notes, {{ user }}</p>
"""
NOTE = '<li id="note-{{ note.id }}" data-version="{{ note.version }}" data-sort="{{ note.id }}">{{ note.text }}</li>'
TEMPLATES = {
    "page.html": PAGE,
    "_note.html": NOTE,
    "_text.html": '<p id="text">{{ text }}</p>',
    "_raw.html": '<p id="raw">{{ text|safe }}</p>',
    "_mine.html": '<p id="mine">{{ current_user }}</p>',
    "_path.html": '<a id="path" href="{{ path_for("page", topic="a") }}">page</a>',
    "_any.html": '<p id="any">{{ thing }}</p>',
    "_no_root.html": "<p>{{ text }}</p>",
}
DEFAULTS = {
    "SECRET_KEY": SECRET,
    "LIVE_BEAT_S": 0.5,
    "LIVE_POLL_WAIT_S": 0.2,
    "LIVE_RECHECK_S": 1,
    "LIVE_MAX_STREAMS_PER_USER": 20,
    "LIVE_BUILD": "test",
}
signer = URLSafeSerializer(SECRET, salt="who")


def cookie(user, session_id):
    """The header of a browser in which somebody is signed in."""
    return {"Cookie": f"who={signer.dumps([user, session_id])}"}


class State:
    """What a site has in its database."""

    def __init__(self):
        self.notes, self.ended, self.denied, self.version = {}, set(), set(), 1
        self.frames = {}  # topics that all pages of a user follow


def served():
    """The site that gunicorn serves; its settings are in one variable."""
    return create(json.loads(os.environ["BARE_SITE"]))


def create(config):
    app = Flask("bare_site", root_path=os.path.dirname(__file__))
    app.config.update(DEFAULTS, **config)
    app.jinja_loader = DictLoader(TEMPLATES)
    app.live, app.state = Live(), State()
    app.live.init_app(
        app, identify=lambda: _identify(app.state), recheck=lambda ids: _recheck(app.state, ids)
    )
    _add_topics(app.live, app.state)
    _add_routes(app)
    sock = Sock()
    sock.route("/socket")(lambda ws: app.live.serve_socket(ws, _commands(app)))
    sock.init_app(app)
    return app


def _identify(state):
    try:
        user, session_id = signer.loads(request.cookies.get("who", ""))
    except BadSignature:
        return None
    return None if session_id in state.ended else Identity(session_id, user, state.version, user)


def _recheck(state, session_ids):
    """Session ids here start with the user's name."""
    users = {session_id: session_id.partition("-")[0] for session_id in session_ids - state.ended}
    return {session_id: Identity(session_id, user, state.version, user) for session_id, user in users.items()}


def _add_topics(live, state):
    @live.topic("notes:list:<list_id>")
    def may_follow_notes(user, list_id):
        return (user, f"notes:list:{list_id}") not in state.denied

    @live.topic("rooms:room:<int:room_id>", presence=True)
    def may_enter_room(_user, room_id):
        return room_id < 100

    @live.topic("ticks:share:<int:share_id>", max_per_second=4)
    def may_follow_share(_user, share_id):
        return share_id > 0

    @live.everywhere
    def frame(user):
        return state.frames.get(user, ())

    @live.topic("users:user:<name>")
    def may_follow_user(user, name):
        return user == name


def _add_routes(app):
    state = app.state

    @app.after_request
    def mark(answer):
        answer.headers["X-Hook"] = "yes"
        return answer

    @app.get("/page")
    def page():
        user = app.live.identity()
        notes = [state.notes[note_id] for note_id in sorted(state.notes)]
        return render_template(
            "page.html", topics=request.args.getlist("topic"), notes=notes, user=user and user.user
        )

    @app.post("/change")
    def change():
        """Ends sessions, takes or gives rights back: {"end": [...], "deny": [[user, topic]], "allow": [...]}, and says
        what all pages of a user follow: {"frames": {user: [topic]}}."""
        asked = request.get_json()
        state.ended |= set(asked.get("end", ()))
        state.denied |= {tuple(pair) for pair in asked.get("deny", ())}
        state.denied -= {tuple(pair) for pair in asked.get("allow", ())}
        state.frames |= asked.get("frames", {})
        state.version += 1
        return {}

    @app.get("/readers")
    def readers():
        greenlets = sys.modules.get("greenlet")
        kept = sum(type(each).__name__ == "Greenlet" for each in gc.get_objects()) if greenlets else 0
        return app.live.hub.counters() | {"greenlets": kept}

    @app.get("/plain")
    def plain():
        abort(404)


def _commands(app):
    def command(name, fields):
        if name == "break":
            raise ZeroDivisionError("this handler is broken")
        if name != "say":
            raise CommandRefused(f"Nobody here can {name}.")
        app.live.signal(fields["topic"], "said", fields["text"])

    return command
