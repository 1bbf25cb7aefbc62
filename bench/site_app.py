"""The real site, which also counts its queries: `gunicorn "bench.site_app:create()"`."""

from flask import has_request_context, request
from sqlalchemy import event
from sqlalchemy.engine import Engine

from app import create_app


def create():
    app = create_app()
    asked = {"for connections": 0}

    @event.listens_for(Engine, "before_cursor_execute")
    def count(*_):
        if has_request_context() and request.path.startswith("/live/"):
            asked["for connections"] += 1

    @app.get("/bench/queries")
    def queries():
        return str(asked["for connections"])

    return app
