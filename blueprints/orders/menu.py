"""The menu: what there is, how it may be had and at what price, and when the shop takes no orders."""

from datetime import datetime, timedelta

from sqlalchemy import Column, ForeignKey, String, Table, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from database import UtcDateTime, db, utcnow

SIZE, EXTRA, WITHOUT = "size", "extra", "without"
KINDS = (SIZE, EXTRA, WITHOUT)
SOON = timedelta(hours=2)  # a closing this near is said while somebody chooses

item_modifiers = Table(
    "menu_item_modifiers",
    db.metadata,
    Column("item_id", ForeignKey("menu_items.id", ondelete="CASCADE"), primary_key=True),
    Column("modifier_id", ForeignKey("modifiers.id", ondelete="CASCADE"), primary_key=True),
)


class Modifier(db.Model):
    """A size, something on top, or something left out; its price is what it adds, in cents, or takes off."""

    __tablename__ = "modifiers"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(40))
    price_cents: Mapped[int] = mapped_column(default=0)
    sort: Mapped[int] = mapped_column(default=0)


class MenuItem(db.Model):
    __tablename__ = "menu_items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    description: Mapped[str] = mapped_column(String(200))
    picture: Mapped[str] = mapped_column(String(40))
    price_cents: Mapped[int]
    sort: Mapped[int]
    sold_out: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    modifiers: Mapped[list[Modifier]] = relationship(
        secondary=item_modifiers, order_by=[Modifier.sort, Modifier.id]
    )

    @classmethod
    def menu(cls):
        query = select(cls).order_by(cls.sort, cls.id).options(selectinload(cls.modifiers))
        return db.session.scalars(query).all()

    @classmethod
    def find(cls, item_id):
        return db.session.get(cls, item_id, options=[selectinload(cls.modifiers)])

    @classmethod
    def write(cls, rows):
        """Changes the items of these names and adds the new ones at the end."""
        known = {item.name.casefold(): item for item in cls.menu()}
        for number, values in enumerate(rows):
            item = known.get(values["name"].casefold())
            if item is None:
                db.session.add(cls(**({"picture": "margherita", "sort": 1000 + number} | values)))
            else:
                item.change(**values)
        db.session.flush()

    def of_kind(self, kind):
        return [modifier for modifier in self.modifiers if modifier.kind == kind]

    def change(self, **values):
        """Sets columns and counts the version, so that an older card never replaces a newer one."""
        changed = update(MenuItem).where(MenuItem.id == self.id)
        db.session.execute(
            changed.values(version=MenuItem.version + 1, **values),
            execution_options={"synchronize_session": False},
        )
        db.session.expire(self)


class Closing(db.Model):
    """A time without orders: the night, or an hour in which the oven cannot take more."""

    __tablename__ = "closings"
    id: Mapped[int] = mapped_column(primary_key=True)
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    opens_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    @classmethod
    def planned(cls):
        """The closing that is now and all that come, by their beginning."""
        query = select(cls).where(cls.opens_at > utcnow())
        return db.session.scalars(query.order_by(cls.closes_at, cls.id)).all()

    @classmethod
    def next(cls):
        """The closing that is now, or comes within two hours, or None."""
        first = next(iter(cls.planned()), None)
        return first if first and first.closes_at - SOON <= utcnow() else None

    @classmethod
    def changes_at(cls):
        """When `next` says something else, if nobody plans anything until then; None: not by itself."""
        now = utcnow()
        steps = [
            step
            for each in cls.planned()
            for step in (each.closes_at - SOON, each.closes_at, each.opens_at)
            if step > now
        ]
        return min(steps, default=None)

    @property
    def is_now(self):
        return self.closes_at <= utcnow() < self.opens_at

    @classmethod
    def end_all(cls):
        """From now on the shop takes orders, and nothing else is planned."""
        now = utcnow()
        ending = update(cls).where(cls.opens_at > now)
        db.session.execute(ending.values(opens_at=now), execution_options={"synchronize_session": False})
