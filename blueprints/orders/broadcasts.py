"""Who may follow which orders, and what is announced when one is placed or moved."""

from blueprints.orders.models import OPEN, Order
from extensions import live

KITCHEN = "orders:kitchen"
MAX_ID = 2**31 - 1  # what an integer column of PostgreSQL holds


def order_topic(order_id):
    return f"orders:order:{order_id}"


def customer_topic(user_id):
    return f"orders:customer:{user_id}"


@live.topic(KITCHEN)
def may_follow_kitchen(user):
    return user.has_role("kitchen")


@live.topic(f"orders:order:<int(max={MAX_ID}):order_id>")
def may_follow_order(user, order_id):
    order = Order.find(order_id)
    return order is not None and order.user_id == user.id


@live.topic("orders:customer:<int:user_id>")
def may_follow_customer(user, user_id):
    return user.id == user_id


def order_placed(order):
    live.signal(KITCHEN, "order-placed", {"number": order.id})
    _sums_changed(order)
    return live.upsert(KITCHEN, f"#column-{order.state}", "orders/_ticket.html", ticket=order)


def order_moved(order, before):
    """Announces a move from the state `before`; the HTML is what the board of the cook who did it needs."""
    live.replace(order_topic(order.id), f"#order-{order.id}", "orders/_order.html", order=order)
    _sums_changed(order)
    # Named by its column: a page that has the ticket in its new place already must not lose it there.
    gone = live.remove(KITCHEN, f"#column-{before} #ticket-{order.id}")
    if order.state not in OPEN:
        return gone.html
    come = live.upsert(KITCHEN, f"#column-{order.state}", "orders/_ticket.html", ticket=order)
    return gone.html + come.html


def _sums_changed(order):
    """Counts and paged lists depend on what others do at the same moment: pages fetch them again."""
    live.refresh(KITCHEN, "#kitchen-counts")
    live.refresh(customer_topic(order.user_id), "#my-orders")
