"""Signing up, in and out, as a browser sees it."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup

from blueprints.auth import DEMO_PASSWORD, LoginSession, User
from database import db, utcnow
from tests.support import clients

NEW = {"name": "Linus", "email": "linus@levain.test", "password": "eight or more"}
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


# -- signing up ---------------------------------------------------------------------------------------


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


# -- signing in ---------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_signing_in_and_out(app, client):
    assert not is_signed_in(client)
    assert clients.sign_in(client, "ada").status_code == 303
    assert is_signed_in(client)
    assert client.post("/logout").status_code == 303
    assert not is_signed_in(client)
    assert session_ids(app, "ada") == set()


@pytest.mark.parametrize("email", ["ADA@LEVAIN.TEST", " ada@levain.test "])
def test_an_email_is_read_as_it_was_meant(client, email):
    assert client.post("/login", data={"email": email, "password": DEMO_PASSWORD}).status_code == 303


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(client):
    wrong, unknown = clients.sign_in(client, "ada", "wrong"), clients.sign_in(client, "nobody", "wrong")
    assert (wrong.status_code, unknown.status_code) == (400, 400)
    # Only the typed address and the server's clock may differ.
    texts = [re.sub(r"<time.*?</time>|content=\"20.*?\"", "", answer.text) for answer in (wrong, unknown)]
    assert texts[0].replace('value="ada@', 'value="nobody@') == texts[1]


@pytest.mark.parametrize("missing", ["email", "password"])
def test_a_sign_in_without_a_field_is_400(client, missing):
    fields = {"email": "ada@levain.test", "password": DEMO_PASSWORD}
    assert client.post("/login", data={k: v for k, v in fields.items() if k != missing}).status_code == 400


@pytest.mark.both_databases
def test_signing_in_gives_a_new_id_and_ends_the_old_one(app, client):
    clients.sign_in(client, "ada")
    old_cookie, old_ids = cookie(client), session_ids(app, "ada")
    clients.sign_in(client, "ada")
    assert cookie(client) != old_cookie
    assert len(session_ids(app, "ada")) == 1
    assert not session_ids(app, "ada") & old_ids
    thief = clients.browser(app)
    thief.set_cookie("levain", old_cookie)
    assert not is_signed_in(thief)


def test_a_session_brought_along_by_an_attacker_is_not_kept(app, client):
    attacker = clients.browser(app)
    clients.sign_in(attacker, "mallory")
    client.set_cookie("levain", cookie(attacker))
    clients.sign_in(client, "ada")
    assert cookie(client) != cookie(attacker)
    assert "ada@levain.test" in client.get("/account").text
    assert not is_signed_in(attacker)


@pytest.mark.both_databases
def test_a_copied_cookie_opens_nothing_after_the_sign_out(app, as_user):
    ada = as_user("ada")
    copied = cookie(ada)
    ada.post("/logout")
    thief = clients.browser(app)
    thief.set_cookie("levain", copied)
    assert thief.get("/account").status_code == 303
    for headers in SCRIPTS:
        assert thief.get("/account", headers=headers).status_code == 401
    for path in ("/live/stream", "/live/poll"):
        assert thief.get(path).status_code == 401
    assert thief.post("/account/password", data={}).status_code == 303
    handshake = {"Upgrade": "websocket", "Sec-WebSocket-Key": "A" * 22 + "==", "Sec-WebSocket-Version": "13"}
    assert thief.get("/chat/rooms/1/socket", headers=handshake).status_code == 401


@pytest.mark.parametrize("value", ["", "nonsense", "eyJfdXNlcl9pZCI6IjEifQ.x.y", "a" * 4000])
def test_an_invented_cookie_is_nobody(client, value):
    client.set_cookie("levain", value)
    assert not is_signed_in(client)


def test_a_cookie_signed_with_another_key_is_nobody(app, make_app, as_user):
    stranger = clients.browser(make_app(SECRET_KEY="another key of thirty-two bytes or more"))
    stranger.set_cookie("levain", cookie(as_user("ada")))
    assert not is_signed_in(stranger)


def test_a_remembered_cookie_dies_with_its_row_too(app, client):
    clients.sign_in(client, "ada", remember="y")
    thief = clients.browser(app)
    thief.set_cookie("levain", cookie(client))
    assert is_signed_in(thief)
    client.post("/logout")
    assert not is_signed_in(thief)


def test_the_cookie_holds_the_id_of_a_row_and_nothing_of_the_person(app, as_user):
    ada = as_user("ada")
    with ada.session_transaction() as session:
        assert session["_user_id"] in session_ids(app, "ada")
        assert len(session["_user_id"]) >= 43
        assert "ada" not in str(dict(session))


# -- how long ------------------------------------------------------------------------------------------


def test_a_session_ends_with_the_browser_unless_it_is_remembered(client):
    assert "Expires" not in cookie_line(clients.sign_in(client, "ada"))
    assert "Expires" in cookie_line(clients.sign_in(client, "ada", remember="y"))


def cookie_line(answer, name="levain"):
    return next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith(name + "="))


@pytest.mark.both_databases
def test_an_idle_session_ends_and_a_remembered_one_does_not(app, as_user, client):
    ada = as_user("ada")
    clients.sign_in(client, "grace", remember="y")
    change_sessions(app, seen_at=utcnow() - timedelta(hours=8, minutes=1))
    assert not is_signed_in(ada)
    assert is_signed_in(client)


@pytest.mark.both_databases
def test_every_session_ends_at_last(app, as_user, client):
    ada = as_user("ada")
    clients.sign_in(client, "grace", remember="y")
    change_sessions(app, expires_at=utcnow() - timedelta(seconds=1))
    assert not is_signed_in(ada)
    assert not is_signed_in(client)


def test_a_remembered_row_lives_thirty_days_and_another_one_seven(app, as_user, client):
    as_user("ada")
    clients.sign_in(client, "grace", remember="y")
    with app.app_context():
        lives = {
            row.remember: row.expires_at - row.created_at
            for row in db.session.scalars(sa.select(LoginSession))
        }
    assert lives == {False: timedelta(days=7), True: timedelta(days=30)}


@pytest.mark.both_databases
def test_using_a_session_keeps_it_awake_even_by_reading(app, as_user):
    ada = as_user("ada")
    change_sessions(app, seen_at=utcnow() - timedelta(hours=7))
    assert is_signed_in(ada)
    with app.app_context():
        assert utcnow() - db.session.scalar(sa.select(LoginSession.seen_at)) < timedelta(minutes=1)


def test_dead_rows_are_cleared_away_at_the_next_sign_in(app, as_user):
    as_user("ada")
    change_sessions(app, expires_at=utcnow() - timedelta(days=1))
    as_user("ada")
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(LoginSession)) == 1


# -- cookies --------------------------------------------------------------------------------------------


def test_cookies_are_for_this_site_and_not_for_scripts(client):
    lines = clients.sign_in(client, "ada").headers.getlist("Set-Cookie")
    assert len(lines) == 2
    for line in lines:
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line
        assert "Path=/" in line
        assert "Domain" not in line
        assert "Secure" not in line


def test_production_cookies_are_secure_and_bound_to_the_host(make_app):
    app = make_app(LEVAIN_ENV="production", SECRET_KEY="s" * 32)
    answer = clients.browser(app).post(
        "/login",
        data={"email": "ada@levain.test", "password": DEMO_PASSWORD},
        base_url="https://localhost",
    )
    lines = answer.headers.getlist("Set-Cookie")
    assert len(lines) == 2
    assert all(line.startswith("__Host-") and "Secure" in line and "Domain" not in line for line in lines)


def test_no_answer_makes_a_session_for_nobody(client):
    assert "Set-Cookie" not in client.get("/login").headers


# -- everywhere, and the password -------------------------------------------------------------------------


@pytest.mark.both_databases
def test_signing_out_everywhere_ends_every_browser_of_that_person_only(as_user):
    here, there, grace = as_user("ada"), as_user("ada"), as_user("grace")
    assert here.post("/account/logout-everywhere").status_code == 303
    assert [is_signed_in(each) for each in (here, there, grace)] == [False, False, True]


@pytest.mark.both_databases
def test_a_new_password_ends_the_other_sessions_and_renews_this_one(app, as_user):
    here, there = as_user("ada"), as_user("ada")
    old = cookie(here)
    answer = here.post("/account/password", data={"current": DEMO_PASSWORD, "password": "a better one"})
    assert answer.status_code == 303
    assert [is_signed_in(here), is_signed_in(there)] == [True, False]
    assert cookie(here) != old
    assert clients.sign_in(clients.browser(app), "ada").status_code == 400
    assert clients.sign_in(clients.browser(app), "ada", "a better one").status_code == 303


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"current": DEMO_PASSWORD},
        {"password": "a better one"},
        {"current": "wrong", "password": "a better one"},
        {"current": DEMO_PASSWORD, "password": "short"},
        {"current": "x" * 129, "password": "a better one"},
    ],
)
def test_a_password_is_not_changed_by_half(app, as_user, fields):
    ada = as_user("ada")
    assert ada.post("/account/password", data=fields).status_code == 400
    assert is_signed_in(ada)
    assert clients.sign_in(clients.browser(app), "ada").status_code == 303


# -- who is not signed in -----------------------------------------------------------------------------------


def test_a_page_leads_to_the_sign_in_and_back(client):
    answer = client.get("/account")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/account")


@pytest.mark.parametrize("headers", SCRIPTS)
@pytest.mark.parametrize("path", ["/account", "/orders/", "/kitchen/", "/chat/", "/jobs/"])
def test_a_script_gets_401_and_never_a_page(client, path, headers):
    answer = client.get(path, headers=headers)
    assert answer.status_code == 401
    assert "Location" not in answer.headers
    assert "<html" not in answer.text


@pytest.mark.parametrize("path", ["/live/stream", "/live/poll"])
def test_stream_and_poll_get_401(client, path):
    answer = client.get(path)
    assert answer.status_code == 401
    assert "Location" not in answer.headers


def test_whoever_is_signed_in_does_not_see_the_sign_in_page(as_user):
    assert as_user("ada").get("/login?next=/orders/").headers["Location"] == "/orders/"


# -- demo accounts --------------------------------------------------------------------------------------------


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
