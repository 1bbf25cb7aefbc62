"""Rooms in which people talk: over a WebSocket, an htmx post or a plain form, always with the same result."""

from flask import Blueprint

bp = Blueprint("chat", __name__)

from blueprints.chat import broadcasts, socket, views  # noqa: E402, F401  (they need bp)
