"""Who is here: first tab in, last tab out, over all transports and processes; nobody flickers or haunts for long."""

import json
import time

import pytest

from live.log import Log, connect
from live.presence import LEASE_S, LINGER_S, TURN_S, Presence
from live.testing import TRANSPORTS, connection
from tests.faults.limits import in_time
from tests.live.conftest import Site

GONE_S = 3  # issue: a closed tab


class Process:
    """The presence of one process of a site, its clock in the test's hand."""

    def __init__(self, log):
        self.now, self.places = 0.0, set()
        self.presence = Presence(log, lambda: set(self.places), clock=lambda: self.now)

    def turn(self, *users, after=0.0):
        self.now += after
        self.places = {("t", user) for user in users}
        self.presence.turn()


@pytest.fixture
def log(spare_redis, broken_redis):
    log = Log(connect(spare_redis), "presence", 100)
    yield log
    log.client.close()


@pytest.fixture
def said(log):
    """said(): what was said on the channel since the last call, in order."""
    with log.client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(log.channel)
        channel.get_message(timeout=5)

        def read():
            found = []
            while message := channel.get_message(timeout=0.2):
                found.append(json.loads(json.loads(message["data"])["data"]))
            return found

        yield read


def test_all_places_are_gone_through_once_however_many_topics_there_are(log):
    looks = []

    class Places(set):
        def __iter__(self):
            looks.append(1)
            return super().__iter__()

    held = Places({(f"t{number % 9}", f"u{number}") for number in range(30)})
    presence = Process(log).presence
    presence._say_all({topic for topic, _ in set(held)}, held, Places(), LEASE_S)
    assert presence.users("t8") == ["u17", "u26", "u8"]
    assert len(looks) <= 3  # and once to see which topics there are


def test_the_first_tab_comes_and_the_last_tab_goes(log, said):
    one, two = Process(log), Process(log)
    one.turn("ada")
    two.turn("ada", "bob")
    assert said() == [["ada"], ["ada", "bob"]]
    one.turn()
    one.turn(after=LINGER_S)
    assert said() == []  # she is still there in the other process
    two.turn("bob")
    two.turn("bob", after=LINGER_S)
    assert said() == [["bob"]]
    two.turn()
    two.turn(after=LINGER_S)
    assert said() == [[]]


def test_a_reload_does_not_flicker(log, said):
    one, two = Process(log), Process(log)
    one.turn("ada")
    one.turn()
    one.turn("ada", after=LINGER_S - 0.1)
    one.turn()
    two.turn("ada")  # she comes back by another process
    one.turn(after=LINGER_S)
    assert said() == [["ada"]]


def test_a_poll_between_two_looks_counts(log, said):
    one = Process(log)
    one.presence.note({"t"}, "ada")
    one.turn()
    one.turn()
    one.turn(after=LINGER_S)
    assert said() == [["ada"], []]


def test_many_who_come_at_once_are_said_once(log, said):
    Process(log).turn(*(f"user{n}" for n in range(50)))
    assert [len(users) for users in said()] == [50]


def test_a_process_that_was_killed_is_forgotten_when_its_leases_end(log, said, broken_redis):
    one, two = Process(log), Process(log)
    one.turn("ada")
    two.turn("bob")
    (leases,) = broken_redis.keys("*:here:*")
    broken_redis.zadd(
        leases, {member: 1 for member in broken_redis.zrange(leases, 0, -1) if member.startswith("ada")}
    )
    two.turn("bob", after=LEASE_S)
    assert said() == [["ada"], ["ada", "bob"], ["bob"]]


def test_a_lease_that_is_renewed_does_not_end(log, broken_redis):
    one = Process(log)
    one.turn("ada")
    (leases,) = broken_redis.keys("*:here:*")
    ((member, first),) = broken_redis.zrange(leases, 0, -1, withscores=True)
    broken_redis.zadd(leases, {member: first - 1000 * LEASE_S / 2})
    one.turn("ada", after=LEASE_S / 2)
    ((_, renewed),) = broken_redis.zrange(leases, 0, -1, withscores=True)
    assert renewed >= first
    assert one.presence.users("t") == ["ada"]


def test_keys_of_a_wrong_type_heal(log, said, broken_redis):
    one = Process(log)
    one.turn("ada")
    for key in broken_redis.keys("live:*"):
        broken_redis.delete(key)
        broken_redis.rpush(key, "not ours")
    one.turn("ada", "bob")
    assert said() == [["ada"], ["ada", "bob"]]
    assert one.presence.users("t") == ["ada", "bob"]


# -- the real thing: two gunicorns, three transports ------------------------------------------------------


@pytest.fixture(scope="module")
def two_sites(live_redis, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presence")
    sites = [
        Site(live_redis, folder / f"{n}.log", LIVE_SPACE="presence", LIVE_POLL_WAIT_S=2) for n in range(2)
    ]
    yield sites
    for site in sites:
        site.stop()


@pytest.fixture
def enter():
    """enter(site, "stream", topic, "ada"): a page open by that transport."""
    clients = []

    def open_page(site, kind, topic, user):
        html, headers = site.page(topic, user=user, session_id=f"{user}-{topic}")
        clients.append(TRANSPORTS[kind](site.url, headers).connect(connection(html)))
        return clients[-1]

    yield open_page
    for client in clients:
        client.close()


BEATS = int(2 * (LINGER_S + TURN_S) / 0.5)


def here(client, wanted, within_s):
    """Reads what a page is told until these users are there; how long it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < within_s:
        event = client.next(within_s)
        if event.name == "live:presence" and json.loads(event.data) == sorted(wanted):
            return time.monotonic() - begun
    raise AssertionError(f"not {wanted} within {within_s} s")


@pytest.mark.long
@pytest.mark.parametrize("kind", list(TRANSPORTS))
def test_somebody_is_seen_from_another_process_and_gone_three_seconds_after_closing(two_sites, enter, kind):
    topic = f"rooms:room:{list(TRANSPORTS).index(kind)}"
    watcher = enter(two_sites[0], "stream", topic, "ada")
    here(watcher, ["ada"], in_time(3))
    guest = enter(two_sites[1], kind, topic, "bob")
    here(watcher, ["ada", "bob"], in_time(3))
    guest.close()
    here(watcher, ["ada"], in_time(GONE_S))


def reload(sites, enter, topic):
    enter(sites[0], "stream", topic, "bob").close()
    enter(sites[1], "stream", topic, "bob")


def another_transport(sites, enter, topic):
    for kind in ("socket", "poll"):
        enter(sites[0], kind, topic, "bob").close()
    enter(sites[0], "stream", topic, "bob")


def second_tab(sites, enter, topic):
    enter(sites[1], "socket", topic, "bob")
    enter(sites[0], "poll", topic, "bob").close()


@pytest.mark.long
@pytest.mark.parametrize("change", [reload, another_transport, second_tab])
def test_whoever_comes_back_at_once_was_never_away(two_sites, enter, change):
    topic = f"rooms:room:{10 + [reload, another_transport, second_tab].index(change)}"
    watcher = enter(two_sites[0], "stream", topic, "ada")
    guest = enter(two_sites[1], "stream", topic, "bob")
    here(watcher, ["ada", "bob"], in_time(3))
    guest.close()
    change(two_sites, enter, topic)
    heard = [watcher.next() for _ in range(BEATS)]  # twice as long as a lease lingers
    assert [event.data for event in heard if event.name == "live:presence"] == []
