"""What hangs on a message: who is named in it, how people reacted, and its picture."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from blueprints.auth.models import User
from blueprints.chat.texts import UnfitMessageError
from database import UtcDateTime, db, utcnow

REACTIONS = ("heart", "smile", "tick", "eyes", "pizza", "flame")


class Mention(db.Model):
    __tablename__ = "mentions"
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


class Reaction(db.Model):
    __tablename__ = "reactions"
    __table_args__ = (UniqueConstraint("message_id", "user_id", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(100))


class Picture(db.Model):
    """A file in var/pictures, of a message; until that is posted, only of whoever sent it."""

    __tablename__ = "pictures"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    room_id: Mapped[int] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), unique=True)
    width: Mapped[int]
    height: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    room = relationship("Room")

    @classmethod
    def waiting(cls, user, room, name):
        """Somebody's picture for this room that no message has yet; UnfitMessageError where there is none."""
        if isinstance(name, str):
            query = select(cls).filter_by(name=name, user_id=user.id, room_id=room.id, message_id=None)
            if found := db.session.scalar(query):
                return found
        raise UnfitMessageError("The picture is not here any more. Please choose it again.")
