"""Test clients that behave like a browser on our own site, and the cast that may sign in with them."""

import sqlalchemy as sa
from flask.testing import FlaskClient

from blueprints.auth import DEMO_PASSWORD, LoginSession, User
from blueprints.auth.sessions import COOKIE_KEY
from database import db
from tests.support.databases import email_of

CAST = ("ada", "grace", "carlo", "root", "mallory")


class Browser(FlaskClient):
    """Says, as browsers do, that its requests come from the site itself; a header given with a request wins."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
        self.environ_base["HTTP_ACCEPT"] = "text/html,application/xhtml+xml,*/*;q=0.8"


def browser(app):
    app.test_client_class = Browser
    return app.test_client()


def sign_in(client, name, password=DEMO_PASSWORD, **fields):
    return client.post("/login", data={"email": email_of(name), "password": password, **fields})


def signed_in(app, name):
    """A browser in which one of the cast is signed in."""
    assert name in CAST, f"{name} is not in the cast"
    client = browser(app)
    client.set_cookie(*session_cookie(app, name))
    return client


def session_cookie(app, name):
    """The cookie's name and value, with the session row of somebody who is there, as signing in leaves them."""
    with app.app_context():
        user = db.session.scalars(sa.select(User).filter_by(email=email_of(name))).one()
        row = LoginSession.start(user.id, remember=False, life_s=app.config["SESSION_LIFE_S"])
        db.session.add(row)
        db.session.commit()
        signed = app.session_interface.get_signing_serializer(app).dumps({COOKIE_KEY: row.id, "_fresh": True})
    return app.config["SESSION_COOKIE_NAME"], signed
