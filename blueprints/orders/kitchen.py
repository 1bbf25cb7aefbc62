"""The kitchen's board: open orders in three columns, each moved on by one press, by one cook only."""

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user

from blueprints.auth import role_required
from blueprints.orders import bp
from blueprints.orders.broadcasts import KITCHEN, order_moved
from blueprints.orders.models import NEXT, OPEN, Order
from database import db


@bp.get("/kitchen/")
@role_required("kitchen")
def kitchen():
    return _board()


@bp.post("/kitchen/orders/<int:order_id>/moves")
@role_required("kitchen")
def create_move(order_id):
    order = Order.find(order_id)
    expected = request.form.get("from")
    if order is None:
        abort(404)
    if expected not in NEXT:
        abort(400, "A move names the state the order is expected in: new, oven or ready.")
    if not order.advance(expected, current_user.name):
        return _lost_race(order)
    answer = order_moved(order, expected)
    db.session.commit()
    return answer if request.headers.get("HX-Request") else redirect(url_for("orders.kitchen"), 303)


def _board(conflict=None, status=200):
    orders = Order.on_board()
    columns = {state: [order for order in orders if order.state == state] for state in OPEN}
    page = render_template("orders/kitchen.html", columns=columns, topic=KITCHEN, conflict=conflict)
    return page, status


def _lost_race(order):
    """409 with the order as it is and the name of who was faster."""
    if request.headers.get("HX-Request"):
        return render_template("orders/_conflict_answer.html", order=order), 409
    return _board(conflict=order, status=409)
