"""How long an order will take, from what the kitchen really did in the last hours. Not by a timer."""

from datetime import timedelta
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from blueprints.orders.models import BAKING, Order, OrderStep
from database import db, utcnow

LOOK_BACK = timedelta(hours=2)
BUSY = timedelta(minutes=30)
MOST_ORDERS = 20
FEW = 3  # with fewer, their pace says nothing
UNKNOWN = timedelta(minutes=15)  # before the first order of the day is out
EACH_AHEAD = timedelta(minutes=2)
STEP = timedelta(minutes=5)


def promise(now=None):
    """(earliest, latest, orders ahead): a range of five-minute steps, wider the longer it is."""
    now, ahead = now or utcnow(), _ahead()
    likely = max(_typical(now), _queue(now, ahead))
    return _down(now + likely * 0.85), _down(now + likely * 1.2 + STEP), ahead


def _ahead():
    return db.session.scalar(select(func.count(Order.id)).where(Order.state.in_(BAKING)))


def _typical(now):
    """The middle time from received to ready of the newest orders."""
    received, ready = aliased(OrderStep), aliased(OrderStep)
    query = (
        select(received.at, ready.at)
        .join(ready, (ready.order_id == received.order_id) & (ready.state == "ready"))
        .where(received.state == "new", ready.at > now - LOOK_BACK, ready.undone_at.is_(None))
        .order_by(ready.id.desc())
        .limit(MOST_ORDERS)
    )
    took = [end - begin for begin, end in db.session.execute(query)]
    return median(took) if took else UNKNOWN


def _queue(now, ahead):
    """How long those ahead will keep the oven, at the pace of the last half hour."""
    recent = select(func.count(OrderStep.id)).where(
        OrderStep.state == "ready", OrderStep.at > now - BUSY, OrderStep.undone_at.is_(None)
    )
    done = db.session.scalar(recent)
    return (BUSY / done if done >= FEW else EACH_AHEAD) * (ahead + 1)


def _down(moment):
    return moment - (moment - moment.replace(minute=0, second=0, microsecond=0)) % STEP
