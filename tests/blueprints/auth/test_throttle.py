"""Guessing is slow, for every attacker, and the owner gets in all the same. Time passes by taking counters away."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from blueprints.auth import DEMO_PASSWORD, User, passwords
from database import db
from tests.support import clients, databases

WRONG = "wrong"


def attempt(client, name="ada", password=WRONG, address=None):
    return client.post(
        "/login",
        data={"email": databases.email_of(name), "password": password},
        environ_overrides={"REMOTE_ADDR": address} if address else None,
    )


def statuses(client, times, **options):
    return [attempt(client, **options).status_code for _ in range(times)]


def let_seconds_pass(redis_client):
    """As if all waits of seconds were over; the windows of minutes and days go on."""
    for key in redis_client.scan_iter("LIMITS:*/second"):
        redis_client.delete(key)


def let_minutes_pass(redis_client):
    for key in redis_client.scan_iter("LIMITS:*"):
        if not key.endswith(b"/day"):
            redis_client.delete(key)


def test_after_five_failures_the_waits_grow(client, redis_client):
    assert statuses(client, 5) == [400] * 5
    begun = time.monotonic()
    for wait in (1, 2, 4, 8, 16, 32, 60, 60):
        refused = attempt(client)
        assert refused.status_code == 429
        passed = time.monotonic() - begun + 1  # Redis says whole seconds
        assert wait - passed <= int(refused.headers["Retry-After"]) <= wait + 1
        let_seconds_pass(redis_client)
        begun = time.monotonic()
        assert attempt(client).status_code == 400


def test_the_right_password_does_not_get_through_while_it_is_too_early(client, redis_client):
    statuses(client, 5)
    assert attempt(client, password=DEMO_PASSWORD).status_code == 429
    let_seconds_pass(redis_client)
    assert attempt(client, password=DEMO_PASSWORD).status_code == 303


def test_two_hundred_guesses_are_five(client):
    answers = statuses(client, 200)
    assert answers.count(400) <= 8
    assert set(answers) == {400, 429}


def test_guesses_at_the_same_time_are_counted_before_they_are_looked_at(app, costly_hashes):
    with app.app_context():
        User.find(databases.email_of("ada")).password_hash = costly_hashes.hash(DEMO_PASSWORD)
        db.session.commit()
    browsers = [clients.browser(app) for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = [answer.status_code for answer in pool.map(attempt, browsers)]
    assert answers.count(400) == 5
    assert answers.count(429) == 7


def test_an_attack_from_elsewhere_does_not_shut_out_the_owner(app):
    statuses(clients.browser(app), 30, address="198.51.100.7")
    assert attempt(clients.browser(app), password=DEMO_PASSWORD, address="203.0.113.1").status_code == 303


def test_an_attack_from_many_addresses_ends_at_a_hundred_and_the_owner_gets_in(app, redis_client):
    owner = clients.browser(app)
    clients.sign_in(owner, "ada")
    owner.post("/logout")
    attacker, answers = clients.browser(app), []
    for number in range(30):
        answers += statuses(attacker, 5, address=f"198.51.100.{number}")
    assert answers.count(400) == 100
    assert answers[-1] == 429
    let_minutes_pass(redis_client)
    assert attempt(attacker, password=DEMO_PASSWORD, address="198.51.100.200").status_code == 429
    assert attempt(owner, password=DEMO_PASSWORD).status_code == 303


def test_the_owner_is_not_slowed_by_an_attack_from_the_same_address(app):
    owner = clients.browser(app)
    clients.sign_in(owner, "ada")
    owner.post("/logout")
    statuses(clients.browser(app), 40)
    assert attempt(owner, password=DEMO_PASSWORD).status_code == 303


def test_a_known_browser_is_known_for_its_own_account_only(app):
    attacker = clients.browser(app)
    clients.sign_in(attacker, "mallory")
    attacker.post("/logout")
    assert statuses(attacker, 7, name="grace") == [400] * 5 + [429] * 2


@pytest.mark.parametrize("value", ["", "x", "x.y.z", "W10.abc", "bnVsbA.x"])
def test_an_invented_device_is_unknown(client, value):
    client.set_cookie("levain-device", value)
    assert statuses(client, 6) == [400] * 5 + [429]


def test_a_known_browser_may_not_guess_without_end_either(app):
    client = clients.browser(app)
    clients.sign_in(client, "ada")
    client.post("/logout")
    assert statuses(client, 7) == [400] * 5 + [429] * 2


def test_one_address_may_not_try_every_account(app, redis_client):
    client = clients.browser(app)
    answers = [attempt(client, name=f"person{number}").status_code for number in range(25)]
    assert answers == [400] * 20 + [429] * 5
    assert attempt(clients.browser(app), "grace", DEMO_PASSWORD).status_code == 429
    assert attempt(clients.browser(app), "grace", DEMO_PASSWORD, address="203.0.113.1").status_code == 303
    let_minutes_pass(redis_client)
    assert attempt(client, "grace", DEMO_PASSWORD).status_code == 303


def test_a_success_forgets_the_failures(app):
    client = clients.browser(app)
    statuses(client, 4)
    assert attempt(client, password=DEMO_PASSWORD).status_code == 303
    assert statuses(client, 5) == [400] * 5


def test_an_account_that_is_not_there_is_slowed_alike(client):
    assert statuses(client, 7, name="nobody") == [400] * 5 + [429] * 2


def test_the_current_password_cannot_be_guessed_in_the_account_either(as_user):
    ada = as_user("ada")
    guess = {"current": "wrong", "password": "a better one"}
    answers = [ada.post("/account/password", data=guess).status_code for _ in range(7)]
    assert answers == [400] * 5 + [429] * 2


def test_the_counters_hold_no_address_of_a_person(client, redis_client):
    statuses(client, 2)
    assert not [key for key in redis_client.scan_iter("*") if b"ada" in key]


def test_without_redis_the_tries_are_counted_in_memory(database_url, tmp_path):
    app = databases.site(database_url, f"unix://{tmp_path}/nothing.sock?db=0", tmp_path)
    app.logger.disabled = True
    client = clients.browser(app)
    assert statuses(client, 7, name="grace", address="203.0.113.77") == [400] * 5 + [429] * 2
    assert attempt(client, "ada", DEMO_PASSWORD, address="203.0.113.78").status_code == 303
    databases.close(app)


def test_new_accounts_are_limited_per_address(client):
    def sign_up(number, address):
        fields = {"name": "New", "email": f"new{number}@levain.test", "password": "eight or more"}
        return client.post("/signup", data=fields, environ_overrides={"REMOTE_ADDR": address}).status_code

    assert [sign_up(number, "198.51.100.7") for number in range(32)] == [303] * 30 + [429] * 2
    assert sign_up(40, "203.0.113.1") == 303


def test_when_every_core_is_hashing_the_next_one_is_asked_to_come_back(client, monkeypatch):
    monkeypatch.setattr(passwords, "PATIENCE_S", 0.01)
    slots = passwords._slots()
    taken = 0
    while slots.acquire(blocking=False):
        taken += 1
    try:
        answer = attempt(client, password=DEMO_PASSWORD)
    finally:
        for _ in range(taken):
            slots.release()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert attempt(client, password=DEMO_PASSWORD).status_code == 303
