"""Signing up, as a browser sees it, and what the sign-in page tells of demo accounts."""

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup

from blueprints.auth import User
from database import db
from tests.support import clients
from tests.support.sessions import is_signed_in

NEW = {"name": "Linus", "email": "linus@levain.test", "password": "eight or more"}


@pytest.mark.both_databases
def test_a_new_person_is_a_member_and_signed_in_at_once(app, client):
    answer = client.post("/signup", data=NEW | {"next": "/orders/"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/orders/")
    assert "linus@levain.test · member" in client.get("/account").text
    again = clients.browser(app)
    assert clients.sign_in(again, "linus", NEW["password"]).status_code == 303


@pytest.mark.both_databases
@pytest.mark.parametrize("email", ["ada@levain.test", "ADA@Levain.Test", "  ada@levain.test "])
def test_an_email_is_taken_once_however_it_is_written(client, email):
    answer = client.post("/signup", data=NEW | {"email": email})
    assert answer.status_code == 400
    assert "already" in answer.text
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 81),
        ("name", "two\nlines"),
        ("name", "a\u202eb"),
        ("email", ""),
        ("email", "nobody"),
        ("email", "a@b"),
        ("email", "a b@c.d"),
        ("email", "a@b.c\nbcc: x@y.z"),
        ("email", "x" * 250 + "@b.cd"),
        ("password", ""),
        ("password", "short"),
        ("password", "x" * 129),
    ],
)
def test_what_a_sign_up_lacks_stands_beside_its_field(client, field, value):
    answer = client.post("/signup", data=NEW | {field: value})
    assert answer.status_code == 400
    page = BeautifulSoup(answer.text, "html.parser")
    problem = page.find(id=page.find(id=field)["aria-describedby"])
    assert problem.text.strip()
    kept = NEW | {field: value}
    for other in ("name", "email"):
        assert page.find(id=other).get("value", "") == kept[other].strip()
    assert not page.find(id="password").get("value")
    assert not is_signed_in(client)


@pytest.mark.parametrize("field", list(NEW))
def test_a_sign_up_without_a_field_is_400(client, field):
    assert client.post("/signup", data={k: v for k, v in NEW.items() if k != field}).status_code == 400


def test_what_was_typed_is_still_there_but_not_the_password(client):
    answer = client.post("/signup", data=NEW | {"email": "nobody"})
    assert 'value="Linus"' in answer.text
    assert NEW["password"] not in answer.text


def test_a_name_is_shown_as_text_and_never_as_html(client):
    client.post("/signup", data=NEW | {"name": "<script>alert(1)</script>"})
    assert "<script>alert" not in client.get("/account").text
    assert "&lt;script&gt;alert(1)" in client.get("/account").text


def test_a_development_site_shows_its_demo_accounts(client):
    text = client.get("/login").text
    for name in ("ada", "grace", "carlo", "root"):
        assert f"{name}@levain.test" in text
    assert "mallory" not in text


def test_a_production_site_never_does(make_app):
    app = make_app(LEVAIN_ENV="production", SECRET_KEY="s" * 32)
    assert "levain.test" not in clients.browser(app).get("/login").text


def test_only_those_that_exist_are_shown(app, client):
    with app.app_context():
        db.session.execute(sa.delete(User).where(User.email == "grace@levain.test"))
        db.session.commit()
    assert "grace@levain.test" not in client.get("/login").text
