"""Who somebody is and where they are signed in: two tables."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, String, bindparam, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from database import UtcDateTime, db, utcnow

ROLES = ("member", "kitchen", "admin")
EMAIL_CHARS = 254
NAME_CHARS = 80


class User(db.Model):
    """A person with an account. flask-login's "user id" is the id of the session row, so every cookie can be ended."""

    __table_args__ = (CheckConstraint("role IN ('member', 'kitchen', 'admin')", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL_CHARS), unique=True)
    name: Mapped[str] = mapped_column(String(NAME_CHARS))
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20), default="member")
    rights_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    is_authenticated = True
    is_active = True
    is_anonymous = False
    login_session_id = None  # of the request at hand; set by whoever loads or signs in a user, never stored

    @staticmethod
    def find(email):
        return db.session.scalar(select(User).where(User.email == normal(email)))

    def get_id(self):
        return self.login_session_id

    def has_role(self, *roles):
        return self.role in roles or self.role == "admin"

    def change_role(self, role):
        """The caller announces it: live.revoke(user_id=...), so that open pages are asked for their rights again."""
        if role not in ROLES:
            raise ValueError(f"{role!r} is none of {', '.join(ROLES)}")
        self.role = role
        self.rights_version = User.rights_version + 1

    def change_password(self, password_hash):
        self.password_hash = password_hash
        self.rights_version = User.rights_version + 1

    @validates("email")
    def _normal_email(self, _key, value):
        return normal(value)


class LoginSession(db.Model):
    """One browser in which somebody signed in. The cookie holds nothing but its id, signed."""

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    remember: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()

    @staticmethod
    def start(user_id, remember, life_s):
        now = utcnow()
        return LoginSession(
            id=secrets.token_urlsafe(32),
            user_id=user_id,
            remember=remember,
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(seconds=life_s),
        )

    @staticmethod
    def people(session_ids, idle_s):
        """[(session id, when it was seen, its user)] of those of the sessions that still open the door."""
        now = utcnow()
        values = {"ids": list(session_ids), "now": now, "awake_since": now - timedelta(seconds=idle_s)}
        return db.session.execute(_PEOPLE, values).all()


# Each request asks it, so it is made once and names what is used. A remembered session may be idle until it expires.
_AWAKE = or_(LoginSession.remember, LoginSession.seen_at > bindparam("awake_since"))
_VALID = LoginSession.revoked_at.is_(None) & (LoginSession.expires_at > bindparam("now")) & _AWAKE
_PEOPLE = (
    select(LoginSession.id, LoginSession.seen_at, User)
    .join(LoginSession.user)
    .where(LoginSession.id.in_(bindparam("ids", expanding=True)), _VALID)
)


def normal(email):
    return email.strip().lower()
