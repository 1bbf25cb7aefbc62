"""What every request must pass and every answer carries, on every route there is."""

import pytest

from security import CONTENT_SECURITY_POLICY, is_cross_site
from tests.support import clients, databases
from tests.support.answers import HANDSHAKE, check_headers, routes

OWN = "https://levain.example"
STRANGERS = [
    "https://evil.example",
    "https://levain.example.evil.example",
    "https://evil-levain.example",
    "https://sub.levain.example",
    "http://levain.example",
    "https://levain.example:8443",
    "https://levain.example/",
    "https://LEVAIN.example",
    "https://levain.example@evil.example",
    "null",
    "",
    "https://levain.example, https://evil.example",
]
UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]


# -- cross-site, as a pure function ------------------------------------------------------------------


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_strange_origin_is_another_site(origin):
    assert is_cross_site({"Origin": origin}, OWN)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "SAME-ORIGIN", "none, none", "unknown"])
def test_what_the_browser_says_of_the_site_wins_over_the_origin(site):
    assert is_cross_site({"Sec-Fetch-Site": site, "Origin": OWN}, OWN)


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": OWN}]
)
def test_our_own_pages_and_typed_addresses_are_not_another_site(headers):
    assert not is_cross_site(headers, OWN)


def test_who_says_nothing_of_itself_is_refused():
    assert is_cross_site({}, OWN)


# -- cross-site, on every route ----------------------------------------------------------------------


@pytest.mark.parametrize("origin", [*STRANGERS, None])
def test_every_unsafe_route_refuses_every_strange_origin(app, origin):
    app.test_client_class = None
    client = app.test_client()
    headers = {"Host": "localhost"} | ({} if origin is None else {"Origin": origin})
    tried = [(method, path) for method, path in routes(app) if method in UNSAFE]
    assert ("POST", "/login") in tried
    assert ("POST", "/logout") in tried
    for method, path in tried:
        answer = client.open(path, method=method, headers=headers, data={"text": "x"})
        assert (path, answer.status_code) == (path, 403)
        check_headers(answer)


def test_a_refused_request_changes_nothing(app, as_user):
    ada = as_user("ada")
    assert ada.post("/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert ada.get("/account").status_code == 200


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_handshake_of_a_strange_origin_is_refused_before_it_is_answered(app, as_user, origin):
    ada = as_user("ada")
    del ada.environ_base["HTTP_SEC_FETCH_SITE"]
    answer = ada.get("/chat/rooms/1/socket", headers=HANDSHAKE | {"Origin": origin})
    assert answer.status_code == 403
    check_headers(answer)


def test_a_handshake_of_nobody_is_refused_with_401(client):
    answer = client.get("/chat/rooms/1/socket", headers=HANDSHAKE)
    assert answer.status_code == 401
    assert "<html" not in answer.text


@pytest.mark.parametrize("missing", ["Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"])
def test_a_handshake_that_is_none_is_400(as_user, missing):
    headers = {name: value for name, value in HANDSHAKE.items() if name not in (missing, "Connection")}
    answer = as_user("ada").get("/chat/rooms/1/socket", headers=headers)
    assert answer.status_code == 400
    check_headers(answer)


def test_reading_is_open_to_links_of_other_sites(client):
    assert client.get("/login", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


# -- headers on every answer --------------------------------------------------------------------------


@pytest.mark.parametrize("name", [None, "ada", "root"])
def test_every_route_answers_with_the_headers_and_never_with_500(app, name, client, as_user):
    browser = as_user(name) if name else client
    for method, path in routes(app):
        if path == "/logout" or "logout-everywhere" in path:
            continue
        answer = browser.open(path, method=method, buffered=False)
        assert answer.status_code < 500, f"{method} {path}: {answer.status}"
        check_headers(answer)
        answer.close()


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/nothing", {}, 404),
        ("/logout", {}, 405),
        ("/login?next=%ff", {}, 400),
        ("/%ff", {}, 404),
        ("/login", {"method": "POST", "headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
        ("/login", {"method": "POST", "data": b"x" * 1_100_000, "content_type": "text/plain"}, 413),
        ("/", {"headers": {"Host": "evil.example"}}, 400),
    ],
)
def test_errors_are_pages_with_the_headers(client, path, options, status):
    answer = client.open(path, **options)
    assert answer.status_code == status
    assert "<html" in answer.text
    assert 'role="alert"' in answer.text
    check_headers(answer)


@pytest.mark.parametrize(
    "headers",
    [{"HX-Request": "true"}, {"Accept": "text/event-stream"}, HANDSHAKE],
    ids=["htmx", "stream", "websocket"],
)
def test_errors_for_scripts_are_small_fragments(as_user, headers):
    answer = as_user("ada").get("/nothing", headers=headers)
    assert answer.status_code == 404
    assert "<html" not in answer.text
    assert answer.text.strip().startswith('<p id="error"')
    check_headers(answer)


def test_a_bug_is_a_page_that_says_nothing_of_the_bug(make_app):
    app = make_app(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    app.add_url_rule("/broken", view_func=lambda: 1 / 0)
    app.logger.disabled = True
    answer = clients.browser(app).get("/broken")
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.text
    assert "<html" in answer.text
    check_headers(answer)


def test_the_page_of_a_database_that_is_away_asks_it_nothing(redis_url, tmp_path):
    app = databases.site(f"postgresql://nobody@/nothing?host={tmp_path}", redis_url, tmp_path)
    with app.test_client() as client, client.session_transaction() as session:
        session["_user_id"] = "somebody"
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    for path in ("/", "/account", "/orders/"):
        answer = client.get(path)
        assert (path, answer.status_code) == (path, 503)
        assert "<html" in answer.text
        assert answer.headers["Retry-After"] == "5"
        check_headers(answer)
    fragment = client.get("/account", headers={"HX-Request": "true"})
    assert (fragment.status_code, "<html" in fragment.text) == (503, False)
    databases.close(app)


def test_pages_are_not_kept_and_static_files_may_be(client):
    assert client.get("/login").headers["Cache-Control"] == "no-store"
    static = client.get("/live/static/live.js")
    assert static.status_code == 200
    assert static.headers["Cache-Control"] == "no-cache"
    assert static.headers["ETag"]
    static.close()


def test_the_policy_lets_no_inline_script_and_no_eval_run():
    scripts = next(part for part in CONTENT_SECURITY_POLICY.split("; ") if part.startswith("script-src"))
    assert scripts == "script-src 'self'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
