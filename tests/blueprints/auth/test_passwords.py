"""Hashes: argon2id, the same work for whoever is not there, and without stopping gevent's loop."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from blueprints.auth import DEMO_PASSWORD, User
from blueprints.auth.passwords import hashed, is_outdated, matches
from database import db
from tests.support import clients

ROOT = Path(__file__).parents[3]
SAMPLES = 8
pytestmark = pytest.mark.usefixtures("costly_hashes")


def test_a_hash_is_argon2id_and_new_each_time():
    assert extract_parameters(hashed("a password")).type == Type.ID
    assert hashed("a password") != hashed("a password")


def test_only_the_password_matches():
    stored = hashed("a password")
    assert matches(stored, "a password") is True
    assert matches(stored, "A password") is False
    assert matches("not a hash", "a password") is False


def test_nobody_has_a_password():
    assert matches(None, "a password") is False


def test_whoever_is_not_there_costs_as_much_as_a_wrong_password():
    """The least of some tries in turns: what else the machine does only adds to a time."""
    tries = {hashed("a password"): [], None: []}
    for _ in range(SAMPLES):
        for password_hash, times in tries.items():
            start = time.process_time()
            matches(password_hash, "wrong")
            times.append(time.process_time() - start)
    there, not_there = (min(times) for times in tries.values())
    assert 0.7 < not_there / there < 1.4


def test_a_hash_of_older_settings_is_renewed_when_the_password_is_given(app, client):
    with app.app_context():
        old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(DEMO_PASSWORD)
        User.find("ada@levain.test").password_hash = old
        db.session.commit()
    assert clients.sign_in(client, "ada").status_code == 303
    with app.app_context():
        renewed = User.find("ada@levain.test").password_hash
    assert renewed != old
    assert not is_outdated(renewed)
    assert matches(renewed, DEMO_PASSWORD)


BESIDE = """
from gevent import monkey; monkey.patch_all()
import gevent
from blueprints.auth import passwords
from argon2 import PasswordHasher
passwords.HASHER = PasswordHasher(time_cost=40, memory_cost=19456, parallelism=1)
turns = 0
def count():
    global turns
    while True:
        turns += 1
        gevent.sleep(0.001)
counter = gevent.spawn(count)
gevent.spawn(passwords.hashed, "a password").join()
counter.kill()
print(turns)
"""


def test_under_gevent_other_greenlets_go_on_while_a_hash_is_computed():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", BESIDE], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 20
