"""Demo data for an empty development database: people, menu, rooms, a busy quarter of a year.

Called by the launcher and the tests. The same every time but for dates and tokens: the dice have a fixed start.
"""

import random
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select

from blueprints.auth import User, add_demo_accounts
from blueprints.chat.models import Room
from blueprints.chat.rooms import add as add_member
from blueprints.chat.rooms import direct
from blueprints.orders.models import MenuItem, Modifier, Order, OrderLine, OrderStep
from database import db, utcnow

MENU = [
    ("Margherita", "Tomato, mozzarella, basil", "margherita", 890),
    ("Marinara", "Tomato, garlic, oregano, no cheese", "marinara", 790),
    ("Diavola", "Tomato, mozzarella, hot salami, chilli", "diavola", 1090),
    ("Funghi", "Mozzarella, mushrooms, thyme", "funghi", 1050),
    ("Quattro formaggi", "Mozzarella, gorgonzola, taleggio, parmesan", "formaggi", 1190),
    ("Ortolana", "Tomato, courgette, pepper, aubergine", "ortolana", 1090),
    ("Bianca", "Olive oil, rosemary, sea salt", "bianca", 650),
    ("Tartufo", "Mozzarella, truffle cream, egg", "tartufo", 1490),
]
SOLD_OUT = "Tartufo"
SIZES = [("Small", -200), ("Regular", 0), ("Family", 700)]
EXTRAS = [("Extra mozzarella", 150), ("Rocket", 120), ("Hot salami", 200), ("Egg", 100)]
WITHOUT = ["basil", "garlic", "mozzarella"]
ROOMS = [
    ("Front of house", "Tables, guests, and who takes which door.", "open"),
    ("Kitchen", "Dough, oven, and what runs low.", "open"),
    ("Lounge", "Everything else.", "open"),
    ("Friday crew", "Shifts and swaps, for those who work them.", "closed"),
]
TALK = [  # who, what, how many minutes ago
    ("carlo", "The new flour is here. Same mill, a little more protein: https://levain.test/flour", 1570),
    ("grace", "Nice. Does the dough need more water then?", 1562),
    ("carlo", "Two percent. I wrote it on the board.", 1560),
    ("carlo", "The oven is up to heat. First dough at half past five.", 64),
    ("ada", "Table four asks if the Bianca is vegan.", 31),
    ("carlo", "It is. The Marinara, too.", 30),
    ("grace", "Then two of each, please! @Ada, table nine would like the corner next time.", 12),
    ("ada", "Noted. And @Carlo, the Tartufo is gone for tonight.", 4),
]
DIRECT_TALK = [("grace", "Can you take my Friday?", 45), ("ada", "Yes, if you take my Sunday.", 40)]
OPEN_ORDERS = [
    ("ada", "ready", 17, {0: 1, 3: 1}),
    ("grace", "oven", 9, {2: 2}),
    ("ada", "oven", 6, {4: 1, 6: 2}),
    ("grace", "new", 3, {0: 2, 1: 1, 5: 1}),
    ("ada", "new", 1, {3: 1}),
]
PROMISED = (timedelta(minutes=15), timedelta(minutes=25))
PATH = ("new", "oven", "ready", "done")
PAST_DAYS = 90
ROWS_PER_COMMIT = 100  # a transaction of milliseconds: SQLite has one writer at a time


def seed(app):
    """Fills an empty development database; does nothing in production or where somebody is already."""
    with app.app_context():
        if app.config["LEVAIN_ENV"] != "production" and db.session.scalar(select(User.id).limit(1)) is None:
            people, menu = add_demo_accounts(), _add_menu()
            _add_talk(people)
            db.session.commit()
            _add_past_orders(people, menu)
            _add_open_orders(people, menu)


def _add_menu():
    columns = ("name", "description", "picture", "price_cents")
    menu = [MenuItem(**dict(zip(columns, row, strict=True)), sort=n) for n, row in enumerate(MENU)]
    modifiers = _modifiers()
    for item in menu:
        item.sold_out = item.name == SOLD_OUT
        item.modifiers = [
            each for each in modifiers if each.kind != "without" or each.name in item.description
        ]
    db.session.add_all(menu)
    return menu


def _modifiers():
    rows = [("size", *row) for row in SIZES] + [("extra", *row) for row in EXTRAS]
    rows += [("without", name, 0) for name in WITHOUT]
    columns = ("kind", "name", "price_cents")
    return [Modifier(**dict(zip(columns, row, strict=True)), sort=n) for n, row in enumerate(rows)]


def _add_talk(people):
    rooms = [Room(name=name, about=about, kind=kind) for name, about, kind in ROOMS]
    db.session.add_all(rooms)
    db.session.flush()
    for person in ("ada", "grace", "carlo"):
        add_member(rooms[-1], people[person].id)
    said = [_say(rooms[0], people, *line, f"seed-{n}") for n, line in enumerate(TALK)]
    for name in ("ada", "grace"):
        said[5].react(people[name], "heart", on=True)
    private, _ = direct(people["ada"], people["grace"])
    for n, line in enumerate(DIRECT_TALK):
        _say(private, people, *line, f"seed-direct-{n}")


def _say(room, people, name, text, minutes, token):
    message, _ = room.post(people[name], text, token)
    message.created_at = utcnow() - timedelta(minutes=minutes)
    return message


def _add_past_orders(people, menu):
    """A quarter of a year that reports can be made of."""
    dice = random.Random(40)
    opening = utcnow().replace(hour=17, minute=0, second=0, microsecond=0)
    times = sorted(
        opening - timedelta(days=days) + timedelta(minutes=dice.randint(0, 300))
        for days in range(1, PAST_DAYS + 1)
        for _ in range(dice.randint(8, 24))
    )
    for start in range(0, len(times), ROWS_PER_COMMIT):
        batch = times[start : start + ROWS_PER_COMMIT]
        db.session.add_all(_past_order(dice, people["grace"], menu, placed) for placed in batch)
        db.session.commit()


def _past_order(dice, user, menu, placed):
    choice = {item: dice.randint(1, 3) for item in dice.sample(menu, dice.randint(1, 3))}
    return _order(user, "done", placed, choice)


def _add_open_orders(people, menu):
    for name, state, minutes, choice in OPEN_ORDERS:
        placed = utcnow() - timedelta(minutes=minutes)
        order = _order(people[name], state, placed, {menu[n]: q for n, q in choice.items()})
        order.promised_from, order.promised_until = placed + PROMISED[0], placed + PROMISED[1]
        order.lines[0].modifiers = [["extra", "Rocket"]] if state != "ready" else []
        db.session.add(order)
    db.session.commit()


def _order(user, state, placed, choice):
    reached = PATH[: PATH.index(state) + 1]
    steps = [
        OrderStep(state=each, by_name="Carlo" if n else user.name, at=placed + timedelta(minutes=2 * n))
        for n, each in enumerate(reached)
    ]
    return Order(
        user_id=user.id,
        customer_name=user.name,
        state=state,
        version=len(reached),
        token=uuid4().hex,
        total_cents=sum(item.price_cents * quantity for item, quantity in choice.items()),
        created_at=placed,
        changed_at=steps[-1].at,
        lines=[_line(item, quantity) for item, quantity in choice.items()],
        steps=steps,
    )


def _line(item, quantity):
    return OrderLine(name=item.name, quantity=quantity, price_cents=item.price_cents)
