"""Long work that people start, watch and come back to. A job is a row of ours; RQ is only how it is run."""

from flask import Blueprint

bp = Blueprint("jobs", __name__)

from blueprints.jobs import broadcasts, queue, views  # noqa: E402, F401  (they need bp)
