"""Guessing passwords is made slow without locking anybody out (FAULTS 3.6).

Tries are counted before the password is looked at, so a hundred at once are a hundred. Per account and address: four
for nothing, then one each 1, 2, 4 .. 60 s. Per address: 20 failures in 15 minutes. Per account: 100 in a row from
browsers that never signed in to it; those that did carry a signed cookie and are counted by themselves, so whoever
attacks an account cannot shut out its owner. Counted in Redis; in this process while Redis is away.
"""

import hashlib
import secrets
import time

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from limits import RateLimitItemPerDay, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError
from werkzeug.exceptions import TooManyRequests

from extensions import limiter

FREE = RateLimitItemPerMinute(4, 15)
SLOWED = RateLimitItemPerMinute(1000, 15)
PER_ADDRESS = RateLimitItemPerMinute(20, 15)
PER_ACCOUNT = RateLimitItemPerDay(100)
MAX_DELAY_S = 60
REDIS_REST_S = 5
DEVICE_LIFE_S = 365 * 86400


class Tally:
    """The counters of `limits`, in Redis where it answers; after an error it is left alone for some seconds."""

    def __init__(self):
        self._memory = FixedWindowRateLimiter(MemoryStorage())
        self._redis_from = 0.0

    def forget(self):
        """What was counted here; what Redis has counted stays."""
        self._memory.storage.reset()
        self._redis_from = 0.0

    def ask(self, verb, item, *keys, **options):
        if time.monotonic() >= self._redis_from:
            try:
                return getattr(limiter.limiter, verb)(item, "levain", *keys, **options)
            except (RedisError, OSError) as error:
                current_app.logger.warning("sign-in tries are counted in memory: %s", error)
                self._redis_from = time.monotonic() + REDIS_REST_S
        return getattr(self._memory, verb)(item, "levain", *keys, **options)


tally = Tally()


class Attempt:
    """One try to give the password of one account, from one browser."""

    def __init__(self, email, device=None):
        account = _digest(email)
        device = device or _known_device(account)
        self.account = ("account", account)
        self.address = ("address", request.remote_addr or "")
        self.pair = ("try", account, device or self.address[1])
        self.known = device is not None

    def begin(self):
        """429 with Retry-After where it is too early; else the try is counted and may go on."""
        if not self.known and not tally.ask("test", PER_ADDRESS, *self.address):
            raise _too_early(PER_ADDRESS, *self.address)
        if not tally.ask("hit", FREE, *self.pair):
            self._wait_for_turn()
        if not self.known and not tally.ask("hit", PER_ACCOUNT, *self.account):
            raise _too_early(PER_ACCOUNT, *self.account)

    def failed(self):
        if not self.known:
            tally.ask("hit", PER_ADDRESS, *self.address)

    def succeeded(self):
        for item, keys in ((FREE, self.pair), (SLOWED, self.pair), (PER_ACCOUNT, self.account)):
            tally.ask("clear", item, *keys)

    def _wait_for_turn(self):
        """Each turn is a counter of one that is used up by the turn before, for as long as the wait is."""
        turn = SLOWED.amount - tally.ask("get_window_stats", SLOWED, *self.pair).remaining
        if not tally.ask("hit", _delay(turn), *self.pair, str(turn)):
            raise _too_early(_delay(turn), *self.pair, str(turn))
        tally.ask("hit", _delay(turn + 1), *self.pair, str(turn + 1))
        tally.ask("hit", SLOWED, *self.pair)


def remember_device(response, email):
    """This browser has given the right password once: strangers' failures do not slow it down any more."""
    response.set_cookie(
        _cookie_name(),
        _signer().dumps([_digest(email), secrets.token_urlsafe(12)]),
        max_age=DEVICE_LIFE_S,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
    return response


def _known_device(account):
    try:
        owner, device = _signer().loads(request.cookies.get(_cookie_name(), ""))
    except (BadSignature, ValueError):
        return None
    return device if owner == account else None


def _signer():
    keys = [*(current_app.config["SECRET_KEY_FALLBACKS"] or []), current_app.config["SECRET_KEY"]]
    return URLSafeSerializer(keys, salt="levain-device")


def _cookie_name():
    return current_app.config["SESSION_COOKIE_NAME"] + "-device"


def _digest(email):
    """Neither Redis nor a cookie need know the address."""
    return hashlib.sha256(email.encode()).hexdigest()[:32]


def _delay(turn):
    """Turn 0 is the fifth try, at once; the sixth comes a second later, then 2, 4 .. 60."""
    return RateLimitItemPerSecond(1, min(MAX_DELAY_S, 2 ** max(0, min(turn, 7) - 1)))


def _too_early(item, *keys):
    reset = tally.ask("get_window_stats", item, *keys).reset_time
    return TooManyRequests(retry_after=max(1, int(reset - time.time()) + 1))
