"""Who has missed nothing inside the window is never told to start over; who may have missed something always is."""

import pytest

from live.position import read
from live.testing import TRANSPORTS, connection
from tests.faults.conftest import notes_config
from tests.faults.limits import until
from tests.faults.notes_server import NotesServer

pytestmark = pytest.mark.xdist_group("faults-redis")

WINDOW = 60
QUIET, BUSY = 2, 1


@pytest.fixture(scope="module")
def site(own_redis, tmp_path_factory):
    folder = tmp_path_factory.mktemp("window")
    config = notes_config(folder, own_redis.url, LIVE_SPACE="window", LIVE_HISTORY_EVENTS=WINDOW)
    site = NotesServer(config, folder / "gunicorn.log")
    yield site
    site.end()


@pytest.fixture
def pages(site, open_page):
    """On the quiet list, one on each transport; whatever a first page of a cold process needed is behind them."""
    opened = [open_page(site, kind, f"/notes/{QUIET}") for kind in TRANSPORTS]
    for page in opened:
        page.until(lambda page: page.beats)
        page.resyncs = 0
    return opened


def position(site):
    """The number up to which the site's process has everything."""
    return read(connection(site.ask("GET", f"/notes/{BUSY}", headers=site.headers)[2]).position).n


def test_a_quiet_page_in_a_busy_space_stays_provable(site, pages):
    for _ in range(3):
        head = site.app.live.log.head().n + WINDOW - 10
        site.post(WINDOW - 10, number=BUSY)
        for page in pages:
            page.until(lambda page, head=head: read(page.page.position).n >= head)
    for page in pages:
        page.close()
    ids = site.post(number=QUIET)
    for page in pages:
        page.until_shown(ids)
        assert (page.kind, page.resyncs, page.wrong) == (page.kind, 0, [])


def test_who_was_away_for_less_than_the_window_gets_what_happened_and_no_resync(site, pages):
    for page in pages:
        page.close()
    ids = site.post(WINDOW // 4, number=QUIET) + site.post(WINDOW // 4, number=QUIET)
    for page in pages:
        page.until_shown(ids)
        assert (page.kind, page.resyncs, page.wrong) == (page.kind, 0, [])


def test_who_was_away_for_longer_is_told(site, pages):
    for page in pages:
        page.close()
    head = position(site)
    ids = site.post(WINDOW // 2, number=QUIET)
    for _ in range(2):
        site.post(WINDOW // 2 + 1, number=BUSY)
    until(
        lambda: position(site) > head + WINDOW
    )  # the relay may be behind the answers, and the site behind the log
    for page in pages:
        page.until_shown(ids)
        assert page.resyncs == 1


def test_a_connection_to_redis_that_drops_costs_nobody_a_resync(site, own_redis, pages):
    own_redis.drop_clients()
    ids = site.post(3, number=QUIET)
    for page in pages:
        page.until_shown(ids)
        assert (page.kind, page.resyncs, page.wrong) == (page.kind, 0, [])
