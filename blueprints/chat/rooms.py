"""Which rooms somebody sees, under which name, and how a room comes to be; who else is in it."""

from dataclasses import dataclass

from sqlalchemy import case, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import contains_eager

from blueprints.auth.models import User
from blueprints.chat.models import CLOSED, DIRECT, OPEN, Membership, Message, Room
from blueprints.chat.texts import UnfitMessageError, fit_room
from database import db

PER_PAGE = 40
MAX_PEOPLE = 60


@dataclass(frozen=True)
class Door:
    """A room as one person sees it in a list."""

    id: int
    name: str
    about: str
    kind: str
    unread: int
    mentions: int


def visible(user):
    """The condition for rooms that somebody may enter."""
    mine = select(Membership.room_id).where(Membership.user_id == user.id)
    return or_(Room.kind == OPEN, Room.id.in_(mine))


def doors(user, page=1):
    """(one page of them, whether there are more): rooms by name first, then direct messages."""
    query = (
        select(Room, Membership)
        .outerjoin(Membership, (Membership.room_id == Room.id) & (Membership.user_id == user.id))
        .where(visible(user))
        .options(contains_eager(Membership.room))
        .execution_options(populate_existing=True)
        .order_by(case((Room.kind == DIRECT, 1), else_=0), func.lower(Room.name), Room.id)
    )
    rows = db.session.execute(query.offset((page - 1) * PER_PAGE).limit(PER_PAGE + 1)).all()
    names = _others(user, [room.id for room, _ in rows if room.kind == DIRECT])
    return [_door(room, mine, names) for room, mine in rows[:PER_PAGE]], len(rows) > PER_PAGE


def _door(room, mine, names):
    name = room.name or names.get(room.id, "Somebody")
    counts = (mine.unread, mine.mentions) if mine else (0, 0)
    return Door(room.id, name, room.about, room.kind, *counts)


def _others(user, room_ids):
    """{room id: the other person's name} of direct rooms."""
    query = select(Membership.room_id, User.name).join(User, User.id == Membership.user_id)
    mine = Membership.room_id.in_(room_ids) & (Membership.user_id != user.id)
    return dict(db.session.execute(query.where(mine)).all()) if room_ids else {}


def titles(user, rooms):
    """{room id: its name, to this person}."""
    names = _others(user, [room.id for room in rooms if room.kind == DIRECT])
    return {room.id: room.name or names.get(room.id, "Somebody") for room in rooms}


def title(room, user):
    return titles(user, [room])[room.id]


def open_room(user, name, about, closed):
    """A new room, of which its maker is a member; raises UnfitMessageError with a sentence."""
    name, about = fit_room(name, about)
    room = Room(name=name, about=about, kind=CLOSED if closed else OPEN, owner_id=user.id)
    try:
        with db.session.begin_nested():
            db.session.add(room)
            db.session.flush()
    except IntegrityError:
        raise UnfitMessageError("There is a room of that name already.") from None
    add(room, user.id)
    return room


def direct(user, other):
    """(the room of these two, whether this call made it)."""
    pair = "-".join(str(each) for each in sorted((user.id, other.id)))
    room = db.session.scalar(select(Room).filter_by(pair=pair))
    if room:
        return room, False
    try:
        with db.session.begin_nested():
            room = Room(kind=DIRECT, pair=pair)
            db.session.add(room)
            db.session.flush()
    except IntegrityError:  # both wrote at once
        return db.session.scalar(select(Room).filter_by(pair=pair)), False
    for each in {user.id, other.id}:
        add(room, each)
    return room, True


def add(room, user_id):
    """Makes somebody a member who has read everything so far; whether they were not one before."""
    room.lock()
    if room.membership(user_id):
        return False
    newest = db.session.scalar(select(func.max(Message.id)).where(Message.room_id == room.id))
    db.session.add(Membership(room=room, user_id=user_id, read_id=newest or 0, behind=room.posted))
    db.session.flush()
    return True


def remove(room, user_id):
    """Whether they were a member."""
    membership = room.lock().membership(user_id)
    if membership:
        db.session.delete(membership)
        db.session.flush()
    return membership is not None


def people(room, page=1):
    """(one page of its members, whether there are more)."""
    query = select(User).join(Membership, Membership.user_id == User.id).where(Membership.room_id == room.id)
    query = query.order_by(func.lower(User.name), User.id)
    rows = db.session.scalars(query.offset((page - 1) * MAX_PEOPLE).limit(MAX_PEOPLE + 1)).all()
    return rows[:MAX_PEOPLE], len(rows) > MAX_PEOPLE


def find_people(text, besides=None, limit=20):
    """People whose name holds the text; `besides` is a room whose members are left out."""
    query = select(User).where(User.name.icontains(text, autoescape=True))
    if besides:
        members = select(Membership.user_id).where(Membership.room_id == besides.id)
        query = query.where(User.id.not_in(members))
    return db.session.scalars(query.order_by(func.lower(User.name), User.id).limit(limit)).all()


def search(user, text, before=None, limit=30):
    """(messages that hold the text, in rooms somebody may enter, newest first; whether there are more)."""
    query = select(Message).join(Message.room).options(contains_eager(Message.room)).where(visible(user))
    query = query.where(Message.deleted_at.is_(None), Message.text.icontains(text, autoescape=True))
    if before is not None:
        query = query.where(Message.id < before)
    rows = db.session.scalars(query.order_by(Message.id.desc()).limit(limit + 1)).all()
    return rows[:limit], len(rows) > limit
