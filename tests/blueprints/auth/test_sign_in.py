"""Signing in and out, as a browser sees it; and what is said to whoever did not."""

import re

import pytest

from blueprints.auth import DEMO_PASSWORD
from tests.blueprints.pages import soup
from tests.support import clients
from tests.support.answers import HANDSHAKE
from tests.support.sessions import SCRIPTS, cookie, is_signed_in, session_ids


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
    answer = client.post("/login", data={k: v for k, v in fields.items() if k != missing})
    assert answer.status_code == 400
    page = soup(answer)
    assert page.find(id=page.find(id=missing)["aria-describedby"]).text.strip()
    assert page.find(id="email").get("value", "") == ("" if missing == "email" else fields["email"])


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
    with attacker.session_transaction() as session:
        session["planted"] = "by mallory"
    client.set_cookie("levain", cookie(attacker))
    clients.sign_in(client, "ada")
    with client.session_transaction() as session:
        assert "planted" not in session
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
    assert thief.get("/chat/rooms/1/socket", headers=HANDSHAKE).status_code == 401


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
