"""How fast one person may post: thirty a minute, ten at once; and how large what they send may be.

The WebSocket has an allowance of its own for each connection (live/transports/commands.py); its messages are no
larger than MAX_POST_BYTES either.
"""

from contextlib import contextmanager

from flask import render_template, request
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import RequestEntityTooLarge, TooManyRequests

from blueprints.auth.throttle import tally
from blueprints.chat import bp
from database import db, only_reading

PER_MINUTE, AT_ONCE = RateLimitItemPerMinute(30), RateLimitItemPerSecond(10, 10)
PICTURES = RateLimitItemPerMinute(10)
NOTES = RateLimitItemPerMinute(240)  # typing, reading: small, but not for nothing
MAX_POST_BYTES = 64 * 1024
MAX_PICTURE_BYTES = 8_000_000
TOO_LARGE = "What you sent is too large: a message may have 64 KiB, a picture 8 MB. Nothing was changed."
TOO_FAST = "That was too fast: ten messages at once, thirty a minute. It was not sent; try again in a moment."
RETRY_AFTER_S = 10


def slow_down(user, *items, what):
    """429 when somebody has done it too often."""
    for item in items:
        if not tally.ask("hit", item, what, str(user.id)):
            raise TooManyRequests(TOO_FAST, retry_after=RETRY_AFTER_S)


@contextmanager
def one_post(user):
    """429 when it is one too many; given back where the database had no time for it, for it will be tried again."""
    slow_down(user, PER_MINUTE, AT_ONCE, what="chat-post")
    user_id = str(user.id)
    try:
        yield
    except (OperationalError, PoolTimeout):
        db.session.rollback()  # no connection waits for Redis
        for item in (PER_MINUTE, AT_ONCE):
            tally.ask("hit", item, "chat-post", user_id, cost=-1)
        raise


def bound_body(endpoint, _values):
    """Before anything reads the body: 413 for what is larger. Only a picture may be."""
    if endpoint and endpoint.startswith("chat.") and request.method == "POST":
        with_file = request.mimetype == "multipart/form-data"
        request.max_content_length = MAX_PICTURE_BYTES if with_file else MAX_POST_BYTES


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error):
    """In the words of this feature: its limits are not the site's."""
    return _answer(413, "Too large", TOO_LARGE, {})


@bp.errorhandler(TooManyRequests)
def too_fast(error):
    return _answer(429, "Too fast", TOO_FAST, {"Retry-After": str(error.retry_after)})


def _answer(code, title, sentence, headers):
    template = "_error.html" if "HX-Request" in request.headers else "error.html"
    error = {"code": code, "title": title, "sentence": sentence}
    with only_reading():
        return render_template(template, error=error), code, headers
