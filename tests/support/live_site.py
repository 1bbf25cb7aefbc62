"""A page to break: a site without a database, with lists of rows that a test publishes to, in a real gunicorn.

Each test has a list of its own, so one process serves all of them. `POST /lists/<id>` does and announces what it is
told: [["upsert", 3, "text"], ["signal", "said", 1], ...].
"""

import json
import os
from collections import defaultdict
from pathlib import Path

from flask import Flask, abort, render_template, request, send_from_directory
from flask_sock import Sock
from itsdangerous import BadSignature
from jinja2 import DictLoader

from live import CommandRefused, Identity, Live
from tests.live import bare_site

VENDOR = Path(__file__).parents[2] / "static/vendor"
PAGE = """\
<!doctype html><html><head><meta charset="utf-8"><title>List</title>
<meta name="htmx-config" content='{"noSwap":[204,304,"4xx","5xx"],"includeIndicatorCSS":false,"history":false}'>
<script src="/vendor/htmx.min.js" defer></script><script src="/vendor/hx-sse.min.js" defer></script>
<script type="module" src="/live/static/live.js"></script></head><body>
<div id="around">{{ live_connect(*topics, socket=socket, pause=pause) }}</div>
<input id="outside" aria-label="Outside"><dialog id="dialog"><button>Close</button></dialog>
<form id="say" method="post" action="/lists/{{ list_id }}/say" data-live-command="say">
<input type="hidden" name="token" value="t1">
<input name="text" aria-label="Say"><button>Say</button></form>
<ol id="rows" data-live-region>{% for row in rows %}{% include "_row.html" %}{% endfor %}</ol>
{% if extra %}<p id="extra" data-live-region>{{ extra }}</p>{% endif %}
<div style="height: 3000px"></div></body></html>
"""
ROW = """\
<li id="row-{{ row.id }}" data-sort="{{ row.id }}" title="{{ row.text }}"><span>{{ row.text }}</span>
<input id="field-{{ row.id }}" value="{{ row.text }}"><textarea id="area-{{ row.id }}">{{ row.text }}</textarea>
<input type="checkbox" id="tick-{{ row.id }}"><button id="button-{{ row.id }}">ok</button>
<details id="details-{{ row.id }}"><summary>more</summary>{{ row.text }}</details></li>
"""
POISON = '<hx-partial hx-target="#rows" hx-swap="upsideDown"><li id="poison">x</li></hx-partial>'


def served():
    return create(json.loads(os.environ["BARE_SITE"]))


def create(config):
    app = Flask(__name__)
    app.config.update(bare_site.DEFAULTS, **config)
    app.jinja_loader = DictLoader({"list.html": PAGE, "_row.html": ROW})
    app.live, app.sock, app.denied, app.ended = Live(), Sock(), set(), set()
    app.lists, app.said, app.taken = defaultdict(dict), defaultdict(dict), defaultdict(list)
    app.live.init_app(
        app, identify=lambda: _identify(app), recheck=lambda ids: {each: _who(each) for each in ids}
    )
    app.live.topic("lists:list:<name>")(lambda user, name: (user, name) not in app.denied)
    _add_pages(app)
    _add_ways_to_change(app)
    _add_commands(app)
    app.sock.init_app(app)
    return app


def cookie(user):
    """What signs somebody in, as the value of the cookie `who`."""
    return bare_site.signer.dumps([user, user])


def _identify(app):
    try:
        user, _ = bare_site.signer.loads(request.cookies.get("who", ""))
    except BadSignature:
        return None
    return None if user in app.ended else _who(user)


def _who(user):
    return Identity(user, user, 1, user)


def _add_pages(app):
    @app.get("/vendor/<name>")
    def vendor(name):
        return send_from_directory(VENDOR, name)

    @app.get("/lists/<int:list_id>")
    def show_list(list_id):
        if app.live.identity() is None:
            abort(401)
        user, both = app.live.identity().user, [str(list_id), f"{list_id}x"]
        names = [name for name in both if (user, name) not in app.denied]
        rows = [{"id": row_id, "text": text} for row_id, text in sorted(app.lists[list_id].items())]
        return render_template(
            "list.html",
            list_id=list_id,
            topics=[f"lists:list:{name}" for name in names],
            rows=rows,
            socket=f"/lists/{list_id}/socket" if request.args.get("socket") else "",
            pause="nopause" not in request.args,
            extra="yours" if len(names) == 2 else "",
        )


def _add_ways_to_change(app):
    @app.post("/lists/<int:list_id>")
    def change_list(list_id):
        for what, *arguments in request.get_json():
            WAYS[what](app, list_id, *arguments)
        return {}


def _add_commands(app):
    @app.get("/lists/<int:list_id>/said")
    def said(list_id):
        return {"took_effect": app.said[list_id], "asked": app.taken[list_id]}

    @app.post("/lists/<int:list_id>/say")
    def say(list_id):
        return _say(app, list_id, request.form["token"], request.form["text"])

    @app.sock.route("/lists/<int:list_id>/socket")
    def list_socket(ws, list_id):
        def command(_name, fields):
            if _say(app, list_id, fields["token"], fields["text"], way="socket")[1] != 200:
                raise CommandRefused("Nobody says that here.")

        app.live.serve_socket(ws, command)


def _say(app, list_id, token, text, way="post"):
    """Takes effect once for each token, and says so to every page: the signal `said`."""
    app.taken[list_id].append([token, way])
    if text == "refuse":
        return "<p role='alert'>Nobody says that here.</p>", 422
    if token not in app.said[list_id]:
        app.said[list_id][token] = text
        _signal(app, list_id, "said", text)
    if text == "break" and len(app.taken[list_id]) == 1:
        raise ZeroDivisionError("broken once")
    return "", 200


def _topic(list_id):
    return f"lists:list:{list_id}"


def _put(app, list_id, row_id, text):
    app.lists[list_id][row_id] = text


def _upsert(app, list_id, row_id, text):
    _put(app, list_id, row_id, text)
    app.live.upsert(_topic(list_id), "#rows", "_row.html", row={"id": row_id, "text": text})


def _remove(app, list_id, row_id):
    app.lists[list_id].pop(row_id)
    app.live.remove(_topic(list_id), f"#row-{row_id}")


def _signal(app, list_id, name, data):
    app.live.signal(_topic(list_id), name, data)


def _raw(app, list_id, html):
    app.live._publish(_topic(list_id), "#rows", html, "", False)


def _deny(app, list_id, user):
    """Takes the right to the page's second topic away, and says so."""
    app.denied.add((user, f"{list_id}x"))
    app.live.revoke(user_id=user, topic=f"lists:list:{list_id}x")


WAYS = {
    "deny": _deny,
    "end": lambda app, _, user: app.ended.add(user),
    "put": _put,
    "upsert": _upsert,
    "remove": _remove,
    "signal": _signal,
    "raw": _raw,
    "refresh": lambda app, list_id: app.live.refresh(_topic(list_id), "#rows"),
}
