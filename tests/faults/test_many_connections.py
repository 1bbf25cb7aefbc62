"""A thousand open pages beside ordinary ones, and a process that has no file descriptors left for more."""

import json
import resource
import time

import pytest

from live.testing import Refused, StreamClient, connection
from tests.faults.limits import in_time
from tests.live.conftest import Site
from tests.live.test_sockets import Wire

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]

OPEN = 1000
PAGES = 60
PAGE_S = 0.3  # p95 (FAULTS 2.2)
LEFT = 20  # descriptors that the process may still open
TOPIC = "notes:list:many"


@pytest.fixture
def site(own_redis, tmp_path):
    config = {"LIVE_SPACE": "many", "LIVE_MAX_STREAMS_PER_USER": 2 * OPEN, "LIVE_BEAT_S": 2}
    site = Site(own_redis.url, tmp_path / "log", **config)
    yield site
    site.stop()


@pytest.fixture
def page(site):
    html, headers = site.page(TOPIC)
    return connection(html), headers


def test_pages_are_served_beside_a_thousand_open_ones(site, page):
    address, headers = page[0].address("stream"), page[1]
    threads = site.worker.num_threads()
    wires = [Wire(site, address, headers) for _ in range(OPEN)]
    try:
        took = sorted(timed(site) for _ in range(PAGES))
        assert took[int(0.95 * PAGES)] < in_time(PAGE_S), took[-5:]
        assert json.loads(site.ask("GET", "/readers")[2])["readers"] == OPEN
        assert site.worker.num_threads() <= threads + 1
        for wire in (wires[0], wires[-1]):
            assert wire.until("live:beat")
    finally:
        for wire in wires:
            wire.plug.close()


def timed(site):
    begun = time.monotonic()
    site.page(TOPIC)
    return time.monotonic() - begun


def test_without_descriptors_new_ones_are_refused_old_ones_live_and_it_recovers(site, page):
    with StreamClient(site.url, page[1]).connect(page[0]) as old:
        old.next()
        pid, files = site.worker.pid, site.worker.num_fds()
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (files + LEFT, hard))
        opened, refused = [], []
        try:
            while len(refused) < 3:
                assert len(opened) <= LEFT
                client = StreamClient(site.url, page[1])
                try:
                    opened.append(client.connect(page[0]))
                except (Refused, OSError) as error:
                    refused.append(getattr(error, "status", 0))
            beats = 0
            while beats < 2:
                beats += old.next().name == "live:beat"
        finally:
            for client in opened:
                client.close()
        assert set(refused) <= {503, 0}  # 0: nobody was there to answer
        back(site, page)
        assert old.next(in_time(10)).name == "live:beat"


def back(site, page):
    """A new page is connected again, without anybody's help."""
    give_up = time.monotonic() + in_time(15)
    while time.monotonic() < give_up:
        try:
            with StreamClient(site.url, page[1]).connect(page[0]) as client:
                assert client.next().name == "live:open"
                return
        except (Refused, OSError):
            time.sleep(0.1)  # the old ones are being noticed
    pytest.fail("no new connection although descriptors are free")
