"""Who may follow a room, and what is announced there; what is unread goes to each person's own topic."""

from sqlalchemy import select

from blueprints.auth.models import User
from blueprints.chat.models import OPEN, Membership, Room
from database import db
from extensions import live

MAX_ID = 2**31 - 1  # what an integer column of PostgreSQL holds
ROOMS_TOPIC = "chat:rooms:all"


def room_topic(room_id):
    return f"chat:room:{room_id}"


def user_topic(user_id):
    return f"chat:user:{user_id}"


@live.topic(f"chat:room:<int(max={MAX_ID}):room_id>", presence=True)
def may_follow_room(user, room_id):
    room = db.session.get(Room, room_id)
    return room is not None and room.admits(user.id)


@live.topic(f"chat:user:<int(max={MAX_ID}):user_id>")
def may_follow_user(user, user_id):
    return user.id == user_id


@live.topic(ROOMS_TOPIC)
def may_follow_rooms(_user):
    return True


def message_posted(message):
    for membership in db.session.scalars(
        _members(message.room_id).where(Membership.user_id != message.user_id)
    ):
        _unread_changed(membership)
    if message.newcomers:
        people_changed(message.room_id)
    return live.upsert(room_topic(message.room_id), "#messages", "chat/_message.html", message=message)


def message_changed(message):
    """Morphed where it stands, in the newest messages or among older ones that somebody scrolled up to."""
    target = f"#message-{message.id}"
    return live.replace(room_topic(message.room_id), target, "chat/_message.html", message=message)


def counts_changed(room_id, user_id=None):
    """What is unread in a room, for one member or for all."""
    query = _members(room_id)
    if user_id is not None:
        query = query.where(Membership.user_id == user_id)
    for membership in db.session.scalars(query):
        _unread_changed(membership)


def people_changed(room_id):
    """Who is a member of an open room; rare, so the pages may fetch it."""
    live.refresh(room_topic(room_id), "#people")


def typing(room_id, user):
    live.signal(room_topic(room_id), "chat-typing", {"user": user.id, "name": user.name}, volatile=True)


def room_opened(room):
    if room.kind == OPEN:
        live.refresh(ROOMS_TOPIC, "#rooms")


def member_added(room, user_id):
    live.refresh(user_topic(user_id), "#rooms")
    people_changed(room.id)


def member_removed(room, user_id):
    """Before the commit: delivery ends with it, and a version that moved ends it where this is not heard."""
    user = db.session.get(User, user_id)
    user.rights_version = User.rights_version + 1
    if room.kind != OPEN:
        live.revoke(user_id=user_id, topic=room_topic(room.id))
    live.remove(user_topic(user_id), f"#unread-{room.id}")
    live.refresh(user_topic(user_id), "#rooms")
    people_changed(room.id)


def _members(room_id):
    query = select(Membership).where(Membership.room_id == room_id).order_by(Membership.user_id)
    return query.execution_options(populate_existing=True)


def _unread_changed(membership):
    topic, row = user_topic(membership.user_id), f"unread-{membership.room_id}"
    if membership.unread:
        live.upsert(topic, "#chat-unread", "chat/_unread.html", unread=membership, key=row)
    else:
        live.remove(topic, f"#{row}", key=row)
