"""The guest's side: the menu with its form, one's own orders, and each order's live page."""

from uuid import uuid4

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required

from blueprints.orders import bp
from blueprints.orders.basket import field_of, read_basket
from blueprints.orders.broadcasts import customer_topic, order_placed, order_topic
from blueprints.orders.models import MenuItem, Order
from database import db

ORDERS_PER_PAGE = 10
MAX_PAGE = 100_000
MAX_TOKEN_CHARS = 64


@bp.get("/orders/")
@login_required
def index():
    return _menu_page()


@bp.post("/orders/")
@login_required
def create():
    token = request.form.get("token", "")
    if not _is_token(token):
        return _refused({"basket": "This form was incomplete. Please send it once more."})
    order = Order.of_token(current_user, token)
    if order is None:
        basket = read_basket(request.form, MenuItem.menu())
        if basket.errors:
            return _refused(basket.errors)
        order, is_new = Order.place_once(current_user, basket, token)
        if is_new:
            order_placed(order)
            db.session.commit()
    return _go_to(url_for("orders.show", order_id=order.id))


@bp.get("/orders/<int:order_id>")
@login_required
def show(order_id):
    order = Order.find(order_id)
    if order is None or order.user_id != current_user.id:
        abort(404)  # not yours and not there look the same
    return render_template("orders/show.html", order=order, topic=order_topic(order.id))


@bp.post("/orders/quotes")
@login_required
def create_quote():
    """What the form would cost as it stands; the browser never adds up money."""
    basket = read_basket(request.form, MenuItem.menu())
    return render_template("orders/_total.html", basket=basket)


def _menu_page(errors=None, status=200):
    mine = Order.of_customer(current_user)
    page = db.paginate(mine, page=_page_number(), per_page=ORDERS_PER_PAGE, error_out=False)
    topic = customer_topic(current_user.id)
    return render_template("orders/index.html", page=page, topic=topic, **_form(errors)), status


def _form(errors=None):
    sent, menu = request.form.get("token", ""), MenuItem.menu()
    return {
        "menu": menu,
        "basket": read_basket(request.form, menu),
        "field_of": field_of,
        "values": request.form,
        "errors": errors or {},
        "token": sent if _is_token(sent) else uuid4().hex,
    }


def _refused(errors):
    """422 with the sentences beside the fields, as a page or, for htmx, as the form alone."""
    if request.headers.get("HX-Request"):
        return render_template("orders/_menu_answer.html", **_form(errors)), 422
    return _menu_page(errors, 422)


def _go_to(path):
    if request.headers.get("HX-Request"):
        return "", 201, {"HX-Redirect": path}
    return redirect(path, 303)


def _page_number():
    return min(max(request.args.get("page", 1, type=int), 1), MAX_PAGE)


def _is_token(text):
    return 0 < len(text) <= MAX_TOKEN_CHARS and text.isascii() and text.isalnum()
