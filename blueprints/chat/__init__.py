"""Rooms in which people talk: over a WebSocket, an htmx post or a plain form, always with the same result."""

from flask import Blueprint

bp = Blueprint("chat", __name__)

from blueprints.chat import (  # noqa: E402  (they need bp)
    change_views,  # noqa: F401
    frame,  # noqa: F401
    limits,
    room_views,  # noqa: F401
    socket,  # noqa: F401
    views,  # noqa: F401
)

bp.url_value_preprocessor(limits.bound_body)
