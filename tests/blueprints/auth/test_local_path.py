"""Where `next=` may lead: a long list of what must not work, and the few forms that must."""

import pytest

from blueprints.auth.local_path import local_path
from tests.support import clients

OUTSIDE = [
    "https://evil.example",
    "http://evil.example/orders/",
    "HTTPS://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "\\evil.example",
    "/%2fevil.example",
    "/%2Fevil.example",
    "%2f%2fevil.example",
    "/%5cevil.example",
    "/%5C%5Cevil.example",
    "/%252fevil.example",
    "/%25%32%66evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "mailto:ada@levain.test",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "/orders/\r\nSet-Cookie: levain=stolen",
    "/orders/%0d%0aSet-Cookie:%20levain=stolen",
    "/orders/%250d%250aX: y",
    "/%09/evil.example",
    "\t//evil.example",
    " //evil.example",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "orders/",
    "?next=/orders/",
    "#/orders/",
    "/.//evil.example",
    "/..//evil.example",
    "/orders//evil.example",
    "/orders/?to=https://evil.example",
    "/\u2028/evil.example",
    "/\uff0fevil.example",
    "\uff0f\uff0fevil.example",
    "/%ef%bc%8fevil.example",
    "/\u3002evil.example",
    "https:evil.example",
    "https:/evil.example",
    "/\x00/evil.example",
    "/%00",
    "/" + "a" * 600,
    "",
]
INSIDE = [
    "/",
    "/orders/",
    "/orders/17",
    "/orders/?page=2",
    "/chat/rooms/3#message-5",
    "/jobs/?a=b&c=%20d",
    "/a-b_c.d~e",
]


@pytest.mark.parametrize("text", OUTSIDE, ids=ascii)
def test_what_leads_outside_leads_home(text):
    assert local_path(text) == "/"


@pytest.mark.parametrize("text", INSIDE)
def test_a_path_of_ours_stays(text):
    assert local_path(text) == text


def test_none_leads_home():
    assert local_path(None) == "/"


def test_signing_in_redirects_to_none_of_them(app):
    for text in OUTSIDE:
        client = clients.browser(app)
        answer = clients.sign_in(client, "ada", next=text)
        # A NUL or a line end is refused before the form is read; nothing else may come out but the start page.
        assert (answer.status_code, answer.headers.get("Location")) in [(303, "/"), (400, None)], text
        assert "evil" not in answer.headers.get("Location", "")


def test_signing_in_goes_where_the_person_was_going(client):
    answer = client.get("/orders/?page=2")
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"])
    assert 'value="/orders/?page=2"' in page.text
    assert clients.sign_in(client, "ada", next="/orders/?page=2").headers["Location"] == "/orders/?page=2"
