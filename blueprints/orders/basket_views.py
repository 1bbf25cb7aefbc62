"""Putting things into the basket and taking them out: plain forms, and for htmx the basket as it then is."""

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required

from blueprints.orders import bp
from blueprints.orders.basket import MOST_OF_ONE, Basket, add_line, read_choice, read_price, read_quantity
from blueprints.orders.broadcasts import basket_changed
from blueprints.orders.menu import MenuItem
from blueprints.orders.views import basket_context, menu_page
from database import db


@bp.post("/orders/items/<int:item_id>/lines")
@login_required
def create_line(item_id):
    item = MenuItem.find(item_id)
    if item is None:
        abort(404)
    modifiers, problem = read_choice(item, request.form)
    quantity = read_quantity(request.form.get("quantity", "").strip())
    if quantity is None:
        problem = f"Please give a whole number from 1 to {MOST_OF_ONE}."
    if item.sold_out:
        problem = f"{item.name} is sold out for today."
    price_cents = read_price(item, request.form)
    problem = problem or add_line(current_user, item, modifiers, quantity, price_cents)
    return _refused_item(item, problem) if problem else _basket_now(item)


@bp.post("/orders/basket/<int:line_id>")
@login_required
def update_line(line_id):
    """How many there should be, not how many more: sent twice, it is the same."""
    line = Basket(current_user, lock=True).line(line_id)
    quantity = read_quantity(request.form.get("quantity", "").strip(), least=0)
    if quantity is None:
        abort(400, f"The amount is a whole number from 0 to {MOST_OF_ONE}.")
    if line is not None and quantity == 0:
        db.session.delete(line)
    elif line is not None:
        line.quantity = quantity
    return _basket_now()


def _basket_now(item=None):
    """With the card it came from: the sentence of an earlier refusal goes with the next success."""
    basket_changed(current_user)
    db.session.commit()
    if request.headers.get("HX-Request"):
        card = render_template("orders/_item_answer.html", item=item) if item else ""
        return render_template("orders/_basket_answer.html", **basket_context()) + card
    return redirect(url_for("orders.index", _anchor="basket"), 303)


def _refused_item(item, problem):
    """422 with the card again: the sentence beside the amount, and what was chosen kept."""
    typed = {"item": item, "refused": {item.id: problem}, "typed": request.form}
    if request.headers.get("HX-Request"):
        return render_template("orders/_item_answer.html", **typed), 422
    return menu_page({"card": typed}, 422)
