"""Bad hosts, bytes, numbers and bodies: a clear 4xx everywhere, never a 500. Forwarded headers only when configured."""

import http.client
import io

import pytest
from flask import request

from security import CONTENT_SECURITY_POLICY
from tests.support import clients

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
    "number", ["0", "2147483647", "2147483648", "9" * 30, "-1", "1e3", "1.5", "abc", "\uff11"]
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
