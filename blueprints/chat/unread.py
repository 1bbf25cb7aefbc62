"""How much is unread: the messages of others after the last one read, counted in each membership.

Everything here expects the room to be locked (Room.lock), which is what makes the numbers exact. It works on tables
alone, because models.py calls it.
"""

from sqlalchemy import func, select, update

from database import db


def count(message, mentioned):
    """A message was posted: one more for everybody else; whoever is named in an open room belongs to it from now on,
    and so does its author. Whether that made anybody a new member."""
    table = _memberships()
    mentioned = [user_id for user_id in mentioned if user_id != message.user_id]
    known = set(db.session.scalars(select(table.c.user_id).where(table.c.room_id == message.room_id)))
    others = (table.c.room_id == message.room_id) & (table.c.user_id != message.user_id)
    changed = {"unread": table.c.unread + 1, "version": table.c.version + 1}
    db.session.execute(update(table).where(others).values(changed))
    named = others & table.c.user_id.in_(mentioned)
    db.session.execute(update(table).where(named).values(mentions=table.c.mentions + 1))
    rows = [_row(message, user_id, message.id - 1, 1) for user_id in mentioned if user_id not in known]
    if message.user_id not in known:
        rows.append(_row(message, message.user_id, message.id, 0))
    if rows:
        db.session.execute(table.insert(), rows)
    return bool(rows)


def _row(message, user_id, read_id, unread):
    counts = {"read_id": read_id, "unread": unread, "mentions": unread, "version": 1}
    return {"room_id": message.room_id, "user_id": user_id} | counts


def read(room_id, user_id, upto=None, back_to=None):
    """Somebody has read up to a message, or wants those from `back_to` on to be unread; (changed, new member)."""
    table = _memberships()
    mine = (table.c.room_id == room_id) & (table.c.user_id == user_id)
    now = db.session.scalar(select(table.c.read_id).where(mine))
    wanted = max(now or 0, upto) if upto is not None else back_to - 1
    if now is None:
        values = {"read_id": wanted, "unread": 0, "mentions": 0, "version": 1}
        db.session.execute(table.insert(), {"room_id": room_id, "user_id": user_id} | values)
    elif now == wanted:
        return False, False
    else:
        db.session.execute(update(table).where(mine).values(read_id=wanted))
    recount(room_id, user_id)
    return True, now is None


def recount(room_id, user_id=None):
    """Counts anew, for one member or all."""
    table, messages, mentions = _memberships(), _table("messages"), _table("mentions")
    waiting = (
        (messages.c.room_id == table.c.room_id)
        & (messages.c.id > table.c.read_id)
        & (messages.c.user_id != table.c.user_id)
        & messages.c.deleted_at.is_(None)
    )
    total = select(func.count()).select_from(messages).where(waiting).scalar_subquery()
    named = waiting & (mentions.c.message_id == messages.c.id) & (mentions.c.user_id == table.c.user_id)
    mine = select(func.count()).select_from(messages.join(mentions, named)).scalar_subquery()
    whose = table.c.room_id == room_id
    if user_id is not None:
        whose &= table.c.user_id == user_id
    values = {"unread": total, "mentions": mine, "version": table.c.version + 1}
    db.session.execute(update(table).where(whose).values(values))


def _memberships():
    return _table("memberships")


def _table(name):
    return db.metadata.tables[name]
