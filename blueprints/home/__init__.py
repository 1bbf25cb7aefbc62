"""The front page, the choice of theme, and the few filters every page's template uses. No database."""

from flask import Blueprint

bp = Blueprint("home", __name__)

from blueprints.home import filters, views  # noqa: E402, F401  (they need bp)
