"""Who may follow which orders, and what is announced when one is placed, moved or changed, or when the menu is."""

from blueprints.orders.models import OPEN, Order
from database import only_reading
from extensions import live

KITCHEN = "orders:kitchen"
MENU = "orders:menu"
MAX_ID = 2**31 - 1  # what an integer column of PostgreSQL holds


def order_topic(order_id):
    return f"orders:order:{order_id}"


def customer_topic(user_id):
    return f"orders:customer:{user_id}"


@live.topic(KITCHEN)
def may_follow_kitchen(user):
    return user.has_role("kitchen")


@live.topic(MENU)
def may_follow_menu(_user):
    return True


@live.topic(f"orders:order:<int(max={MAX_ID}):order_id>")
@only_reading()
def may_follow_order(user, order_id):
    order = Order.find(order_id)
    return order is not None and order.user_id == user.id


@live.topic("orders:customer:<int:user_id>")
def may_follow_customer(user, user_id):
    return user.id == user_id


def order_placed(order):
    _list_changed(order)
    return live.upsert(KITCHEN, f"#column-{order.state}", "orders/_ticket.html", ticket=order)


def order_moved(order, before):
    """Announces a move from the state `before`, forth or back; the HTML is what the board that did it needs."""
    live.replace(order_topic(order.id), f"#order-{order.id}", "orders/_order.html", order=order)
    _list_changed(order)
    if before in OPEN:
        # Named by its column: a page that has the ticket in its new place already must not lose it there.
        gone = live.remove(KITCHEN, f"#column-{before} #ticket-{order.id}")
    if order.state not in OPEN:
        return gone.html
    return live.upsert(KITCHEN, f"#column-{order.state}", "orders/_ticket.html", ticket=order).html


def order_changed(order):
    """Announces lines added or taken off, a note, or that the kitchen has seen it."""
    live.replace(order_topic(order.id), f"#order-{order.id}", "orders/_order.html", order=order)
    _list_changed(order)
    return ticket_changed(order)


def ticket_changed(order):
    """Announces what only the kitchen sees: a tick."""
    return live.replace(KITCHEN, f"#ticket-{order.id}", "orders/_ticket.html", ticket=order)


def item_changed(item):
    """The card on every menu; and every basket, which is different for each, is fetched again."""
    live.refresh(MENU, "#basket")
    return live.replace(MENU, f"#item-{item.id}", "orders/_item.html", item=item)


def menu_changed():
    """Many items at once: one word for all of them, however long the file was."""
    live.refresh(MENU, "#menu")
    live.refresh(MENU, "#basket")


def hours_changed():
    live.refresh(MENU, "#hours")
    live.refresh(MENU, "#basket")


def basket_changed(user):
    """For the same person's other devices."""
    live.refresh(customer_topic(user.id), "#basket")


def _list_changed(order):
    """Paged lists depend on what others do at the same moment: pages fetch them again."""
    live.refresh(customer_topic(order.user_id), "#my-orders")
