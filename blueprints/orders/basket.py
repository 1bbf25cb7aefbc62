"""The basket: kept in the database, so that it survives a reload, an evening and a new version. Sums are made here."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from blueprints.auth.models import User
from blueprints.orders.menu import KINDS, SIZE, MenuItem
from database import UtcDateTime, db, utcnow

MOST_OF_ONE = 20
MOST_IN_ALL = 50
MOST_DIGITS = 7


class BasketLine(db.Model):
    """So many of one thing in one form, at the price that was shown when it was chosen."""

    __tablename__ = "basket_lines"
    __table_args__ = (UniqueConstraint("user_id", "item_id", "choice"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    item_id: Mapped[int] = mapped_column(ForeignKey("menu_items.id", ondelete="CASCADE"), index=True)
    choice: Mapped[str] = mapped_column(String(100), default="")
    chosen: Mapped[list[int]] = mapped_column(JSON, default=list)
    quantity: Mapped[int]
    seen_cents: Mapped[int]
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    item: Mapped[MenuItem] = relationship()

    @property
    def modifiers(self):
        return [modifier for modifier in self.item.modifiers if modifier.id in self.chosen]

    @property
    def each_cents(self):
        """What one costs now."""
        return unit_cents(self.item.price_cents, self.modifiers)

    @property
    def is_repriced(self):
        return self.seen_cents != self.each_cents and not self.item.sold_out

    @property
    def sum_cents(self):
        return self.each_cents * self.quantity

    @property
    def words(self):
        """[kind, name] of each modifier, as an order's line keeps it."""
        return [[modifier.kind, modifier.name] for modifier in self.modifiers]


class Basket:
    """Somebody's lines, oldest first."""

    def __init__(self, user, *, lock=False):
        query = select(BasketLine).filter_by(user_id=user.id).order_by(BasketLine.id)
        query = query.options(selectinload(BasketLine.item).selectinload(MenuItem.modifiers))
        if lock:  # of two orders made of one basket, the second finds it empty
            query = query.with_for_update(of=BasketLine).execution_options(populate_existing=True)
        self.lines = db.session.scalars(query).all()

    def __bool__(self):
        return bool(self.lines)

    @property
    def pieces(self):
        return sum(line.quantity for line in self.lines)

    @property
    def total_cents(self):
        return sum(line.sum_cents for line in self.lines)

    @property
    def is_repriced(self):
        return any(line.is_repriced for line in self.lines)

    @property
    def as_shown(self):
        """What a press on the order's button agrees to. Not the sum alone: two new prices may make the old one."""
        lines = [
            (line.id, line.quantity, line.each_cents, *sorted(m.id for m in line.modifiers))
            for line in self.lines
        ]
        return ",".join("-".join(map(str, line)) for line in lines)

    def line(self, line_id):
        return next((line for line in self.lines if line.id == line_id), None)

    def problems(self):
        """The sentence for each line that cannot be ordered as it stands, by the line's id."""
        return {
            line.id: f"{line.item.name} is sold out for today. Please take it out; the rest stays."
            for line in self.lines
            if line.item.sold_out
        }

    def empty(self):
        for line in self.lines:
            db.session.delete(line)


def unit_cents(price_cents, modifiers):
    return max(0, price_cents + sum(modifier.price_cents for modifier in modifiers))


def read_choice(item, form):
    """(the chosen modifiers, a sentence or ""): one size at most, and nothing that this item has not."""
    ids = [text for kind in KINDS for text in form.getlist(kind) if text]
    chosen = [modifier for modifier in item.modifiers if str(modifier.id) in ids]
    if len(chosen) != len(set(ids)):
        return chosen, "Something you chose is no longer on the menu. Please choose again."
    if sum(modifier.kind == SIZE for modifier in chosen) > 1:
        return chosen, "Please choose one size."
    return chosen, ""


def read_quantity(text, least=1):
    """A whole number that may be ordered, or None. Two digits at most: int() of a very long text is slow."""
    if not (0 < len(text) <= 2 and text.isascii() and text.isdecimal()):
        return None
    return int(text) if least <= int(text) <= MOST_OF_ONE else None


def read_price(item, form):
    """The item's price on the card that was used: that of a page which is not live may be an old one."""
    text = form.get("price", "")
    is_price = 0 < len(text) <= MOST_DIGITS and text.isascii() and text.isdecimal()
    return int(text) if is_price else item.price_cents


def add_line(user, item, modifiers, quantity, price_cents):
    """A sentence where that is too many, or "". The same thing in the same form is one line, at its first price."""
    ids = sorted(modifier.id for modifier in modifiers)
    key = {"user_id": user.id, "item_id": item.id, "choice": ",".join(map(str, ids))}
    seen = unit_cents(price_cents, modifiers)
    try:
        with db.session.begin_nested():
            line = BasketLine(**key, chosen=ids, quantity=quantity, seen_cents=seen)
            db.session.add(line)
            db.session.flush()
    except IntegrityError:  # it is in the basket already
        line = db.session.scalars(select(BasketLine).filter_by(**key).with_for_update()).one()
        if line.quantity + quantity > MOST_OF_ONE:
            return f"{line.quantity} are in your basket, and {MOST_OF_ONE} is the most of one kind. Nothing was added."
        line.quantity += quantity
        db.session.flush()
    return ""
