"""What every request must pass and every answer carries: same origin, decent bytes, security headers.

Cross-site requests are refused by what the browser says of them (Sec-Fetch-Site, Origin), not by a token per session:
pushed fragments hold plain forms that are the same for every viewer (DESIGN 4.6). It imports nothing of ours.
"""

from urllib.parse import unquote_to_bytes

from flask import abort, current_app, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
FORM = "application/x-www-form-urlencoded"
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Pico draws its arrows and ticks as data: images
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
HSTS = "max-age=31536000"


class RowId(IntegerConverter):
    """`<int:id>` for the ids of rows: what no integer column can hold is a page that is not there."""

    def __init__(self, url_map, fixed_digits=0, min=None, max=2**31 - 1, signed=False):
        super().__init__(url_map, fixed_digits, min, max, signed)


def init_app(app):
    """Bind the hooks; before any blueprint, so that nothing runs ahead of them and every route knows `RowId`."""
    app.url_map.converters["int"] = RowId
    app.before_request(refuse_cross_site)
    app.before_request(refuse_bad_text)
    app.after_request(add_headers)
    if proxies := app.config["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)


def is_cross_site(headers, own_origin):
    """Might another site have made the browser send this? Headers are a mapping; the origin is "scheme://host[:port]".

    A client that says nothing of itself is refused too: browsers do, and cookies are what we protect.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    return headers.get("Origin") != own_origin


def refuse_cross_site():
    """403 for unsafe requests and WebSocket handshakes (they carry cookies to wherever they go) of other sites."""
    handshake = "websocket" in request.headers.get("Upgrade", "").lower()
    own_origin = request.host_url.rstrip("/")  # asks TRUSTED_HOSTS, too
    if (handshake or request.method not in SAFE_METHODS) and is_cross_site(request.headers, own_origin):
        abort(403, "This request came from another site, so nothing was done.")


def refuse_bad_text():
    """400 for bytes that are no UTF-8 and for NUL, which PostgreSQL cannot store: here once instead of in each form."""
    try:
        text = _path() + _decoded(request.query_string) + _body()
    except UnicodeError:
        request.query_string = b""  # the page that says so must not trip over it
        abort(400, "The request contains bytes that are not UTF-8 text.")
    if "\0" in text or (request.mimetype and _has_nul(request.form)):
        abort(400, "The request contains a NUL character.")


def add_headers(response):
    """On every answer, errors and streams too; `no-store` unless the answer says how it may be kept (static files)."""
    response.headers.update(HEADERS)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("HX-Request")
    if current_app.config["SESSION_COOKIE_SECURE"] and request.is_secure:
        response.headers["Strict-Transport-Security"] = HSTS
    return response


def _path():
    return request.environ.get("PATH_INFO", "").encode("latin-1").decode()


def _body():
    """The text of a plain form; reading it keeps it for request.form. Larger than the limit: 413 from here."""
    return _decoded(request.get_data()) if request.mimetype == FORM else ""


def _has_nul(form):
    return any("\0" in value for values in form.listvalues() for value in values)


def _decoded(data):
    return unquote_to_bytes(data).decode()
