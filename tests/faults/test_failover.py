"""Failover: two real servers, one address that leads to the one that is primary now; writes that never got across.

The address is a symbolic link to a server's socket, as a virtual address is to a machine.
"""

import pytest

from live.testing import TRANSPORTS
from tests.faults.conftest import notes_config
from tests.faults.notes_server import NotesServer
from tests.faults.open_pages import REPAIRED_S, complete
from tests.faults.redis_servers import RedisServer

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("faults-failover")]


class Pair:
    """Two servers, the second a replica of the first, and the address of whoever is primary."""

    def __init__(self, folder):
        self.folder = folder
        self.first, self.second = RedisServer(folder / "first"), RedisServer(folder / "second")
        self.address = folder / "primary.sock"
        self.url = f"unix://{self.address}?db=0"
        self.second.follow(self.first)
        self.point_at(self.first)

    def point_at(self, server):
        fresh = self.folder / "next.sock"
        fresh.symlink_to(server.folder / "redis.sock")
        fresh.rename(self.address)

    def end(self):
        for server in (self.first, self.second):
            server.end()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    pair = Pair(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.end()


@pytest.fixture
def site(pair, tmp_path):
    site = NotesServer(notes_config(tmp_path, pair.url), tmp_path / "gunicorn.log")
    yield site
    site.end()


@pytest.fixture
def pages(site, open_page):
    opened = [open_page(site, kind) for kind in TRANSPORTS]
    ids = site.post()
    return [page.until_shown(ids) for page in opened]


def test_a_failover_that_loses_writes_and_a_regular_way_back(pair, site, pages):
    pair.second.client.replicaof("127.0.0.1", 1)  # cut off: what is written now never gets across
    site.post(3)
    complete(site, pages)
    pair.second.lead()
    pair.point_at(pair.second)
    pair.first.kill()
    site.post(2)
    complete(site, pages)
    pair.first.start()
    pair.first.follow(pair.second)
    pair.first.lead()
    pair.point_at(pair.first)
    pair.second.follow(pair.first)  # nobody drops its connections: its refusals must send everybody away
    site.post(2)
    complete(site, pages)


def test_back_to_a_server_that_knows_nothing_of_the_time_between(pair, site, pages, open_page):
    """The old primary comes back with its old history, in which nothing is missing as far as it knows."""
    asleep = [open_page(site, kind) for kind in TRANSPORTS]
    for page in asleep:
        page.close()  # a tab that sleeps: it comes back with the position of the first server's time
    pair.second.lead()
    pair.point_at(pair.second)
    pair.first.drop_clients()
    between = site.post(3)
    complete(site, pages)
    site.grow_old()
    pair.point_at(pair.first)
    pair.second.drop_clients()
    for page in pages:
        page.until(was_repaired_and_lives(page), REPAIRED_S)
    for page in asleep:
        page.until_shown(between, REPAIRED_S)
    complete(site, pages)


def was_repaired_and_lives(page):
    resyncs, beats = page.resyncs, page.beats
    return lambda now: now.resyncs > resyncs and now.beats > beats + 1
