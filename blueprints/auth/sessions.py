"""Sessions begin and end here; each end is told to the live core, which closes that session's connections."""

from flask import current_app, session
from flask_login import login_user, logout_user
from sqlalchemy import delete, update

from blueprints.auth.models import LoginSession
from database import db, utcnow
from extensions import live

COOKIE_KEY = "_user_id"  # where flask-login keeps what User.get_id says: here the id of the session row


def sign_in(user, remember=False):
    """Commit a new row for this browser in place of the one it came with, and hand out its cookie."""
    _end_current()
    _forget_dead_rows(user)
    life_s = current_app.config["SESSION_REMEMBER_S" if remember else "SESSION_LIFE_S"]
    row = LoginSession.start(user.id, remember, life_s)
    db.session.add(row)
    user.login_session_id = row.id
    db.session.commit()
    session.clear()
    session.permanent = remember
    login_user(user)


def sign_out():
    _end_current()
    db.session.commit()
    logout_user()
    session.clear()


def end_all(user):
    """Every session of the user, this one too; the caller commits, and signs in again where that is meant."""
    _end(LoginSession.user_id == user.id)
    live.revoke(user_id=user.id)


def _end_current():
    session_id = session.get(COOKIE_KEY)
    if session_id and _end(LoginSession.id == session_id):
        live.revoke(session_id=session_id)


def _end(which):
    ended = update(LoginSession).where(which, LoginSession.revoked_at.is_(None)).values(revoked_at=utcnow())
    return db.session.execute(ended).rowcount


def _forget_dead_rows(user):
    db.session.execute(
        delete(LoginSession).where(LoginSession.user_id == user.id, LoginSession.expires_at < utcnow())
    )
