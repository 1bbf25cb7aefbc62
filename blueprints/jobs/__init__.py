"""Long work as people see it: starting it, watching it, stopping it, starting it again. What runs it is in work/."""

from flask import Blueprint

bp = Blueprint("jobs", __name__)

from blueprints.jobs import admin, broadcasts, everywhere, files, retries, views  # noqa: E402, F401  (they need bp)
