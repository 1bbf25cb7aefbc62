"""What the kitchen says about the menu: what is sold out, what it costs, and when no orders are taken."""

from datetime import timedelta

from flask import abort, redirect, render_template, request, url_for
from wtforms import DecimalField, Form, IntegerField
from wtforms.validators import InputRequired, NumberRange, StopValidation

from blueprints.auth import role_required
from blueprints.orders import bp
from blueprints.orders.broadcasts import hours_changed, item_changed
from blueprints.orders.menu import Closing, MenuItem
from database import db, utcnow

A_WEEK = 7 * 24 * 60
MOST_EUROS = 1000


class ClosingForm(Form):
    begins = IntegerField(
        "Last orders in so many minutes",
        [
            InputRequired("Please give a number of minutes."),
            NumberRange(0, 24 * 60, "From 0 to 1440, please."),
        ],
        default=0,
    )
    lasts = IntegerField(
        "Then closed for so many minutes",
        [
            InputRequired("Please give a number of minutes."),
            NumberRange(1, A_WEEK, "From 1 to 10080, please."),
        ],
        default=60,
    )


def finite(_form, field):
    """First of all: NumberRange cannot compare what is no number."""
    if field.data is None or not field.data.is_finite():
        field.errors[:] = []  # the form's own words are for developers
        raise StopValidation("Please give a price, such as 8.90.")


class PriceForm(Form):
    price = DecimalField(
        "Price",
        [
            InputRequired("Please give a price, such as 8.90."),
            finite,
            NumberRange(0, MOST_EUROS, f"From 0 to {MOST_EUROS} euros, please."),
        ],
        places=2,
    )


@bp.get("/kitchen/closings", endpoint="closings")
@bp.get("/kitchen/menu/<int:item_id>/price", endpoint="price")
@bp.get("/kitchen/menu")
@role_required("kitchen")
def menu(**_where):
    """Also where a refused form leaves its page: a repair asks for that address again."""
    return _page()


@bp.post("/kitchen/menu/<int:item_id>/availability")
@role_required("kitchen")
def update_availability(item_id):
    item, wanted = _item(item_id), request.form.get("sold_out")
    if wanted not in ("yes", "no"):
        abort(400, "Sold out is yes or no.")
    item.change(sold_out=wanted == "yes")
    item_changed(item)
    db.session.commit()
    return _back()


@bp.post("/kitchen/menu/<int:item_id>/price")
@role_required("kitchen")
def update_price(item_id):
    item, form = _item(item_id), PriceForm(request.form)
    if not form.validate():
        return _page(price_problem=(item.id, form), status=422)
    item.change(price_cents=round(form.price.data * 100))
    item_changed(item)
    db.session.commit()
    return _back()


@bp.post("/kitchen/closings")
@role_required("kitchen")
def create_closing():
    form = ClosingForm(request.form)
    if not form.validate():
        return _page(closing_form=form, status=422)
    closes_at = utcnow() + timedelta(minutes=form.begins.data)
    db.session.add(Closing(closes_at=closes_at, opens_at=closes_at + timedelta(minutes=form.lasts.data)))
    db.session.flush()
    hours_changed()
    db.session.commit()
    return _back()


@bp.post("/kitchen/closings/end")
@role_required("kitchen")
def end_closings():
    Closing.end_all()
    hours_changed()
    db.session.commit()
    return _back()


def _item(item_id):
    item = MenuItem.find(item_id)
    if item is None:
        abort(404)
    return item


def _page(closing_form=None, price_problem=(0, None), status=200):
    page = render_template(
        "orders/menu.html",
        menu=MenuItem.menu(),
        closings=Closing.planned(),
        closing_form=closing_form or ClosingForm(),
        price_problem=price_problem,
    )
    return page, status


def _back():
    return redirect(url_for("orders.menu"), 303)
