"""A Friday evening by the dice: what guests and cooks do, one thing after the other, by the same views as everybody."""

import random
from uuid import uuid4

from tests.support import ordering

NEXT = {"new": "oven", "oven": "ready"}


class Friday:
    """`open` is what must be on the board: {number: state}; at most so many are open at once."""

    MOST_OPEN = 40

    def __init__(self, shop):
        self.shop, self.dice = shop, random.Random(5)
        self.open, self.placed, self.done = {}, 0, 0

    def next(self):
        moves = [self.move] * 4
        happenings = [
            self.order,
            self.order,
            *moves,
            self.undo,
            self.change,
            self.tick,
            self.take_off,
            self.add,
        ]
        if len(self.open) < 3:
            return self.order()
        if len(self.open) > self.MOST_OPEN:
            return self.move()
        return self.dice.choice(happenings)()

    def order(self):
        number = self.shop.place(self._item(), self.dice.randint(1, 3))
        self.open[number] = "new"
        self.placed += 1

    def move(self):
        number = self.dice.choice(list(self.open))
        state = self.open[number]
        self.shop.move(number, state)
        self.open[number] = NEXT.get(state)
        if self.open[number] is None:
            del self.open[number]
            self.done += 1

    def undo(self):
        self.shop.carlo.post("/kitchen/undos")
        self.open = {number: state for number, state in self.shop.orders() if state != "done"}

    def change(self):
        if new := self._new():
            note = {"note": f"as said {self.dice.random()}"}
            self.shop.ada.post(f"/orders/{self.dice.choice(new)}/note", data=note)

    def tick(self):
        line = self.dice.choice(self.shop.lines(self.dice.choice(list(self.open))))
        wanted = {"ticked": "no" if line.ticked else "yes"}
        assert self.shop.carlo.post(f"/kitchen/lines/{line.id}/ticks", data=wanted).status_code == 303

    def take_off(self):
        for number in self._new():
            lines = [line for line in self.shop.lines(number) if line.mark != "void"]
            if len(lines) > 1:
                path = f"/orders/{number}/lines/{self.dice.choice(lines).id}/removal"
                assert self.shop.ada.post(path).status_code == 303
                return

    def add(self):
        if new := self._new():
            ordering.add(self.shop.ada, self.shop.items[self._item()])
            form = ordering.checkout(self.shop.ada) | {"token": uuid4().hex, "add_to": max(new)}
            assert self.shop.ada.post("/orders/", data=form).status_code == 303

    def _new(self):
        return [number for number, state in self.open.items() if state == "new"]

    def _item(self):
        return self.dice.choice(list(self.shop.items))
