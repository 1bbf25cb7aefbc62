"""What every request must pass and every answer carries, on every route there is."""

import http.client
import io
from urllib.parse import urlsplit

import pytest
from flask import request

from security import CONTENT_SECURITY_POLICY, is_cross_site
from tests.support import clients, databases

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
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}
UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def routes(app):
    """(method, path) of every route, with 1 for each number and a file for each file name."""
    for rule in app.url_map.iter_rules():
        values = {name: "live.js" if name == "filename" else 1 for name in rule.arguments}
        with app.test_request_context():
            path = urlsplit(app.url_map.bind("localhost").build(rule.endpoint, values)).path
        yield from ((method, path) for method in sorted(rule.methods))


def check_headers(response):
    for name, value in ALWAYS.items():
        assert response.headers.get(name) == value, f"{name} is {response.headers.get(name)!r}"
    assert not [name for name in response.headers.keys() if name.startswith("Access-Control-")]


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


# -- hosts and proxies ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
    ],
)
def test_an_unknown_host_is_refused(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:9"])
def test_our_own_names_are_not(client, host):
    assert client.get("/login", headers={"Host": host}).status_code == 200


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Host": "levain.example",
    "X-Forwarded-Proto": "https",
}


def say_where(app):
    @app.get("/where")
    def where():
        return f"{request.remote_addr} {request.host_url}"

    return clients.browser(app)


def test_forwarded_headers_are_not_believed_by_themselves(make_app):
    answer = say_where(make_app()).get("/where", headers=FORWARDED)
    assert answer.text == "127.0.0.1 http://localhost/"


def test_forwarded_headers_of_configured_proxies_are(make_app):
    app = make_app(TRUSTED_PROXIES=1, TRUSTED_HOSTS="levain.example")
    assert say_where(app).get("/where", headers=FORWARDED).text == "203.0.113.9 https://levain.example/"


def test_only_so_many_proxies_are_believed(make_app):
    app = make_app(TRUSTED_PROXIES=1, TRUSTED_HOSTS="levain.example")
    invented = FORWARDED | {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    assert say_where(app).get("/where", headers=invented).text.startswith("203.0.113.9 ")


def test_production_behind_https_asks_browsers_to_stay_with_https(make_app):
    app = make_app(LEVAIN_ENV="production", SECRET_KEY="s" * 32)
    secure = clients.browser(app).get("/login", base_url="https://localhost")
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in clients.browser(app).get("/login").headers


# -- bad input ------------------------------------------------------------------------------------------

BAD_BYTES = [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\xaf"]


@pytest.mark.parametrize("bad", BAD_BYTES)
def test_malformed_utf8_in_a_form_is_400(client, bad):
    for data in (b"email=" + bad, b"email=" + "".join(f"%{byte:02x}" for byte in bad).encode()):
        answer = client.post("/login", data=data, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 400
        assert "UTF-8" in answer.text


@pytest.mark.parametrize("query", [b"next=\xff", b"next=%ff", b"next=%c3%28", b"next=%ed%a0%80"])
def test_malformed_utf8_in_a_query_is_400(client, query):
    assert (
        client.get("/login", environ_overrides={"QUERY_STRING": query.decode("latin-1")}).status_code == 400
    )


@pytest.mark.parametrize("path", ["/login?next=%00", "/login?next=a%00b", "/%00"])
def test_nul_in_an_address_is_400(client, path):
    assert client.get(path).status_code == 400


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_nul_in_a_form_is_400(client, kind):
    fields = {"name": "A\0da", "email": "new@levain.test", "password": "long enough"}
    answer = client.post("/signup", data=fields, content_type=kind)
    assert answer.status_code == 400
    assert "NUL" in answer.text


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "number", ["0", "2147483647", "2147483648", "9" * 30, "-1", "1e3", "1.5", "abc", "１"]
)
def test_ids_that_no_row_has_are_404(as_user, number):
    ada = as_user("ada")
    for path in (f"/orders/{number}", f"/chat/rooms/{number}", f"/jobs/{number}"):
        answer = ada.get(path)
        assert (path, answer.status_code) == (path, 404)


def test_a_body_without_a_length_that_is_too_large_is_413(client):
    answer = client.post("/login", input_stream=io.BytesIO(b"a=" + b"x" * 1_100_000), content_length=1_100_002,
                         content_type="application/x-www-form-urlencoded")  # fmt: skip
    assert answer.status_code == 413


def test_a_real_server_answers_a_megabyte_with_413_and_stays(live_server):
    for _ in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", live_server.port, timeout=10)
        connection.request("POST", "/login", b"x" * 1_000_001, {"Origin": live_server.url})
        answer = connection.getresponse()
        assert answer.status == 413
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        answer.read()
        connection.close()
