"""Flask-SocketIO, as its documentation has it, on gevent."""

from flask import Flask, request
from flask_socketio import SocketIO

app = Flask("flask_socketio_site")
socketio = SocketIO(app, async_mode="gevent", cors_allowed_origins="*")


@app.post("/publish")
def publish():
    socketio.emit("tick", request.get_data(as_text=True))
    return ""
