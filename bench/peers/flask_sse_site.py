"""Flask-SSE, as its documentation has it."""

import os

from flask import Flask, request
from flask_sse import sse

app = Flask("flask_sse_site")
app.config["REDIS_URL"] = os.environ["REDIS_URL"]
app.register_blueprint(sse, url_prefix="/stream")


@app.post("/publish")
def publish():
    sse.publish(request.get_data(as_text=True))
    return ""
