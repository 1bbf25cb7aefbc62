"""A busy Friday: thousands of orders, most of them over already, the last ones on their way through the kitchen."""

import random
from datetime import timedelta

from sqlalchemy import select

from blueprints.orders.broadcasts import order_moved, order_placed
from blueprints.orders.models import NEXT, Order, OrderLine, OrderStep
from database import db, utcnow

PATH = ("new", "oven", "ready", "done")
PER_TRANSACTION = 50  # some milliseconds: SQLite has one writer at a time
LIVE_PART = 50  # one in so many is watched
FRIDAY = 4
COOK = "Carlo"
GUESTS = ("Ines", "Tom", "Aylin", "Jonas", "Mia", "Luca", "Nora", "Emil", "Zoe", "Ben")


class Friday:
    """The orders of one job. Their tokens name it, so a second attempt finds what the first one made."""

    def __init__(self, user_id, token, menu, orders):
        self.user_id, self.token, self.menu = user_id, token, menu
        self.dice = random.Random(token)
        self.live = max(1, orders // LIVE_PART)
        self.past = orders - self.live

    def evening(self):
        """Five o'clock of the last Friday that is over."""
        today = utcnow().replace(hour=17, minute=0, second=0, microsecond=0)
        return today - timedelta(days=(today.weekday() - FRIDAY) % 7 or 7)

    def batches(self):
        """Ranges of numbers, each for one transaction."""
        return [
            range(start, min(start + PER_TRANSACTION, self.past))
            for start in range(0, self.past, PER_TRANSACTION)
        ]

    def add_past(self, numbers):
        tokens = {self._token(number): number for number in numbers}
        there = set(db.session.scalars(select(Order.token).where(Order.token.in_(tokens))))
        begin = self.evening()
        for token, number in tokens.items():
            order = self._order(token, "done", begin + timedelta(seconds=5 * 3600 * number / self.past))
            if token not in there:
                db.session.add(order)

    def move_on(self, number):
        """One more live order arrives, and those before it go one step further."""
        if number < self.live:
            self._place(number)
        for earlier in range(max(0, number - len(NEXT)), min(number, self.live)):
            self._advance(earlier)

    def _place(self, number):
        token = self._token(self.past + number)
        order = self._order(token, "new", utcnow())
        if db.session.scalar(select(Order.id).where(Order.token == token)):
            return  # an earlier attempt has placed it
        db.session.add(order)
        db.session.flush()
        order_placed(order)

    def _advance(self, number):
        """One step on, by the cook, if it has one before it."""
        order = db.session.scalar(select(Order).where(Order.token == self._token(self.past + number)))
        before = order and order.state
        if before in NEXT and order.advance(before, COOK):
            order_moved(order, before)

    def _token(self, number):
        return f"{self.token}n{number}"

    def _order(self, token, state, placed):
        reached = PATH[: PATH.index(state) + 1]
        guest, chosen = self.dice.choice(GUESTS), self.dice.sample(self.menu, min(2, len(self.menu)))
        lines = [
            OrderLine(name=name, quantity=self.dice.randint(1, 3), price_cents=cents)
            for name, cents in chosen
        ]
        return Order(
            user_id=self.user_id,
            customer_name=guest,
            state=state,
            version=len(reached),
            token=token,
            total_cents=sum(line.quantity * line.price_cents for line in lines),
            created_at=placed,
            changed_at=placed + timedelta(minutes=3 * (len(reached) - 1)),
            lines=lines,
            steps=[
                OrderStep(state=each, by_name=COOK if n else guest, at=placed + timedelta(minutes=3 * n))
                for n, each in enumerate(reached)
            ],
        )
