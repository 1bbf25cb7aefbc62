"""What tests ask of any answer of the site, and every route there is to ask."""

from urllib.parse import urlsplit

from security import CONTENT_SECURITY_POLICY

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}
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
    assert not [name for name, _ in response.headers if name.startswith("Access-Control-")]
