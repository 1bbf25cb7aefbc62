"""Who is this request, and may they? Bound to flask-login and, as `identify` and `recheck`, to the live core."""

import threading
from datetime import timedelta
from functools import wraps

from flask import abort, current_app, request, session
from flask_login import current_user
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from blueprints.auth.models import LoginSession
from blueprints.auth.sessions import COOKIE_KEY
from blueprints.auth.together import Together
from database import db, only_reading, reading, utcnow, writing
from extensions import login_manager
from live import Identity

SEEN_EVERY = timedelta(minutes=1)
_touching = threading.Lock()

login_manager.session_protection = (
    None  # it compares addresses and browsers, which change on a train; rows do the work
)


def bind(state):
    """With the blueprint, to an app."""
    state.app.extensions["connecting"] = Together(_known)


def identify():
    """The Identity behind the current request, or None; asked once per request, for connections together with others:
    after an outage thousands come back at once."""
    if request.blueprint == "live":
        session_id = session.get(COOKIE_KEY)
        return current_app.extensions["connecting"](session_id) if session_id else None
    user = current_user._get_current_object()
    return _identity(user.login_session_id, user) if user.is_authenticated else None


def recheck(session_ids):
    """{session id: Identity} of those that are still valid, in one query; a rights_version that moved shows in it."""
    with only_reading():  # nobody who writes may keep a right from ending
        found = _people(session_ids)
    return {session_id: _identity(session_id, user) for session_id, _seen_at, user in found}


def role_required(*roles):
    """A view for these roles (and for admins): others get 403, whoever is not signed in 401 or the sign-in page."""

    def decorate(view):
        @wraps(view)
        def guarded(*args, **kwargs):
            if not current_user.is_authenticated:
                return login_manager.unauthorized()
            if not current_user.has_role(*roles):
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return decorate


@login_manager.user_loader
def load_user(session_id):
    with only_reading():  # before a view that changes something has begun to
        found = _people([session_id])
    for _, seen_at, user in found:
        user.login_session_id = session_id
        if utcnow() - seen_at > SEEN_EVERY:
            _touch(session_id)
        return user
    return None


@login_manager.unauthorized_handler
def ask_to_sign_in():
    """401; errors.py turns it into a way to the sign-in page for people."""
    abort(401)


def refuse_anonymous_handshake():
    """401 while it can still be said: once a WebSocket stands there is no status any more."""
    if "websocket" in request.headers.get("Upgrade", "").lower() and not current_user.is_authenticated:
        abort(401)


def _known(session_ids):
    """As `recheck`; what it answers goes to several requests, so no session of the database keeps its rows."""
    identities = recheck(session_ids)
    db.session.expunge_all()
    return identities


def _people(session_ids):
    return LoginSession.people(session_ids, current_app.config["SESSION_IDLE_S"])


def _identity(session_id, user):
    return Identity(session_id=session_id, user_id=user.id, version=user.rights_version, user=user)


def _touch(session_id):
    """Note that the session is in use; in a transaction of its own, unless one that may write has begun.

    Swallowed when the database is busy: the next request tries again, and this one is worth more than its note. One
    at a time, for it may need a second connection: twenty requests that hold one each would wait for each other.
    """
    note = update(LoginSession).where(LoginSession.id == session_id).values(seen_at=utcnow())
    if db.session().in_transaction() and not reading():
        db.session.execute(note)
        return
    if not _touching.acquire(blocking=False):
        return
    try:
        with writing(patience=0), db.engine.begin() as connection:
            connection.execute(note)
    except (OperationalError, PoolTimeout) as error:
        current_app.logger.info("session not touched: %s", error)
    finally:
        _touching.release()
