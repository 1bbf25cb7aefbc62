"""A network that dies without a word: nothing is closed, and yet the server forgets who is gone, and tells others."""

import json
import socket
import time
from dataclasses import replace

import pytest

from live.testing import SocketClient, StreamClient, connection
from tests.faults.limits import in_time
from tests.live.conftest import Site

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]

FORGOTTEN_S = 45  # DESIGN 4.6; presence: issue 3, item 7
TOPIC = "rooms:room:7"


@pytest.fixture
def site(far, own_redis, tmp_path):
    config = {
        "LIVE_SPACE": "half-open",
        "LIVE_BEAT_S": 5,
        "LIVE_POLL_WAIT_S": 10,
    }  # those of production, but for the poll's
    site = Site(own_redis.url, tmp_path / "log", host=far.near, **config)
    yield site
    site.stop()


def counters(site):
    return json.loads(site.ask("GET", "/readers")[2])


def here(client, wanted, within_s):
    """Follows a page until it is told that exactly these are here."""
    give_up = time.monotonic() + within_s
    while (left := give_up - time.monotonic()) > 0:
        event = client.next(left)
        if event.name == "live:presence" and json.loads(event.data) == wanted:
            return
    pytest.fail(f"not {wanted} within {within_s} s")


def poll(site, page, headers):
    """One that waits at the server, and never reads; whoever is here it knows already."""
    page = replace(page, seen=str(int(time.time() * 1000) + 30_000))
    plug = socket.create_connection((site.host, site.port))
    lines = [
        f"GET {page.address('poll')} HTTP/1.1",
        "Host: x",
        *(f"{k}: {v}" for k, v in headers.items()),
        "",
        "",
    ]
    plug.sendall("\r\n".join(lines).encode())
    return plug


def until(condition, within_s):
    give_up = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up, f"not within {within_s} s"
        time.sleep(0.1)  # another process is asked


def test_who_is_cut_off_in_silence_is_forgotten_with_everything_it_held(site, far):
    html, headers = site.page(TOPIC)
    with StreamClient(site.url, headers).connect(connection(html)) as watcher:
        here(watcher, ["ada"], in_time(5))
        readers, files = counters(site)["readers"], site.worker.num_fds()
        his, headers = site.page(TOPIC, user="bob")
        page = connection(his)
        with far.inside():
            gone = [kind(site.url, headers).connect(page) for kind in (StreamClient, SocketClient)]
        here(watcher, ["ada", "bob"], in_time(5))
        with far.inside():
            gone.append(poll(site, page, headers))
        until(lambda: counters(site)["readers"] == readers + 3, in_time(5))
        far.pull()
        here(watcher, ["ada"], in_time(FORGOTTEN_S))
        until(lambda: counters(site)["readers"] == readers, in_time(5))
        until(lambda: site.worker.num_fds() <= files, in_time(5))
        for each in gone:
            each.close()
