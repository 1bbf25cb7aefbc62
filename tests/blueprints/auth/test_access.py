"""Roles, and what the live core asks: who is this, and who is still somebody."""

import time

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup

import extensions
from blueprints.auth import LoginSession, User, identify, recheck, role_required
from database import db, utcnow
from tests.support import clients, databases


@pytest.fixture
def doors(app):
    """An app with one door per role, and one that says who is there."""
    for role in ("member", "kitchen", "admin"):
        app.add_url_rule(f"/for/{role}", role, role_required(role)(lambda: "in"))
    app.add_url_rule("/who", "who", lambda: str(getattr(identify(), "user_id", None)))
    return app


OPEN_TO = {
    "member": {"ada", "grace", "mallory", "root"},
    "kitchen": {"carlo", "root"},
    "admin": {"root"},
}


@pytest.mark.parametrize("role", list(OPEN_TO))
def test_a_door_opens_to_its_role_and_to_admins(doors, role):
    for name in clients.CAST:
        answer = clients.signed_in(doors, name).get(f"/for/{role}")
        assert answer.status_code == (200 if name in OPEN_TO[role] else 403), name


def test_nobody_is_sent_to_sign_in_or_gets_401(doors, client):
    assert client.get("/for/kitchen").headers["Location"] == "/login?next=/for/kitchen"
    assert client.get("/for/kitchen", headers={"HX-Request": "true"}).status_code == 401


@pytest.mark.both_databases
def test_identify_knows_who_is_there_and_who_is_nobody(doors, client):
    with doors.app_context():
        ada_id = db.session.scalar(sa.select(User.id).where(User.email == "ada@levain.test"))
    assert clients.signed_in(doors, "ada").get("/who").text == str(ada_id)
    assert client.get("/who").text == "None"


@pytest.mark.both_databases
def test_recheck_answers_for_all_in_one_query_and_leaves_out_whoever_is_gone(app, as_user):
    for name in ("ada", "grace", "carlo"):
        as_user(name)
    with app.app_context():
        rows = {row.user.name: row for row in db.session.scalars(sa.select(LoginSession))}
        rows["Grace"].revoked_at = utcnow()
        rows["Carlo"].user.change_role("member")
        ids = {row.id: name for name, row in rows.items()}
        db.session.commit()
        queries = []
        sa.event.listen(db.engine, "before_cursor_execute", lambda *arguments: queries.append(arguments[2]))
        found = recheck({*ids, "an id that never was"})
    assert len(queries) == 1
    assert {ids[key]: identity.version for key, identity in found.items()} == {"Ada": 1, "Carlo": 2}
    assert all(key == identity.session_id for key, identity in found.items())


def test_who_is_still_somebody_and_may_what_is_answered_while_somebody_writes(app, as_user, monkeypatch):
    as_user("ada")
    gate = app.extensions["live"].gate
    topics = ["chat:room:1", "chat:news:1", "orders:order:1", "jobs:job:1"]
    with app.app_context():
        session_id = db.session.scalar(sa.select(LoginSession.id))
        db.session.rollback()
        with databases.somebody_writes(app, monkeypatch):
            identity = recheck({session_id})[session_id]
            assert gate.allowed(identity, topics) == set()
            assert all(function(identity.user) for function in gate._everywhere)


@pytest.mark.both_databases
def test_a_deleted_person_is_nobody_at_once(app, as_user):
    mallory = as_user("mallory")
    with app.app_context():
        db.session.delete(User.find("mallory@levain.test"))
        db.session.commit()
        assert db.session.scalar(sa.select(sa.func.count()).select_from(LoginSession)) == 0
    assert mallory.get("/account").status_code == 303


def test_a_request_asks_once_who_it_is(app, as_user):
    ada, queries = as_user("ada"), []
    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", lambda *arguments: queries.append(arguments[2]))
    ada.get("/account")
    assert len([query for query in queries if "login_session" in query]) == 1


@pytest.mark.both_databases
def test_a_role_is_given_from_the_command_line(app, as_user):
    mallory = as_user("mallory")
    assert mallory.get("/kitchen/").status_code == 403, "mallory must be outside for this test"
    done = app.test_cli_runner().invoke(args=["auth", "role", "mallory@levain.test", "kitchen"])
    assert (done.exit_code, done.output) == (0, "mallory@levain.test is kitchen now.\n")
    assert mallory.get("/kitchen/").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nobody@levain.test", "admin"], 1), (["ada@levain.test", "king"], 2), (["ada@levain.test"], 2)],
)
def test_a_role_or_a_person_that_is_not_there_is_refused(app, arguments, code):
    assert app.test_cli_runner().invoke(args=["auth", "role", *arguments]).exit_code == code


# -- the end of a session ends its streams ---------------------------------------------------------------


REVOKED_WITHIN_S = 2  # the promise (DESIGN)


@pytest.fixture
def slow_to_recheck(make_app):
    """Without the question that is asked every 20 s anyway: only what a sign-out says at once can end a stream."""
    return make_app(LIVE_RECHECK_S=3600, LIVE_BEAT_S=0.2)


def stream(client):
    """The events of the stream that the page of one's own orders opens."""
    connect = BeautifulSoup(client.get("/orders/").text, "html.parser").find(id="live-connect")
    return client.get(
        connect["data-live-stream"],
        query_string={"t": connect["data-live-topics"], "position": connect["data-live-position"]},
        buffered=False,
    )


def read_until(answer, word):
    """All that came up to the word, for two seconds at most; beats come meanwhile."""
    seen, end = "", time.monotonic() + REVOKED_WITHIN_S
    for chunk in answer.iter_encoded():
        seen += chunk.decode()
        if word in seen or time.monotonic() > end:
            break
    return seen


def sign_out(client):
    client.post("/logout")


def sign_out_everywhere(client):
    client.post("/account/logout-everywhere")


def new_password(client):
    client.post("/account/password", data={"current": "levain", "password": "a better one"})


def sign_in_again(client):
    clients.sign_in(client, "ada")


@pytest.mark.both_databases
@pytest.mark.parametrize("end", [sign_out, sign_out_everywhere, new_password, sign_in_again])
def test_the_stream_ends_with_the_session(slow_to_recheck, end):
    ada = clients.signed_in(slow_to_recheck, "ada")
    answer = stream(ada)
    assert answer.status_code == 200
    assert "event: live:open" in read_until(answer, "live:open")
    here = clients.browser(slow_to_recheck)
    here.set_cookie("levain", ada.get_cookie("levain").value)
    end(here)
    assert "event: live:bye" in read_until(answer, "live:bye")
    answer.close()


def test_the_stream_of_another_browser_goes_on(slow_to_recheck):
    staying, leaving = (clients.signed_in(slow_to_recheck, "ada") for _ in range(2))
    answer = stream(staying)
    read_until(answer, "live:open")
    leaving.post("/logout")
    with slow_to_recheck.app_context():
        ada_id = User.find("ada@levain.test").id
        extensions.live.signal(f"orders:customer:{ada_id}", "still-here")
        db.session.commit()
    seen = read_until(answer, "live:still-here")
    assert "live:still-here" in seen
    assert "live:bye" not in seen
    answer.close()
