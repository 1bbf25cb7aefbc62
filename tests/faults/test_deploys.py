"""Deploys, with the production command: nobody's post fails, every page is told, and is complete on the new process."""

import http.client
import json
import os
import signal
import time
from types import SimpleNamespace
from uuid import uuid4

import psutil
import pytest

from live.testing import TRANSPORTS, Ended
from tests.faults.limits import in_time
from tests.faults.meanwhile import meanwhile
from tests.faults.open_pages import OpenPage, complete
from tests.faults.real_site import RealSite

EXIT_S = 30  # gunicorn.conf.py: graceful_timeout
DEPLOYS = int(os.environ.get("LEVAIN_DEPLOYS", "1"))
SETTLED_S = 5  # longer than somebody who does not come back stays (live/presence.py)
POSTS_PER_S = 20
ROOM = "/chat/rooms/1"

pytestmark = [
    pytest.mark.xdist_group("faults-deploys"),
    pytest.mark.long,
    pytest.mark.timeout(180 + 60 * DEPLOYS),
]


@pytest.fixture(scope="module")
def site(own_redis, run_folder, tmp_path_factory):
    site = RealSite(
        run_folder, tmp_path_factory.mktemp("deploys"), own_redis.url, LIVE_BEAT_S=1, LIVE_POLL_WAIT_S=1
    )
    yield site
    site.end()


def post(person, redis):
    """What became of a message on a connection of its own: the status, or how it broke."""
    for counted in redis.scan_iter("*/chat-post/*"):  # nobody may post as often
        redis.delete(counted)
    try:
        token = uuid4().hex
        return person.post(f"{ROOM}/messages", text=token, token=token)[0]
    except (OSError, http.client.HTTPException) as error:
        return repr(error)


@pytest.fixture
def pages(site, ada, open_page):
    return [open_page(site, kind, ROOM) for kind in TRANSPORTS]


def restart(site):
    """As systemd does with a socket of its own: a new master on the same socket, then SIGTERM for the old one."""
    old, _ = site.processes[-1], site.start()
    old.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    return lambda: (old.wait(in_time(EXIT_S)), time.monotonic() - begun)[1]


def reload(site):
    """SIGHUP to the master, which keeps the socket and replaces its workers."""
    master = psutil.Process(site.processes[-1].pid)
    (old,) = master.children()
    begun = time.monotonic()
    master.send_signal(signal.SIGHUP)
    return lambda: (old.wait(in_time(EXIT_S)), time.monotonic() - begun)[1]


@pytest.mark.parametrize("deploy", [restart, reload])
def test_no_post_fails_and_every_page_is_complete_after(site, ada, pages, own_redis, deploy):
    statuses = []
    with meanwhile(lambda: statuses.append(post(ada, own_redis.client)), 1 / POSTS_PER_S):
        for _ in range(DEPLOYS):
            before = {page: page.reconnects for page in pages}
            wait_for_exit = deploy(site)
            for page in pages:
                if page.kind != "poll":  # that may find the new process without ever having heard of it
                    page.until(lambda page, before=before: page.reconnects > before[page], EXIT_S)
            assert wait_for_exit() < in_time(EXIT_S)
    assert set(statuses) == {303}, statuses
    complete(site, pages)
    for page in pages:
        for bye in page.byes:
            said = json.loads(bye.data)
            assert said["reason"] == "restart"
            assert 0 < said["retry"] <= 5000


@pytest.mark.parametrize("kind", list(TRANSPORTS))
def test_nobody_who_is_here_flickers(site, ada, open_page, kind):
    grace = site.sign_in("grace")
    both = {ada.user_id(), grace.user_id()}
    watcher = open_page(site, "stream", ROOM)
    guest = open_page(SimpleNamespace(url=site.url, ask=site.ask, headers=grace.headers), kind, ROOM)
    with meanwhile(watcher.step), meanwhile(guest.step):
        until(lambda: watcher.present and watcher.present[-1] >= both)
        said = len(watcher.present)
        wait_for_exit = restart(site)
        until(lambda: watcher.reconnects)
        beats = watcher.beats
        until(lambda: watcher.beats > beats + SETTLED_S)  # one a second
        wait_for_exit()
    assert all(present >= both for present in watcher.present[said:]), watcher.present


def until(condition):
    give_up = time.monotonic() + in_time(EXIT_S)
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)  # other threads look


def test_a_websocket_is_closed_with_the_code_for_a_restart_and_returns_are_spread(site, ada):
    opened = [OpenPage(site, "socket", ROOM) for _ in range(5)]
    restart(site)()
    codes, retries = set(), set()
    for page in opened:
        with page.client as client:
            code, retry = ending(client)
        codes.add(code)
        retries.add(retry)
    assert codes == {1012}
    assert len(retries) > 1


def ending(client):
    retry = None
    while True:
        try:
            event = client.next()
        except Ended as ended:
            return ended.code, retry
        if event.name == "live:bye":
            retry = json.loads(event.data)["retry"]


def test_an_idle_connection_of_a_browser_does_not_hold_up_the_exit(site, ada):
    """Browsers keep theirs open for minutes; a worker that waits for them would be killed with posts under way."""
    web = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    try:
        web.request("GET", "/login")
        web.getresponse().read()
        assert restart(site)() < in_time(10)
    finally:
        web.close()
