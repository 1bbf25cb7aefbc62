"""Taking a step back: the last one made by oneself, or one of the last hour's orders from the list."""

from flask import render_template, request
from flask_login import current_user

from blueprints.auth import role_required
from blueprints.orders import bp
from blueprints.orders.broadcasts import order_moved
from blueprints.orders.kitchen import board, done, find_order, lost_race
from blueprints.orders.models import BEFORE, Order, last_step_of


@bp.get("/kitchen/recalls")
@role_required("kitchen")
def recalls():
    template = "orders/_recalls.html" if request.headers.get("HX-Request") else "orders/recalls.html"
    return render_template(template, orders=Order.just_done())


@bp.post("/kitchen/undos")
@role_required("kitchen")
def create_undo():
    """Takes back the newest step that this cook made and that nobody has moved on since."""
    step = last_step_of(current_user)
    if step is None:
        return _nothing("There is nothing of yours to undo.")
    return _take_back(find_order(step.order_id), step.state)


@bp.post("/kitchen/orders/<int:order_id>/recalls")
@role_required("kitchen")
def create_recall(order_id):
    order, expected = find_order(order_id), request.form.get("from", "done")
    if expected not in BEFORE:
        return _nothing("That order has not begun; there is nothing to take back.")
    return _take_back(order, expected)


def _take_back(order, expected):
    if not order.take_back(expected):
        return lost_race(order)
    return done(order_moved(order, expected))


def _nothing(sentence):
    if request.headers.get("HX-Request"):
        return render_template("orders/_sentence.html", sentence=sentence), 409
    return board(sentence=sentence, status=409)
