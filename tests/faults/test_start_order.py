"""Redis, web and worker started in any order, as after a reboot: ready within half a minute, without anybody's help."""

import itertools
import time

import pytest

from live.testing import TRANSPORTS
from tests.faults.limits import in_time
from tests.faults.open_pages import OpenPage
from tests.faults.real_site import RealSite
from tests.faults.redis_servers import RedisServer
from tests.faults.test_jobs import posted, until_done
from tests.support import server

pytestmark = [pytest.mark.xdist_group("faults-start"), pytest.mark.long, pytest.mark.timeout(240)]

READY_S = 30
ORDERS = list(itertools.permutations(["redis", "web", "worker"]))
ROOM = "/chat/rooms/1"


@pytest.fixture
def redis(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.stop()
    yield server
    server.end()


@pytest.fixture
def site(redis, run_folder, tmp_path):
    site = RealSite(run_folder, tmp_path, redis.url, LIVE_BEAT_S=1, LIVE_POLL_WAIT_S=1, started=False)
    yield site
    site.end()


@pytest.fixture
def start(redis, site, tmp_path):
    """start("web"): without waiting until it is ready."""
    workers = []
    ways = {
        "redis": redis.start,
        "web": site.launch,
        "worker": lambda: workers.append(server.start(["worker.py"], site.settings, tmp_path / "worker.log")),
    }
    yield lambda name: ways[name]()
    for worker in workers:
        server.stop(worker)


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_in_any_order_the_site_is_ready_soon(site, start, order):
    begun = time.monotonic()
    for name in order:
        start(name)
    ada = site.sign_in("ada")
    site.headers = ada.headers
    until_done(ada, [posted(ada)])
    pages = [OpenPage(site, kind, ROOM) for kind in TRANSPORTS]
    try:
        for page in pages:
            page.until(lambda page: page.fresh, READY_S)
    finally:
        for page in pages:
            page.close()
    assert time.monotonic() - begun < in_time(READY_S)
