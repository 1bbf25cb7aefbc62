"""Levain's core and nothing else: what is measured is the hub, from `POST /publish` through Redis to the readers."""

import os

from flask import Flask, request
from flask_sock import Sock

from live import Identity, Live

TOPIC = "bench:topic:1"

app = Flask("levain_bench")
app.config.update(
    SECRET_KEY="of a benchmark, on loopback only, for a minute",
    REDIS_URL=os.environ["REDIS_URL"],
    LIVE_MAX_STREAMS=20_000,
    LIVE_MAX_STREAMS_PER_USER=20_000,
    LIVE_MAX_STREAMS_PER_ADDRESS=20_000,
    LIVE_BEAT_S=30,
    LIVE_BUILD="bench",
)
ADA = Identity("bench", "ada", 1, "ada")
live = Live()
live.init_app(app, identify=lambda: ADA, recheck=lambda ids: dict.fromkeys(ids, ADA))
sock = Sock()


@live.topic("bench:topic:<int:number>")
def may_follow(_user, number):
    return number == 1


@sock.route("/socket")
def socket(ws):
    live.serve_socket(ws, lambda _name, _fields: None)


sock.init_app(app)


@app.get("/")
def page():
    return live.connect(TOPIC, socket="/socket")


@app.get("/plain")
def plain():
    return "<p>plain</p>" * 50


@app.post("/publish")
def publish():
    text = request.get_data(as_text=True)
    live.signal(TOPIC, "tick", text)
    return ""


@app.get("/counters")
def counters():
    return live.hub.counters()
