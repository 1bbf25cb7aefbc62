"""Rooms and their messages. A message keeps the token of the form it came from, so that it is posted once."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from blueprints.auth.models import User
from database import UtcDateTime, db, utcnow

MAX_TEXT_CHARS = 4000
MAX_TOKEN_CHARS = 64
MESSAGES_PER_PAGE = 50


class UnfitMessageError(ValueError):
    """What was sent can't be a message; the text says why, to the person who sent it."""


class Room(db.Model):
    __tablename__ = "rooms"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    about: Mapped[str] = mapped_column(String(200), default="")

    @classmethod
    def all(cls, limit=200):
        return db.session.scalars(select(cls).order_by(cls.name).limit(limit)).all()

    def post(self, author, text, token):
        """The message, and whether this call made it; a token that was seen before posts nothing new."""
        text, token = _fit_text(text), _fit_token(token)
        message = Message.of_token(author, token)
        if message:
            return message, False
        try:
            with db.session.begin_nested():
                return self._add(author, text, token), True
        except IntegrityError:  # the same form was sent twice at once: its twin was faster
            return Message.of_token(author, token), False

    def _add(self, author, text, token):
        message = Message(room_id=self.id, user_id=author.id, author_name=author.name, text=text, token=token)
        db.session.add(message)
        db.session.flush()
        return message

    def messages(self, before=None):
        """One page, oldest first: the newest, or those before a message's id."""
        query = select(Message).filter_by(room_id=self.id).order_by(Message.id.desc())
        if before is not None:
            query = query.where(Message.id < before)
        return db.session.scalars(query.limit(MESSAGES_PER_PAGE)).all()[::-1]

    def has_before(self, message):
        """Whether there is anything older than this message."""
        older = select(Message.id).where(Message.room_id == self.id, Message.id < message.id).limit(1)
        return db.session.scalar(older) is not None


class Message(db.Model):
    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("user_id", "token"), Index("ix_messages_room_id_id", "room_id", "id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[int] = mapped_column(ForeignKey(Room.id, ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    author_name: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)
    token: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    @classmethod
    def of_token(cls, author, token):
        return db.session.scalar(select(cls).filter_by(user_id=author.id, token=token))


def _fit_text(text):
    # A command's fields are JSON from a browser: anything may stand in the place of a text.
    text = text.replace("\r\n", "\n").strip() if isinstance(text, str) else ""
    if not text:
        raise UnfitMessageError("Please write something first.")
    if len(text) > MAX_TEXT_CHARS:
        raise UnfitMessageError(f"That is {len(text):,} characters; a message may have {MAX_TEXT_CHARS:,}.")
    if "\0" in text or not _is_unicode(text):
        raise UnfitMessageError("The message holds a character that can't be stored. Please remove it.")
    return text


def _is_unicode(text):
    """False for half of a surrogate pair, which JSON may carry and no database takes."""
    return text.encode("utf-8", "ignore").decode() == text


def _fit_token(token):
    if not (isinstance(token, str) and 0 < len(token) <= MAX_TOKEN_CHARS and token.isascii()):
        raise UnfitMessageError("The form was incomplete. Please reload the page and send it once more.")
    if not token.replace("-", "").isalnum():
        raise UnfitMessageError("The form was incomplete. Please reload the page and send it once more.")
    return token
