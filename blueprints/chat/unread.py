"""How much is unread, exactly, and at a cost that does not grow with the number of members.

A room counts what was ever posted in it, a membership how much of that is behind its person: read, their own, or
deleted. What is unread is the difference. So a message changes the room, its author's membership and those of whoever
it names, and nobody else's; all others learn of it by one event with the room's new number (broadcasts.py). Only
deleting what others have not read yet touches many rows, in one statement.

Everything here expects the room to be locked (Room.lock), which is what makes the numbers exact.
"""

from sqlalchemy import ForeignKey, func, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from blueprints.auth.models import User
from database import db


class Membership(db.Model):
    """Somebody in a room, and how far they have read. `version` rises with every change."""

    __tablename__ = "memberships"
    room_id: Mapped[int] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey(User.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    read_id: Mapped[int] = mapped_column(default=0)
    behind: Mapped[int] = mapped_column(default=0)  # so many of the messages posted are not unread
    mentions: Mapped[int] = mapped_column(default=0)  # unread messages that name them
    version: Mapped[int] = mapped_column(default=1)

    # In one statement: a number of the room and one of the membership from two moments make no count.
    room = relationship("Room", lazy="joined", innerjoin=True)

    @property
    def id(self):
        """In lists of its owner's it goes by its room."""
        return self.room_id

    @property
    def unread(self):
        return self.room.posted - self.behind

    @property
    def is_new(self):
        return self.version == 1


def count(message, mentioned):
    """A message was posted; the memberships that changed. Its author belongs to the room from now on, and so does
    whoever it names, which Room.mentioned has seen to be allowed."""
    room, author = message.room, message.user_id
    room.posted += 1
    people = {author, *mentioned}
    changed = {each.user_id: each for each in db.session.scalars(_of(room.id, people))}
    for user_id in people:
        membership = changed.get(user_id)
        if membership:
            membership.version += 1
        else:
            # An author who comes in by speaking has read what was there, like everybody who comes in.
            read = {"read_id": message.id - (user_id != author), "behind": room.posted - 1}
            membership = changed[user_id] = Membership(
                room=room, user_id=user_id, mentions=0, version=1, **read
            )
            db.session.add(membership)
        if user_id == author:
            membership.behind += 1
        else:
            membership.mentions += 1
    db.session.flush()
    return [changed[each] for each in sorted(changed)]  # whoever locks their rows does it in this order


def named_anew(message, before, now):
    """An edit has changed whom a message names; the memberships that changed."""
    waiting = _of(message.room_id, before ^ now).where(Membership.read_id < message.id)
    changed = db.session.scalars(waiting).all()
    for membership in changed:
        if membership.user_id != message.user_id:
            membership.mentions += 1 if membership.user_id in now else -1
            membership.version += 1
    db.session.flush()
    return [each for each in changed if each.user_id != message.user_id]


def forget(message, mentioned):
    """A message was deleted: whether it was unread to anybody."""
    waiting = update(Membership).where(
        Membership.room_id == message.room_id,
        Membership.user_id != message.user_id,
        Membership.read_id < message.id,
    )
    changes = {"behind": Membership.behind + 1, "version": Membership.version + 1}
    found = _execute(waiting.values(changes)).rowcount
    _execute(waiting.where(Membership.user_id.in_(mentioned)).values(mentions=Membership.mentions - 1))
    return found > 0


def read(room, user_id, upto=None, back_to=None):
    """Somebody has read up to a message, or wants those from `back_to` on unread; the membership, if it changed."""
    membership = room.membership(user_id)
    now = membership.read_id if membership else 0
    wanted = max(now, upto) if upto is not None else back_to - 1
    if membership and now == wanted:
        return None
    if membership:
        membership.version += 1
    else:
        membership = Membership(room=room, user_id=user_id, version=1)
        db.session.add(membership)
    membership.read_id = wanted
    unread, membership.mentions = _counted(room.id, user_id, wanted)
    membership.behind = room.posted - unread
    db.session.flush()
    return membership


def _counted(room_id, user_id, read_id):
    """(unread, those that name the person) after a message, counted one by one."""
    messages, mentions = db.metadata.tables["messages"], db.metadata.tables["mentions"]
    named = (mentions.c.message_id == messages.c.id) & (mentions.c.user_id == user_id)
    query = select(func.count(messages.c.id), func.count(mentions.c.user_id)).select_from(
        messages.outerjoin(mentions, named)
    )
    waiting = (messages.c.room_id == room_id) & (messages.c.id > read_id) & (messages.c.user_id != user_id)
    return db.session.execute(query.where(waiting, messages.c.deleted_at.is_(None))).one()


def _of(room_id, people):
    """The memberships of these people, as they are now."""
    query = select(Membership).where(Membership.room_id == room_id, Membership.user_id.in_(people))
    return query.order_by(Membership.user_id).execution_options(populate_existing=True)


def _execute(statement):
    return db.session.execute(statement, execution_options={"synchronize_session": False})
