"""Who may follow a room, and what is announced there.

What is unread is told without telling each member: the room's new number goes to the room's topic of news, which all
pages of its members follow, and a membership that changed goes to its person's own topic. A page subtracts.
"""

from blueprints.auth.models import User
from blueprints.chat.models import OPEN, Membership, Room
from database import db, only_reading
from extensions import live

MAX_ID = 2**31 - 1  # what an integer column of PostgreSQL holds
ROOMS_TOPIC = "chat:rooms:all"


def room_topic(room_id):
    return f"chat:room:{room_id}"


def news_topic(room_id):
    return f"chat:news:{room_id}"


def user_topic(user_id):
    return f"chat:user:{user_id}"


@live.topic(f"chat:room:<int(max={MAX_ID}):room_id>", presence=True)
@only_reading()
def may_follow_room(user, room_id):
    room = db.session.get(Room, room_id)
    return room is not None and room.admits(user.id)


@live.topic(f"chat:news:<int(max={MAX_ID}):room_id>")
@only_reading()
def may_follow_news(user, room_id):
    return db.session.get(Membership, (room_id, user.id)) is not None


@live.topic(f"chat:user:<int(max={MAX_ID}):user_id>")
def may_follow_user(user, user_id):
    return user.id == user_id


@live.topic(ROOMS_TOPIC)
def may_follow_rooms(_user):
    return True


def message_posted(message):
    for (
        membership
    ) in message.counted:  # ahead of the room's number: its author never sees an own message counted
        count_changed(membership)
    live.replace(
        news_topic(message.room_id),
        f"#posted-{message.room_id}",
        "chat/_posted.html",
        room=message.room,
        key="posted",
    )
    if any(membership.is_new for membership in message.counted):
        people_changed(message.room_id)
    return live.upsert(room_topic(message.room_id), "#messages", "chat/_message.html", message=message)


def message_changed(message):
    """Morphed where it stands, in the newest messages or among older ones that somebody scrolled up to."""
    target = f"#message-{message.id}"
    for membership in message.counted:
        count_changed(membership)
    return live.replace(room_topic(message.room_id), target, "chat/_message.html", message=message)


def count_changed(membership):
    """What is unread in a room for one person; whoever is new in it follows its news from now on."""
    if membership.is_new:
        _rights_moved(membership.user_id)
        live.grant(user_id=membership.user_id, topic=news_topic(membership.room_id))
    topic, row = user_topic(membership.user_id), f"unread-{membership.room_id}"
    live.upsert(topic, "#chat-unread", "chat/_unread.html", unread=membership, key=row)


def counts_changed(room_id):
    """What is unread has changed for nobody knows how many: rare, so the pages may fetch it."""
    live.refresh(news_topic(room_id), "#chat-unread")


def people_changed(room_id):
    """Who is a member of an open room; rare, so the pages may fetch it."""
    live.refresh(room_topic(room_id), "#people")


def typing(room_id, user):
    live.signal(room_topic(room_id), "chat-typing", {"user": user.id, "name": user.name}, volatile=True)


def room_opened(room):
    if room.kind == OPEN:
        live.refresh(ROOMS_TOPIC, "#rooms")


def member_added(room, user_id):
    count_changed(room.membership(user_id))
    live.refresh(user_topic(user_id), "#rooms")
    people_changed(room.id)


def member_removed(room, user_id):
    """Before the commit: delivery ends with it, and a version that moved ends it where this is not heard."""
    _rights_moved(user_id)
    if room.kind != OPEN:
        live.revoke(user_id=user_id, topic=room_topic(room.id))
    live.revoke(user_id=user_id, topic=news_topic(room.id))
    live.remove(user_topic(user_id), f"#unread-{room.id}")
    live.refresh(user_topic(user_id), "#rooms")
    people_changed(room.id)


def _rights_moved(user_id):
    user = db.session.get(User, user_id)
    user.rights_version = User.rights_version + 1
