"""The demo accounts of a fresh development database; seed.py adds them, the sign-in page shows those that exist."""

from flask import current_app
from sqlalchemy import select

from blueprints.auth.models import User
from blueprints.auth.passwords import hashed
from database import db

DEMO_PASSWORD = "levain"  # noqa: S105 - shown on the sign-in page, never in production
DEMO_ACCOUNTS = {
    "ada": ("ada@levain.test", "Ada", "member"),
    "grace": ("grace@levain.test", "Grace", "member"),
    "carlo": ("carlo@levain.test", "Carlo", "kitchen"),
    "root": ("root@levain.test", "Root", "admin"),
}

# What `make run` prints.
_LINES = [f"    {email:20} {role}" for email, _name, role in DEMO_ACCOUNTS.values()]
DEMO = "\n".join(["  Sign in as", *_LINES, f"  with the password {DEMO_PASSWORD}"])


def add_demo_accounts():
    """Add and flush them, for the caller to commit: {"ada": User, ...}. Refused in production."""
    if current_app.config["LEVAIN_ENV"] == "production":
        raise RuntimeError("Demo accounts have a public password; production has none.")
    password_hash = hashed(DEMO_PASSWORD)
    users = {
        key: User(email=email, name=name, role=role, password_hash=password_hash)
        for key, (email, name, role) in DEMO_ACCOUNTS.items()
    }
    db.session.add_all(users.values())
    db.session.flush()
    return users


def shown_accounts():
    """What the sign-in page of a development site may show."""
    if current_app.config["LEVAIN_ENV"] == "production":
        return []
    emails = [email for email, _name, _role in DEMO_ACCOUNTS.values()]
    return db.session.scalars(select(User).where(User.email.in_(emails)).order_by(User.id)).all()
