"""Who may follow a room, and what is announced there. Every room is open to everyone signed in."""

from blueprints.chat.models import Room
from database import db
from extensions import live

MAX_ID = 2**31 - 1  # what an integer column of PostgreSQL holds


def room_topic(room_id):
    return f"chat:room:{room_id}"


@live.topic(f"chat:room:<int(max={MAX_ID}):room_id>")
def may_follow_room(_user, room_id):
    return db.session.get(Room, room_id) is not None


def message_posted(message):
    return live.upsert(room_topic(message.room_id), "#messages", "chat/_message.html", message=message)
