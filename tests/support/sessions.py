"""What the tests of accounts look at: cookies and session rows."""

import sqlalchemy as sa

from blueprints.auth import LoginSession, User
from database import db

SCRIPTS = [
    {"HX-Request": "true"},
    {"Accept": "text/event-stream"},
    {"HX-Request": "true", "Accept": "text/html, text/event-stream"},
]


def cookie(client, name="levain"):
    found = client.get_cookie(name)
    return found.value if found else None


def session_ids(app, name):
    with app.app_context():
        query = sa.select(LoginSession.id).join(LoginSession.user).where(User.email == f"{name}@levain.test")
        return set(db.session.scalars(query.where(LoginSession.revoked_at.is_(None))))


def change_sessions(app, **values):
    with app.app_context():
        db.session.execute(sa.update(LoginSession).values(**values))
        db.session.commit()


def is_signed_in(client):
    return client.get("/account").status_code == 200


def cookie_line(answer, name="levain"):
    return next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith(name + "="))
