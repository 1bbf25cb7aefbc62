"""Reading the sales out of the database. It knows the tables of the orders, not their feature's code."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import func, select

from database import db

TOP_ITEMS = 10


def days_between(since, until):
    """Every day of a period, both ends included."""
    return [since + timedelta(days=n) for n in range((until - since).days + 1)]


def sales_of_day(day):
    """(orders, total in cents, {item: (pieces, cents)}) of the orders placed on a day, in UTC."""
    orders, lines = _tables()
    start = datetime.combine(day, time(), UTC)
    of_day = (orders.c.created_at >= start) & (orders.c.created_at < start + timedelta(days=1))
    count, cents = db.session.execute(
        select(func.count(), func.coalesce(func.sum(orders.c.total_cents), 0)).where(of_day)
    ).one()
    pieces = func.sum(lines.c.quantity)
    by_item = select(lines.c.name, pieces, func.sum(lines.c.quantity * lines.c.price_cents)).join_from(
        lines, orders, lines.c.order_id == orders.c.id
    )
    rows = db.session.execute(by_item.where(of_day).group_by(lines.c.name))
    return count, int(cents), {name: (int(sold), int(worth)) for name, sold, worth in rows}


def summary(sales):
    """What a report shows, of plain values only: it is kept as JSON."""
    sold, worth = Counter(), Counter()
    for _, _, items in sales:
        for name, (pieces, cents) in items.items():
            sold[name] += pieces
            worth[name] += cents
    return {
        "days": len(sales),
        "orders": sum(count for count, _, _ in sales),
        "total_cents": sum(cents for _, cents, _ in sales),
        "items": [[name, pieces, worth[name]] for name, pieces in sold.most_common(TOP_ITEMS)],
    }


def _tables():
    tables = db.metadata.tables
    return tables["orders"], tables["order_lines"]
