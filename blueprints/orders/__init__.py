"""Ordering, an order's own page, and the kitchen's board."""

from flask import Blueprint

bp = Blueprint("orders", __name__)

from blueprints.orders import (  # noqa: E402, F401  (they need bp)
    basket_views,
    broadcasts,
    changes,
    jobs,
    kitchen,
    recalls,
    staff,
    views,
)
