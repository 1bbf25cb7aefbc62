"""The menu, orders, their lines and steps. An order moves by one UPDATE that names the state it expects."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from blueprints.auth.models import User
from database import UtcDateTime, db, utcnow

NEXT = {"new": "oven", "oven": "ready", "ready": "done"}
OPEN = tuple(NEXT)


class MenuItem(db.Model):
    __tablename__ = "menu_items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    description: Mapped[str] = mapped_column(String(200))
    picture: Mapped[str] = mapped_column(String(40))
    price_cents: Mapped[int]
    sort: Mapped[int]
    sold_out: Mapped[bool] = mapped_column(default=False)

    @classmethod
    def menu(cls):
        return db.session.scalars(select(cls).order_by(cls.sort, cls.id)).all()

    @classmethod
    def write(cls, rows):
        """Changes the items of these names and adds the new ones at the end."""
        known = {item.name.casefold(): item for item in cls.menu()}
        for number, values in enumerate(rows):
            item = known.get(values["name"].casefold())
            if item is None:
                db.session.add(cls(**({"picture": "margherita", "sort": 1000 + number} | values)))
            for column, value in values.items() if item else ():
                setattr(item, column, value)
        db.session.flush()


class OrderLine(db.Model):
    """What was ordered at the price of that moment; a later menu does not change it."""

    __tablename__ = "order_lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    quantity: Mapped[int]
    price_cents: Mapped[int]


class OrderStep(db.Model):
    """A state an order really reached, when, and by whose hand."""

    __tablename__ = "order_steps"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(10))
    by_name: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Order(db.Model):
    __tablename__ = "orders"
    __table_args__ = (UniqueConstraint("user_id", "token"), Index("ix_orders_state_id", "state", "id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    customer_name: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10), default="new")
    total_cents: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    lines: Mapped[list[OrderLine]] = relationship(order_by=OrderLine.id, cascade="all, delete-orphan")
    steps: Mapped[list[OrderStep]] = relationship(order_by=OrderStep.id, cascade="all, delete-orphan")

    @classmethod
    def place(cls, user, basket, token):
        """A new order, flushed, so that its event can name it."""
        order = cls(user_id=user.id, customer_name=user.name, token=token, total_cents=basket.total_cents)
        order.lines = [
            OrderLine(name=item.name, quantity=quantity, price_cents=item.price_cents)
            for item, quantity in basket.lines
        ]
        order.steps = [OrderStep(state="new", by_name=user.name)]
        db.session.add(order)
        db.session.flush()
        return order

    @classmethod
    def place_once(cls, user, basket, token):
        """The order of this token, and whether it is this call that made it."""
        try:
            with db.session.begin_nested():
                return cls.place(user, basket, token), True
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
    def of_customer(cls, user):
        """A query: somebody's orders, newest first."""
        return select(cls).filter_by(user_id=user.id).order_by(cls.id.desc()).options(selectinload(cls.lines))

    @classmethod
    def on_board(cls, limit=200):
        """The open orders, oldest first."""
        query = select(cls).where(cls.state.in_(OPEN)).order_by(cls.id).limit(limit)
        return db.session.scalars(query.options(selectinload(cls.lines), selectinload(cls.steps))).all()

    def advance(self, expected, by_name):
        """Moves the order on from the state it is expected in; False when somebody was faster."""
        now = utcnow()
        move = update(Order).where(Order.id == self.id, Order.state == expected)
        values = {"state": NEXT[expected], "version": Order.version + 1, "changed_at": now}
        moved = db.session.execute(move.values(values), execution_options={"synchronize_session": False})
        if moved.rowcount:
            db.session.add(OrderStep(order_id=self.id, state=NEXT[expected], by_name=by_name, at=now))
            db.session.flush()
        db.session.expire(self)
        return bool(moved.rowcount)

    @property
    def step_at(self):
        """When each state was reached, by state."""
        return {step.state: step.at for step in self.steps}

    @property
    def last_step(self):
        return self.steps[-1]
