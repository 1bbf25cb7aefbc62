"""Web processes that are killed, or hang: whoever was connected comes back by its position, and nothing is lost."""

import psutil
import pytest

from live.testing import TRANSPORTS
from live.testing.faults import asleep, kill
from tests.faults.conftest import notes_config
from tests.faults.limits import in_time
from tests.faults.notes_server import NotesServer
from tests.faults.open_pages import REPAIRED_S, complete

pytestmark = [pytest.mark.xdist_group("faults-processes"), pytest.mark.long, pytest.mark.timeout(180)]

HANGS_S = (
    20  # gunicorn's time-out here, 60 in production; a busy machine needs some of it for the start alone
)


@pytest.fixture(scope="module")
def site(own_redis, tmp_path_factory):
    """Two web processes, replaced by gunicorn when they are gone or silent."""
    folder = tmp_path_factory.mktemp("processes")
    options = ["--workers", "2", "--timeout", str(HANGS_S)]
    site = NotesServer(notes_config(folder, own_redis.url), folder / "gunicorn.log", *options)
    yield site
    site.end()


@pytest.fixture
def pages(site, open_page):
    """Two on each transport, so that there are some on each process."""
    opened = [open_page(site, kind) for kind in TRANSPORTS for _ in range(2)]
    ids = site.post()
    for page in opened:
        page.until_shown(ids)
    return opened


def test_web_processes_that_are_killed_lose_nothing(site, pages):
    for worker in site.workers():
        kill(worker.pid)
    ids = site.post(3)  # the socket is the master's, so it only has to wait
    for page in pages:
        page.until_shown(ids, REPAIRED_S)
    complete(site, pages)


def test_a_master_that_is_killed_is_started_again_and_nothing_is_lost(site, pages):
    before = site.workers()
    site.post()
    kill(site.process.pid)
    site.process.wait()
    site.start()  # what systemd does; the socket is its own
    site.post(3)
    complete(site, pages)
    psutil.wait_procs(before, in_time(10))  # they notice by themselves that their master is gone
    assert not any(worker.is_running() for worker in before)


def test_a_web_process_that_hangs_is_replaced_and_the_other_serves_meanwhile(site, pages):
    hung, _ = site.workers()
    with asleep(hung.pid):
        ids = site.post(3)
        hung.wait(in_time(2 * HANGS_S + 2))
    for page in pages:
        page.until_shown(ids, REPAIRED_S)
    complete(site, pages)
    assert hung.pid not in {worker.pid for worker in site.workers()}
