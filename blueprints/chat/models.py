"""Rooms, who is in them, and what was said. Whoever changes what is counted locks the room first: so messages of a
room commit in the order of their ids, and every unread count is exact. A message keeps the token of the form it came
from, so that it is posted once. What a text may be stands in texts.py, how it is counted in unread.py.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column, relationship

from blueprints.auth.models import User
from blueprints.chat import unread
from blueprints.chat.parts import REACTIONS, Mention, Picture, Reaction
from blueprints.chat.texts import (
    MAX_ABOUT_CHARS,
    MAX_ROOM_CHARS,
    fit_text,
    fit_token,
    possible_names,
)
from blueprints.chat.unread import Membership
from database import UtcDateTime, db, utcnow

OPEN, CLOSED, DIRECT = "open", "closed", "direct"
MESSAGES_PER_PAGE = 50
MAX_WINDOW = 1000  # a page that goes on from where somebody reads holds no more


class Room(db.Model):
    """An open room is everybody's, a closed one its members', a direct one two people's and without a name."""

    __tablename__ = "rooms"
    __table_args__ = (CheckConstraint("kind IN ('open', 'closed', 'direct')", name="kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(MAX_ROOM_CHARS), unique=True)
    about: Mapped[str] = mapped_column(String(MAX_ABOUT_CHARS), default="")
    kind: Mapped[str] = mapped_column(String(10), default=OPEN)
    pair: Mapped[str | None] = mapped_column(String(30), unique=True)  # of a direct one: the two ids, "3-7"
    owner_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    posted: Mapped[int] = mapped_column(default=0)  # so many messages ever were; only rises

    @property
    def version(self):
        """In what pages count by."""
        return self.posted

    def lock(self):
        """One at a time from here to the commit: posting, editing, reading, and who is a member. Its key is nobody's to
        change, so whoever has just added what belongs to the room (a picture) is not waited for."""
        db.session.refresh(self, with_for_update={"key_share": True})
        return self

    def admits(self, user_id):
        return self.kind == OPEN or self.membership(user_id) is not None

    def membership(self, user_id):
        return db.session.get(Membership, (self.id, user_id), populate_existing=True)

    def post(self, author, text, token, picture=None):
        """The message, and whether this call made it; a token that was seen before posts nothing new. `picture` is one
        that was kept, or the name of one that waits; UnfitMessageError says what cannot be posted."""
        text, token = fit_text(text, may_be_empty=bool(picture)), fit_token(token)
        self.lock()
        message = Message.of_token(author, token)
        if message:
            return message, False
        if picture and not isinstance(picture, Picture):
            picture = Picture.waiting(author, self, picture)
        try:
            with db.session.begin_nested():
                message = self._add(author, text, token)
        except IntegrityError:  # the same form was sent to two rooms at once: its twin was faster
            return Message.of_token(author, token), False
        if picture:
            message.picture = picture
        message.mention(self.mentioned(text))
        message.counted = unread.count(message, message.names)
        return message, True

    def _add(self, author, text, token):
        message = Message(room=self, user_id=author.id, author_name=author.name, text=text, token=token)
        message.reactions, message.mentions, message.picture = [], [], None  # so nobody asks for them
        db.session.add(message)
        db.session.flush()
        return message

    def mentioned(self, text):
        """The people whose name stands behind an @, of those who may read it here."""
        names = possible_names(text)
        if not names:
            return []
        # As typed, too: what a PostgreSQL of the C locale calls lower case are the letters of ASCII.
        named = db.func.lower(User.name).in_(names) | User.name.in_(names)
        query = select(User).where(named).order_by(User.id).limit(20)
        if self.kind != OPEN:
            query = query.join(Membership, Membership.user_id == User.id).where(Membership.room_id == self.id)
        return db.session.scalars(query).all()

    def messages(self, before=None, since=None):
        """Oldest first: one page of the newest, or of those before a message's id; or all since one, itself too."""
        query = select(Message).filter_by(room_id=self.id)
        if before is not None:
            query = query.where(Message.id < before)
        if since is not None:
            query = query.where(Message.id >= since).order_by(Message.id).limit(MAX_WINDOW)
            return db.session.scalars(query).all()
        return db.session.scalars(query.order_by(Message.id.desc()).limit(MESSAGES_PER_PAGE)).all()[::-1]

    def nth_newest(self, n, upto=None):
        """The id of the nth newest message, upto one that is counted too; of the first where there are fewer."""
        ids = select(Message.id).where(Message.room_id == self.id).order_by(Message.id.desc()).limit(n)
        if upto is not None:
            ids = ids.where(Message.id <= upto)
        return db.session.scalar(select(db.func.min(ids.subquery().c.id)))

    def first_after(self, message_id, user_id):
        """The first message of somebody else after one that a person has read."""
        query = (
            select(Message)
            .filter_by(room_id=self.id)
            .where(Message.id > message_id, Message.user_id != user_id)
        )
        return db.session.scalar(query.order_by(Message.id).limit(1))

    def has_before(self, message):
        return self._any(Message.id < message.id)

    def has_after(self, message):
        return self._any(Message.id > message.id)

    def _any(self, condition):
        found = select(Message.id).where(Message.room_id == self.id, condition).limit(1)
        return db.session.scalar(found) is not None


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
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    counted = ()  # the memberships that changed with it; only known where it was posted

    room: Mapped[Room] = relationship()
    reactions: Mapped[list[Reaction]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="Reaction.id"
    )
    mentions: Mapped[list[Mention]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="Mention.user_id"
    )
    picture: Mapped[Picture | None] = relationship(lazy="selectin", cascade="all, delete-orphan")

    @classmethod
    def of_token(cls, author, token):
        return db.session.scalar(select(cls).filter_by(user_id=author.id, token=token))

    @property
    def names(self):
        """Whom it mentions, by their ids."""
        return {mention.user_id for mention in self.mentions}

    def edit(self, text):
        """Whether there was anything to change; counts follow who is mentioned now."""
        text = fit_text(text, may_be_empty=self.picture is not None)
        self._lock()
        if self.deleted_at or text == self.text:
            return False
        before = self.names
        self.text, self.edited_at = text, utcnow()
        self.mention(self.room.mentioned(text))
        self._changed()
        self.counted = unread.named_anew(self, before, self.names)
        return True

    def delete(self):
        """Nothing of it stays but its place. (The name of its picture's file, for whoever removes it; whether it was
        unread to anybody.)"""
        self._lock()
        if self.deleted_at:
            return None, False
        picture, named = self.picture.name if self.picture else None, self.names
        self.text, self.deleted_at = "", utcnow()
        self.reactions, self.mentions, self.picture = [], [], None
        self._changed()
        return picture, unread.forget(self, named)

    def react(self, user, kind, on=None):
        """Sets or takes back a reaction; `on=None` does whichever is new. Whether anything changed."""
        self._lock()
        mine = next((each for each in self.reactions if (each.user_id, each.kind) == (user.id, kind)), None)
        if self.deleted_at or kind not in REACTIONS or on == (mine is not None):
            return False
        if mine:
            self.reactions.remove(mine)
        else:
            self.reactions.append(Reaction(user_id=user.id, name=user.name, kind=kind))
        self.version += 1
        db.session.flush()
        return True

    def mention(self, users):
        self.mentions = [Mention(user_id=user.id, name=user.name) for user in users]
        db.session.flush()

    def _lock(self):
        self.room.lock()
        db.session.refresh(self)

    def _changed(self):
        self.version += 1
        db.session.flush()
