"""What a guest may still change while an order is not in the oven: take a line off, leave a note, add the basket."""

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required

from blueprints.orders import bp
from blueprints.orders.broadcasts import basket_changed, order_changed, order_topic
from blueprints.orders.models import NOTE_CHARS, Order, lines_of
from database import db

TOO_LATE = "It is in the oven already; nothing was changed. Please call us."


@bp.post("/orders/<int:order_id>/note")
@login_required
def update_note(order_id):
    order, note = _own(order_id), " ".join(request.form.get("note", "").split())
    if len(note) > NOTE_CHARS:
        return _answer(order, f"That is {len(note)} characters; {NOTE_CHARS} fit on a ticket.", note)
    if not note.isprintable():
        return _answer(order, "Please use letters, numbers and ordinary signs.", note)
    if not order.change(note=note):
        return _answer(order, TOO_LATE, note)
    return _changed(order)


@bp.post("/orders/<int:order_id>/lines/<int:line_id>/removal")
@login_required
def create_removal(order_id, line_id):
    """Takes a line off; the last one cannot be: an order of nothing is nothing."""
    order = _own(order_id)
    line = next((line for line in order.lines if line.id == line_id and line.mark != "void"), None)
    if line is None:
        abort(404)
    if order.pieces == line.quantity:
        return _answer(order, "This is the last one on the order. Please call us to cancel it.")
    less = line.quantity * line.price_cents
    if not order.change(total_cents=Order.total_cents - less):
        return _answer(order, TOO_LATE)
    if not line.take_off():
        db.session.rollback()
        abort(404)  # it was taken off a moment ago, by the same button
    return _changed(order)


def add_to_order(wanted, basket):
    """(the order, {}) with the basket's lines in it, or (None, {where: sentence})."""
    order = Order.may_grow(current_user)
    if order is None or str(order.id) != wanted:
        return None, {"basket": "That order is in the oven already. You can place this as a new one."}
    if not order.change(total_cents=Order.total_cents + basket.total_cents):
        return None, {"basket": "That order went into the oven just now. You can place this as a new one."}
    order.lines.extend(lines_of(basket, mark="added"))
    basket.empty()
    db.session.flush()
    order_changed(order)
    basket_changed(current_user)
    return order, {}


def _own(order_id):
    order = Order.find(order_id)
    if order is None or order.user_id != current_user.id:
        abort(404)
    return order


def _changed(order):
    order_changed(order)
    db.session.commit()
    return _answer(order)


def _answer(order, problem="", note=None):
    status = 422 if problem else 200
    if request.headers.get("HX-Request"):
        answer = render_template("orders/_order_answer.html", order=order, problem=problem, typed_note=note)
        return answer, status
    if not problem:
        return redirect(url_for("orders.show", order_id=order.id), 303)
    return render_template(
        "orders/show.html", order=order, topic=order_topic(order.id), problem=problem, typed_note=note
    ), status
