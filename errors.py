"""Errors as people see them: a page, or a fragment for htmx, streams and WebSockets; never a stack trace.

htmx swaps what it gets, so an error page must not land in a list item. The page of a database that is down asks it
nothing. `create_app` binds this; it imports only the database, to end a broken transaction before rendering.
"""

from dataclasses import dataclass
from http import HTTPStatus

from flask import current_app, g, redirect, render_template, request, url_for
from flask_login import AnonymousUserMixin
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from database import db, only_reading

RETRY_AFTER_S = 5
# In our words where the standard's are for developers.
TITLES = {
    403: "Not for you",
    404: "Not found",
    413: "Too large",
    429: "Too many tries",
    500: "Something broke",
    503: "One moment",
}
SENTENCES = {
    400: "The request could not be understood. Nothing was changed.",
    401: "Please sign in first.",
    403: "You may not see or do this.",
    404: "There is nothing at this address, or it is not yours.",
    405: "This address does not answer that kind of request.",
    409: "Somebody else was faster. Look at the page again before you repeat it.",
    413: "What you sent is too large. One megabyte is the limit.",
    429: "Too many tries in a short time. Wait a little, then try again.",
    500: "Something broke on our side. It has been written down.",
    503: "The site is busy or its database is away. Nothing was changed; try again in a moment.",
}


@dataclass(frozen=True)
class Error:
    """What templates/error.html and _error.html show."""

    code: int
    title: str
    sentence: str


def init_app(app):
    app.register_error_handler(HTTPException, answer_http)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, answer_unavailable)
    app.register_error_handler(DataError, answer_refused(400))
    app.register_error_handler(IntegrityError, answer_refused(409))


def wants_page():
    """False for requests whose answer a script reads: htmx, event streams, long-polls, WebSocket handshakes."""
    script = (
        "HX-Request" in request.headers or "Upgrade" in request.headers or request.path.startswith("/live/")
    )
    return not script and request.accept_mimetypes.best != "text/event-stream"


def answer_http(error):
    if error.code == 401 and wants_page():
        return ask_to_sign_in()
    own_words = error.description if error.description != type(error).description else None
    headers = [
        (name, value) for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")
    ]
    if error.code >= 500:
        _end_transaction()
    return _answer(error.code, own_words if error.code in (400, 403, 409) else None, headers)


def ask_to_sign_in():
    """A person is led to the sign-in page and back; a script never is: it would take the page for its answer."""
    came_from = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.login", next=came_from), 303)


def answer_unavailable(error):
    """A locked SQLite file, a PostgreSQL that is away, no free connection: a moment later it may work."""
    current_app.logger.warning("503 for %s: %s", request.path, error)
    _end_transaction()
    return _answer(503, None, [("Retry-After", str(RETRY_AFTER_S))])


def answer_refused(code):
    """The database refused a value, or a conflict that a view did not foresee: the client's fault, yet worth a line."""

    def answer(error):
        current_app.logger.warning("%s for %s: %s", code, request.path, type(error.orig).__name__)
        db.session.rollback()
        return _answer(code, None, [])

    return answer


def _end_transaction():
    db.session.rollback()
    g._login_user = (
        AnonymousUserMixin()
    )  # where flask-login keeps it: loading the user would ask the database again


def _answer(code, sentence, headers):
    error = Error(
        code, TITLES.get(code, HTTPStatus(code).phrase), sentence or SENTENCES.get(code, "This did not work.")
    )
    template = "error.html" if wants_page() else "_error.html"
    with only_reading():
        return render_template(template, error=error), code, headers
