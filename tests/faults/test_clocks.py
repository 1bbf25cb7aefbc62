"""The clock of one web process jumps by an hour, forth and back, beside one that is right: nobody is late for it."""

import pytest

from live.testing import TRANSPORTS
from tests.faults.conftest import notes_config
from tests.faults.notes_server import NotesServer
from tests.faults.open_pages import complete

pytestmark = [pytest.mark.xdist_group("faults-clocks"), pytest.mark.long, pytest.mark.timeout(180)]

HOUR_S = 3600


@pytest.fixture
def clock(tmp_path):
    """A file: by how many seconds the first site's clock is wrong."""
    path = tmp_path / "clock"
    path.write_text("0")
    return path


@pytest.fixture
def sites(own_redis, tmp_path, clock):
    """Two on one database: the first holds the relay's lease, and its clock is that of the file."""
    config = notes_config(tmp_path, own_redis.url, LIVE_SPACE="clocks")
    sites = [NotesServer(config | {"CLOCK": str(clock)}, tmp_path / "first.log")]
    sites.append(NotesServer(config, tmp_path / "second.log"))
    yield sites
    for site in sites:
        site.end()


@pytest.fixture
def pages(sites, open_page):
    opened = [open_page(site, kind) for site in sites for kind in TRANSPORTS]
    for page in opened:
        page.until(lambda page: page.fresh)
    return opened


def test_a_clock_that_jumps_changes_nothing_for_any_page(sites, clock, pages):
    for step, wrong_by_s in enumerate([HOUR_S, 0, -HOUR_S, HOUR_S, 0]):
        clock.write_text(str(wrong_by_s))
        ids = sites[0].post(2) + sites[1].post(2) + sites[0].post()
        sites[0].move_bar(f"step{step}")
        for page in pages:
            page.until_shown(ids)
            page.until(lambda page, step=step: page.bar == f"step{step}")
            beats = page.beats
            page.until(lambda page, beats=beats: page.beats > beats + 1)
            assert page.fresh
    complete(sites[0], pages)
    assert [page.resyncs for page in pages] == [0] * len(pages)
