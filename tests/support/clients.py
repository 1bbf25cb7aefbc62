"""Test clients that behave like a browser on our own site, and the cast that may sign in with them."""

from flask.testing import FlaskClient

from blueprints.auth import DEMO_PASSWORD
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
    """A browser in which one of the cast is signed in, through the sign-in page like everybody."""
    assert name in CAST, f"{name} is not in the cast"
    client = browser(app)
    answer = sign_in(client, name)
    assert answer.status_code == 303, f"{name} could not sign in: {answer.status_code}"
    return client
