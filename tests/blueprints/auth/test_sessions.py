"""How long a session lives, what its cookie is like, and what ends all of somebody's sessions."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from blueprints.auth import DEMO_PASSWORD, LoginSession, access
from database import db, utcnow
from live.testing import connection
from tests.blueprints.pages import queries, soup
from tests.support import clients
from tests.support.sessions import change_sessions, cookie, cookie_line, is_signed_in


def test_a_session_ends_with_the_browser_unless_it_is_remembered(client):
    assert "Expires" not in cookie_line(clients.sign_in(client, "ada"))
    assert "Expires" in cookie_line(clients.sign_in(client, "ada", remember="y"))


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


@pytest.mark.both_databases
def test_a_page_is_worth_more_than_the_note_that_its_session_is_in_use(make_app, app, as_user):
    few = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1}
    small = make_app(SQLALCHEMY_ENGINE_OPTIONS=app.config["SQLALCHEMY_ENGINE_OPTIONS"] | few)
    ada = clients.signed_in(small, "ada")
    change_sessions(small, seen_at=utcnow() - timedelta(hours=7))
    assert is_signed_in(ada)


@pytest.mark.both_databases
def test_requests_that_hold_all_connections_do_not_wait_for_each_other_to_note_it(make_app, app, monkeypatch):
    few = {"pool_size": 4, "max_overflow": 0, "pool_timeout": 5}
    small = make_app(SQLALCHEMY_ENGINE_OPTIONS=app.config["SQLALCHEMY_ENGINE_OPTIONS"] | few)
    browsers, together = [clients.signed_in(small, "ada") for _ in range(4)], threading.Barrier(4)
    change_sessions(small, seen_at=utcnow() - timedelta(hours=7))

    def people(*arguments, ask=access._people):
        found = ask(*arguments)
        together.wait()
        return found

    monkeypatch.setattr(access, "_people", people)
    begun = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(is_signed_in, browsers))
    assert time.monotonic() - begun < 4


def test_dead_rows_are_cleared_away_at_the_next_sign_in(app, as_user, client):
    as_user("ada")
    change_sessions(app, expires_at=utcnow() - timedelta(days=1))
    clients.sign_in(client, "ada")
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(LoginSession)) == 1


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
    said = "Your password is changed"
    assert [said in here.get("/account").text for _ in range(2)] == [True, False], "it is said, and once"
    assert [is_signed_in(here), is_signed_in(there)] == [True, False]
    assert cookie(here) != old
    assert clients.sign_in(clients.browser(app), "ada").status_code == 400
    assert clients.sign_in(clients.browser(app), "ada", "a better one").status_code == 303


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, ["current", "password"]),
        ({"current": DEMO_PASSWORD}, ["password"]),
        ({"password": "a better one"}, ["current"]),
        ({"current": "wrong", "password": "a better one"}, ["current"]),
        ({"current": DEMO_PASSWORD, "password": "short"}, ["password"]),
        ({"current": "x" * 129, "password": "a better one"}, ["current"]),
    ],
)
def test_a_password_is_not_changed_by_half(app, as_user, fields, wrong):
    ada = as_user("ada")
    answer = ada.post("/account/password", data=fields)
    assert answer.status_code == 400
    assert [problem["id"] for problem in soup(answer).select("main .problem")] == [
        f"{name}-problem" for name in wrong
    ]
    assert is_signed_in(ada)
    assert clients.sign_in(clients.browser(app), "ada").status_code == 303


def test_a_page_that_comes_back_asks_for_its_session_and_its_rooms_and_writes_nothing(app, as_user):
    ada = as_user("ada")
    page = connection(ada.get("/orders/").text)
    change_sessions(app, seen_at=utcnow() - timedelta(hours=1))
    with queries(app) as asked:
        ada.get(page.address("stream")).close()
    assert [sql.split("FROM ")[1].split()[0] for sql in asked] == ["login_session", "memberships"]
    assert all(sql.startswith("SELECT") for sql in asked)
