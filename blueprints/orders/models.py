"""Orders, their lines and steps. An order changes by one UPDATE that names the state it expects."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from blueprints.auth.models import User
from blueprints.orders.menu import Closing, MenuItem, Modifier
from database import UtcDateTime, db, utcnow

__all__ = ["Closing", "MenuItem", "Modifier", "Order", "OrderLine", "OrderStep"]

NEXT = {"new": "oven", "oven": "ready", "ready": "done"}
BEFORE = {after: before for before, after in NEXT.items()}
OPEN = tuple(NEXT)
BAKING = ("new", "oven")
NOTE_CHARS = 140
PLACE_CHARS = 20
MOST_ON_BOARD = 200
RECALL_MOST, RECALL_WITHIN = 50, timedelta(minutes=60)


class OrderLine(db.Model):
    """What was ordered at the price of that moment; a later menu does not change it."""

    __tablename__ = "order_lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    quantity: Mapped[int]
    price_cents: Mapped[int]
    modifiers: Mapped[list] = mapped_column(JSON, default=list)  # [kind, name] of each
    mark: Mapped[str] = mapped_column(String(10), default="")  # added or void, after the order was placed
    ticked: Mapped[bool] = mapped_column(default=False)

    def take_off(self):
        """False when it was taken off already."""
        off = update(OrderLine).where(OrderLine.id == self.id, OrderLine.mark != "void").values(mark="void")
        done = db.session.execute(off, execution_options={"synchronize_session": False})
        db.session.expire(self)
        return bool(done.rowcount)

    @property
    def counts(self):
        """Does the kitchen still have to make it?"""
        return not self.ticked and self.mark != "void"


class OrderStep(db.Model):
    """A state an order really reached, when, and by whose hand; undone when somebody took that back."""

    __tablename__ = "order_steps"
    __table_args__ = (Index("ix_order_steps_state_at", "state", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(10))
    by_name: Mapped[str] = mapped_column(String(100))
    by_id: Mapped[int | None] = mapped_column(index=True)
    place: Mapped[str] = mapped_column(String(PLACE_CHARS), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def who(self):
        return f"{self.by_name} at {self.place}" if self.place else self.by_name


class Order(db.Model):
    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("user_id", "token"),
        Index("ix_orders_state_id", "state", "id"),
        Index("ix_orders_state_changed_at", "state", "changed_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    customer_name: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10), default="new")
    total_cents: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    token: Mapped[str] = mapped_column(String(64))
    # The address that lets a second device follow it: random, so that nobody finds another one's by counting.
    tracking: Mapped[str | None] = mapped_column(
        String(32), unique=True, default=lambda: secrets.token_hex(16)
    )
    note: Mapped[str] = mapped_column(String(NOTE_CHARS), default="")
    changed: Mapped[bool] = mapped_column(default=False)  # and the kitchen has not yet said that it saw
    recalled: Mapped[bool] = mapped_column(default=False)
    ahead: Mapped[int] = mapped_column(default=0)
    promised_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    promised_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    lines: Mapped[list[OrderLine]] = relationship(order_by=OrderLine.id, cascade="all, delete-orphan")
    steps: Mapped[list[OrderStep]] = relationship(order_by=OrderStep.id, cascade="all, delete-orphan")

    @classmethod
    def place(cls, user, basket, token, promise=(None, None, 0)):
        """A new order, flushed, so that its event can name it."""
        order = cls(user_id=user.id, customer_name=user.name, token=token, total_cents=basket.total_cents)
        order.promised_from, order.promised_until, order.ahead = promise
        order.lines = lines_of(basket)
        order.steps = [OrderStep(state="new", by_name=user.name)]
        db.session.add(order)
        db.session.flush()
        return order

    @classmethod
    def place_once(cls, user, basket, token, promise=(None, None, 0)):
        """The order of this token, and whether it is this call that made it."""
        try:
            with db.session.begin_nested():
                return cls.place(user, basket, token, promise), True
        except IntegrityError:  # the same form was posted twice at once: its twin was faster
            return cls.of_token(user, token), False

    @classmethod
    def of_token(cls, user, token):
        return db.session.scalar(select(cls).filter_by(user_id=user.id, token=token))

    @classmethod
    def find(cls, order_id):
        """The order with its lines and steps, or None."""
        return db.session.get(cls, order_id, options=[selectinload(cls.lines), selectinload(cls.steps)])

    @classmethod
    def tracked(cls, tracking):
        query = select(cls).filter_by(tracking=tracking)
        return db.session.scalar(query.options(selectinload(cls.lines), selectinload(cls.steps)))

    @classmethod
    def of_customer(cls, user):
        """A query: somebody's orders, newest first."""
        return select(cls).filter_by(user_id=user.id).order_by(cls.id.desc()).options(selectinload(cls.lines))

    @classmethod
    def may_grow(cls, user):
        """Somebody's newest order that is not yet in the oven, or None."""
        return db.session.scalar(cls.of_customer(user).where(cls.state == "new").limit(1))

    @classmethod
    def on_board(cls):
        """(the open orders, oldest first; how many more there are): a board of thousands would serve nobody."""
        query = select(cls).where(cls.state.in_(OPEN)).order_by(cls.id).limit(MOST_ON_BOARD)
        shown = db.session.scalars(query.options(selectinload(cls.lines), selectinload(cls.steps))).all()
        if len(shown) < MOST_ON_BOARD:
            return shown, 0
        every = select(func.count()).select_from(cls).where(cls.state.in_(OPEN))
        return shown, db.session.scalar(every) - len(shown)

    @classmethod
    def just_done(cls):
        """What was handed over last, newest first: what may be called back."""
        recent = cls.changed_at > utcnow() - RECALL_WITHIN
        query = select(cls).where(cls.state == "done", recent).order_by(cls.changed_at.desc(), cls.id.desc())
        loading = (selectinload(cls.lines), selectinload(cls.steps))
        return db.session.scalars(query.limit(RECALL_MOST).options(*loading)).all()

    def advance(self, expected, by_name, by_id=None, place=""):
        """Moves the order on from the state it is expected in; False when somebody was faster."""
        to = NEXT[expected]
        if not self._update(expected, state=to, recalled=False, changed=False):
            return False
        db.session.add(OrderStep(order_id=self.id, state=to, by_name=by_name, by_id=by_id, place=place))
        db.session.flush()
        db.session.expire(self, ["steps"])  # read again already, without the new one
        return True

    def take_back(self, expected):
        """Undoes the step into the state it is expected in; False when somebody was faster."""
        if expected not in BEFORE or not self._update(expected, state=BEFORE[expected], recalled=True):
            return False
        step = next(step for step in reversed(self.steps) if step.state == expected and not step.undone_at)
        step.undone_at = utcnow()
        db.session.flush()
        return True

    def change(self, **values):
        """What the guest changes before it goes into the oven; False when it is too late."""
        return self._update("new", changed=True, **values)

    def acknowledge(self):
        """The kitchen has seen the change."""
        return self._update(self.state, changed=False)

    @classmethod
    def tick(cls, line_id, ticked):
        """The open order with that line ticked or not, or None."""
        line = db.session.get(OrderLine, line_id)
        order = line and cls.find(line.order_id)
        if order is None or order.state not in OPEN or not order._update(order.state):
            return None
        line.ticked = ticked
        db.session.flush()
        return order

    def _update(self, expected, **values):
        move = update(Order).where(Order.id == self.id, Order.state == expected)
        values |= {"version": Order.version + 1, "changed_at": utcnow()}
        done = db.session.execute(move.values(values), execution_options={"synchronize_session": False})
        db.session.expire(self)
        return bool(done.rowcount)

    @property
    def step_at(self):
        """When each state was reached, by state; what was taken back does not count."""
        return {step.state: step.at for step in self.steps if not step.undone_at}

    @property
    def last_step(self):
        return [step for step in self.steps if not step.undone_at][-1]

    @property
    def corrected_at(self):
        """When the newest step was taken back, if nothing was reached since."""
        undone = max((step.undone_at for step in self.steps if step.undone_at), default=None)
        return undone if undone and undone >= self.last_step.at else None

    @property
    def is_late(self):
        return self.state in BAKING and self.promised_until is not None and utcnow() > self.promised_until

    @property
    def pieces(self):
        return sum(line.quantity for line in self.lines if line.mark != "void")


def lines_of(basket, mark=""):
    return [
        OrderLine(
            name=line.item.name,
            quantity=line.quantity,
            price_cents=line.each_cents,
            modifiers=line.words,
            mark=mark,
        )
        for line in basket.lines
    ]


def last_step_of(user):
    """The newest step that somebody made and that still stands: what "undo" takes back."""
    query = (
        select(OrderStep)
        .join(Order, Order.id == OrderStep.order_id)
        .where(OrderStep.by_id == user.id, OrderStep.undone_at.is_(None), Order.state == OrderStep.state)
        .order_by(OrderStep.id.desc())
    )
    return db.session.scalar(query.limit(1))
