"""Password hashes: argon2id, as many at once as there are cores, never inside a transaction or on gevent's loop."""

import os
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from gevent import get_hub
from gevent.monkey import is_module_patched
from werkzeug.exceptions import ServiceUnavailable

# 19 MiB, two passes, one lane: OWASP's smallest advised setting, about 20 ms; memory for one per core at most.
HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
PATIENCE_S = 3
RETRY_AFTER_S = 5


def hashed(password):
    return _in_turn(HASHER.hash, password)


def matches(password_hash, password):
    """Is it the password? An account that does not exist (None) costs the same work, so time tells nothing."""
    try:
        return _in_turn(HASHER.verify, password_hash or _nobodys(), password) and password_hash is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def is_outdated(password_hash):
    """Was it made with other settings than ours of today?"""
    return HASHER.check_needs_rehash(password_hash)


@cache
def _nobodys():
    return HASHER.hash(os.urandom(16).hex())


@cache
def _slots():
    """Made at first use: an object from before gevent's patching would block the whole process."""
    return threading.BoundedSemaphore(os.cpu_count() or 1)


def _in_turn(function, *arguments):
    if not _slots().acquire(timeout=PATIENCE_S):
        raise ServiceUnavailable(retry_after=RETRY_AFTER_S)
    try:
        return _apart(function, *arguments)
    finally:
        _slots().release()


def _apart(function, *arguments):
    """Under gevent a native thread computes it: 20 ms in C would hold up every page and stream of the process."""
    if is_module_patched("threading"):
        return get_hub().threadpool.apply(function, arguments)
    return function(*arguments)
