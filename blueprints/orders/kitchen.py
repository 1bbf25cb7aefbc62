"""The kitchen's board: open orders in three columns, each moved on by one press, by one cook only."""

from collections import Counter

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user

from blueprints.auth import role_required
from blueprints.orders import bp
from blueprints.orders.broadcasts import KITCHEN, order_changed, order_moved, ticket_changed
from blueprints.orders.models import BAKING, NEXT, OPEN, PLACE_CHARS, Order
from database import db


@bp.get("/kitchen/")
@role_required("kitchen")
def kitchen():
    return board()


@bp.get("/kitchen/keys")
@role_required("kitchen")
def keys():
    """Which key does what on this screen: learned and kept by the browser."""
    return render_template("orders/keys.html", place_chars=PLACE_CHARS)


@bp.post("/kitchen/orders/<int:order_id>/moves")
@role_required("kitchen")
def create_move(order_id):
    order, expected = find_order(order_id), request.form.get("from")
    if expected not in NEXT:
        abort(400, "A move names the state the order is expected in: new, oven or ready.")
    if not order.advance(expected, current_user.name, current_user.id, place()):
        return _sent_again(order, expected) or lost_race(order)
    return done(order_moved(order, expected))


@bp.post("/kitchen/orders/<int:order_id>/acknowledgements")
@role_required("kitchen")
def create_acknowledgement(order_id):
    """Somebody in the kitchen has seen what the guest changed."""
    order = find_order(order_id)
    if order.changed and order.state in OPEN and not order.acknowledge():
        return lost_race(order)
    return done(order_changed(order).html)


@bp.post("/kitchen/lines/<int:line_id>/ticks")
@role_required("kitchen")
def create_tick(line_id):
    """One thing of an order is made, or is not after all; every screen shows it."""
    wanted = request.form.get("ticked")
    if wanted not in ("yes", "no"):
        abort(400, "A tick is yes or no.")
    order = Order.tick(line_id, wanted == "yes")
    if order is None:
        abort(404)
    return done(ticket_changed(order).html)


def _sent_again(order, expected):
    """The order as it is, where its screen repeats a press whose answer was lost; else None."""
    step = order.last_step
    mine = step.by_id == current_user.id and step.place == place() and order.state == NEXT[expected]
    if mine and request.args.get("again") and request.headers.get("HX-Request"):
        return render_template("orders/_conflict_answer.html", order=order, quiet=True)
    return None


def board(status=200, **said):
    """`said`: the `conflict` with somebody who was faster, or a `sentence`."""
    orders, beyond = Order.on_board()
    columns = {state: [order for order in orders if order.state == state] for state in OPEN}
    page = render_template(
        "orders/kitchen.html",
        columns=columns,
        topic=KITCHEN,
        all_day=all_day(orders),
        beyond=beyond,
        **said,
    )
    return page, status


def all_day(orders):
    """How many of each thing are still to be made, by name, the most first."""
    count = Counter()
    for order in orders:
        if order.state in BAKING:
            for line in order.lines:
                count[line.name] += line.quantity * line.counts
    return sorted(((n, name) for name, n in count.items() if n), key=lambda pair: (-pair[0], pair[1]))


def find_order(order_id):
    order = Order.find(order_id)
    if order is None:
        abort(404)
    return order


def place():
    """What the screen calls itself: Pass 1."""
    return "".join(char for char in request.form.get("place", "") if char.isprintable())[:PLACE_CHARS].strip()


def done(html):
    db.session.commit()
    return html if request.headers.get("HX-Request") else redirect(url_for("orders.kitchen"), 303)


def lost_race(order):
    """409 with the order as it is and the name of who was faster."""
    db.session.rollback()
    if request.headers.get("HX-Request"):
        return render_template("orders/_conflict_answer.html", order=order), 409
    return board(conflict=order, status=409)
