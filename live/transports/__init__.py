"""The transports: three thin readers of one subscription, and the blueprint that serves two of them."""

from flask import Blueprint

blueprint = Blueprint(
    "live",
    "live",
    url_prefix="/live",
    static_folder="static",
    static_url_path="/static",
    template_folder="templates",
)

from live.transports import poll, sse  # noqa: E402, F401  (they register their routes on the blueprint)
