"""The guest's side: the menu, placing an order, one's own orders, and each order's live page."""

from uuid import uuid4

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required

from blueprints.orders import bp
from blueprints.orders.basket import MOST_IN_ALL, Basket
from blueprints.orders.broadcasts import MENU, basket_changed, customer_topic, order_placed, order_topic
from blueprints.orders.changes import add_to_order
from blueprints.orders.models import Closing, MenuItem, Order
from blueprints.orders.pace import promise
from database import db

ORDERS_PER_PAGE = 10
MAX_PAGE = 100_000
MAX_TOKEN_CHARS = 64


@bp.get("/orders/")
@login_required
def index():
    return menu_page()


@bp.post("/orders/")
@login_required
def create():
    token = request.form.get("token", "")
    if not _is_token(token):
        return refused({"basket": "This form was incomplete. Please send it once more."})
    order = Order.of_token(current_user, token)
    if order is None:
        order, errors = _order_of_basket(token)
        if errors:
            db.session.rollback()
            return refused(errors)
        db.session.commit()
    return go_to(url_for("orders.show", order_id=order.id))


@bp.get("/orders/<int:order_id>")
@login_required
def show(order_id):
    return render_template("orders/show.html", order=own_order(order_id), topic=order_topic(order_id))


@bp.get("/orders/tracking/<tracking>")
def track(tracking):
    """The same page for a second device, without signing in: who has the address may look, and nothing else."""
    order = Order.tracked(tracking)
    if order is None:
        abort(404)
    return render_template("orders/track.html", order=order)


def own_order(order_id):
    order = Order.find(order_id)
    if order is None or order.user_id != current_user.id:
        abort(404)  # not yours and not there look the same
    return order


def _order_of_basket(token):
    """(the order, {}) or (None, {where: sentence}); of two posts at the same time the second finds nothing left."""
    basket = Basket(current_user, lock=True)
    if errors := _problems(basket):
        return None, errors
    if wanted := request.form.get("add_to"):
        return add_to_order(wanted, basket)
    order, is_new = Order.place_once(current_user, basket, token, promise())
    if is_new:
        basket.empty()
        order_placed(order)
        basket_changed(current_user)
    return order, {}


def _problems(basket):
    closing = Closing.next()
    if not basket:
        return {"basket": "Your basket is empty. Please choose something first."}
    if closing and closing.is_now:
        return {"basket": "We have just closed; your basket stays as it is until we open again."}
    if basket.pieces > MOST_IN_ALL:
        return {"basket": f"That is {basket.pieces} pizzas; we can bake {MOST_IN_ALL} for one order."}
    return _not_as_shown(basket)


def _not_as_shown(basket):
    """What became different since the guest saw it."""
    if problems := basket.problems():
        return problems | {"basket": "Something in your basket is sold out. Everything else stays."}
    if request.form.get("shown") != basket.as_shown:
        return {"basket": "Nothing was ordered yet: your basket is not as this page has shown it."}
    return {}


def menu_page(errors=None, status=200):
    mine = Order.of_customer(current_user)
    number = min(max(request.args.get("page", 1, type=int), 1), MAX_PAGE)
    page = db.paginate(mine, page=number, per_page=ORDERS_PER_PAGE, error_out=False)
    topics = [MENU, customer_topic(current_user.id)]
    seen = {"menu": MenuItem.menu(), "page": page, "topics": topics, "hours_until": Closing.changes_at()}
    return render_template("orders/index.html", **seen, **basket_context(errors)), status


def basket_context(errors=None):
    """What the basket's fragment shows; a form that was sent keeps its token, so that it makes one order."""
    basket, sent = Basket(current_user), request.form.get("token", "")
    return {
        "basket": basket,
        "closing": Closing.next(),
        "grows": Order.may_grow(current_user) if basket else None,
        "problems": basket.problems(),
        "errors": errors or {},
        "token": sent if _is_token(sent) else uuid4().hex,
    }


def refused(errors):
    """422 with the sentences beside what they are about, as a page or, for htmx, as the basket alone."""
    if request.headers.get("HX-Request"):
        return render_template("orders/_basket_answer.html", **basket_context(errors)), 422
    return menu_page(errors, 422)


def go_to(path):
    if request.headers.get("HX-Request"):
        return "", 201, {"HX-Redirect": path}
    return redirect(path, 303)


def _is_token(text):
    return 0 < len(text) <= MAX_TOKEN_CHARS and text.isascii() and text.isalnum()
