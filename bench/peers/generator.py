"""What one writes first: a queue per reader and a generator. Served by gunicorn with gevent, and with threads."""

import queue

from flask import Flask, Response, request

app = Flask("generator")
readers = set()


@app.get("/stream")
def stream():
    mine = queue.SimpleQueue()

    def blocks():
        readers.add(mine)
        try:
            yield ": open\n\n"
            while True:
                yield f"data: {mine.get()}\n\n"
        finally:
            readers.discard(mine)

    return Response(blocks(), mimetype="text/event-stream")


@app.post("/publish")
def publish():
    text = request.get_data(as_text=True)
    for each in list(readers):
        each.put(text)
    return ""
