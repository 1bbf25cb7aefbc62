"""What was sold, read from the orders; as figures, as a file for a spreadsheet, and as two charts."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import func, select

from blueprints.orders.models import Order, OrderLine
from database import db

TOP_ITEMS = 10
FORMULA = ("=", "+", "-", "@", "\t")  # what a spreadsheet would run


def days_between(since, until):
    """Every day of a period, both ends included."""
    return [since + timedelta(days=n) for n in range((until - since).days + 1)]


def sales_of_day(day):
    """(orders, total in cents, {item: (pieces, cents)}) of the orders placed on a day, in UTC."""
    start = datetime.combine(day, time(), UTC)
    of_day = (Order.created_at >= start) & (Order.created_at < start + timedelta(days=1))
    of_day &= Order.state != "cancelled"
    total = select(func.count(), func.coalesce(func.sum(Order.total_cents), 0))
    count, cents = db.session.execute(total.where(of_day)).one()
    pieces, worth = func.sum(OrderLine.quantity), func.sum(OrderLine.quantity * OrderLine.price_cents)
    by_item = select(OrderLine.name, pieces, worth).join(Order, OrderLine.order_id == Order.id)
    rows = db.session.execute(by_item.where(of_day).group_by(OrderLine.name))
    return count, int(cents), {name: (int(sold), int(value)) for name, sold, value in rows}


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


def as_csv(days, sales):
    """A line for each item of each day, for a spreadsheet."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["day", "item", "pieces", "sales"])
    for day, (_, _, items) in zip(days, sales, strict=True):
        for name, (pieces, cents) in sorted(items.items()):
            table.writerow([day.isoformat(), _harmless(name), pieces, f"{cents / 100:.2f}"])
    return text.getvalue().encode("utf-8-sig")  # the mark tells spreadsheets that it is UTF-8


def _harmless(text):
    return f"'{text}" if text.startswith(FORMULA) else text
