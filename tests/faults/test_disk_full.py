"""A disk that is full, under the database and under Redis: a post is refused in words or kept, and nothing is lost."""

import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from live.testing import TRANSPORTS
from tests.faults.conftest import notes_config
from tests.faults.limits import in_time
from tests.faults.notes_server import NotesServer
from tests.faults.open_pages import REPAIRED_S, OpenPage, complete
from tests.faults.real_site import RealSite
from tests.faults.redis_servers import RedisServer

pytestmark = [pytest.mark.xdist_group("faults-disk"), pytest.mark.long, pytest.mark.timeout(180)]

SIZE = "16m"
ROOM = "/chat/rooms/1"


@pytest.fixture
def small_disk():
    """A file system of 16 MB; only root can make one, and who is not skips loudly."""
    if os.geteuid() != 0:
        pytest.skip("a small file system needs root: full disks are NOT tested")
    folder = Path(tempfile.mkdtemp(prefix="levain-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("no file systems can be mounted here: full disks are NOT tested")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


@contextmanager
def full(folder):
    """To the last byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1 << 9, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    try:
        yield
    finally:
        filler.unlink()


def post(person):
    token = uuid4().hex
    return person.post(f"{ROOM}/messages", text=token, token=token)


def until_refused(person):
    """Until nothing at all fits any more."""
    statuses = []
    while statuses[-3:] != [503] * 3:
        status, _, text = post(person)
        statuses.append(status)
        assert status in (303, 503), text
        assert len(statuses) < 200
    assert "Nothing was changed" in text


def test_what_the_database_cannot_store_is_refused_in_words_and_what_it_has_stays(
    small_disk, own_redis, run_folder, tmp_path
):
    site = RealSite(
        run_folder, small_disk, own_redis.url, LIVE_BEAT_S=1, LIVE_POLL_WAIT_S=1, LEVAIN_VAR=tmp_path
    )
    pages = []
    try:
        ada = site.sign_in("ada")
        site.headers = ada.headers
        pages = [OpenPage(site, kind, ROOM) for kind in TRANSPORTS]
        assert post(ada)[0] == 303
        with full(small_disk):
            until_refused(ada)
            assert ada.get(ROOM)[0] == 200
        give_up = time.monotonic() + in_time(REPAIRED_S)
        while post(ada)[0] != 303:
            assert time.monotonic() < give_up
        complete(site, pages)
    finally:
        for page in pages:
            page.close()
        site.end()


def test_a_redis_that_cannot_write_takes_no_post_away(small_disk, tmp_path, open_page):
    redis = RedisServer(small_disk / "redis")
    site = NotesServer(notes_config(tmp_path, redis.url), tmp_path / "gunicorn.log")
    try:
        pages = [open_page(site, kind) for kind in TRANSPORTS]
        ids = site.post(3)
        for page in pages:
            page.until_shown(ids)
        with full(small_disk):
            while redis.client.info("persistence")["aof_last_write_status"] == "ok":
                ids += site.post(text="x" * 90)
            ids += site.post(3)
        for page in pages:
            page.until_shown(ids, REPAIRED_S)
            assert page.wrong == []
        assert set(ids) <= set(site.ids())
        for page in pages:
            page.close()
    finally:
        site.end()
        redis.end()
