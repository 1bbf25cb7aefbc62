"""Fixtures of the fault tests: Redis servers and sites that may be broken, one of each for a whole module."""

import os
import shutil
import tempfile
import threading
from pathlib import Path

import psutil
import pytest

from embedded_redis import EmbeddedRedis
from live.testing import TRANSPORTS
from tests.faults.notes_server import NotesServer
from tests.faults.open_pages import OpenPage
from tests.faults.real_site import RealSite
from tests.faults.redis_servers import RedisServer
from tests.support import databases, processes
from tests.support.far import far  # noqa: F401 (a fixture)
from tests.support.shared import require_postgres, stop_postgres

LEFT_BEHIND_S = 3


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    """As for all tests, but that a module's servers may be started again by one and live on for the next."""
    threads, children = set(threading.enumerate()), processes.children_of(os.getpid())
    yield
    new_threads = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in new_threads:
        thread.join(LEFT_BEHIND_S)
    kept = {server.process.pid for server in (*RedisServer.running, *NotesServer.running)}
    kept |= {process.pid for site in RealSite.running for process in site.processes}
    new = [child for child in processes.children_of(os.getpid()) - children if child.pid not in kept]
    _, alive = psutil.wait_procs(new, LEFT_BEHIND_S)
    left = [thread.name for thread in new_threads if thread.is_alive()] + [str(child) for child in alive]
    assert not left, f"left behind: {left}"


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory):
    """A Redis of this module alone."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.end()


@pytest.fixture(scope="module")
def own_postgres():
    """The folder of a PostgreSQL of this module alone, and the URL of a database in it with the cast."""
    require_postgres()
    folder = Path(tempfile.mkdtemp(prefix="levain-postgres-"))
    folder.chmod(0o711)  # it runs as somebody else where we are root
    with EmbeddedRedis(folder / "redis", aof=False) as redis:
        url, _drop = databases.postgres_copy(folder, redis.url)
    yield folder, url
    stop_postgres(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def notes(own_redis, tmp_path_factory):
    """The notes site on that Redis."""
    folder = tmp_path_factory.mktemp("notes")
    site = NotesServer(notes_config(folder, own_redis.url), folder / "gunicorn.log")
    yield site
    site.end()


def notes_config(folder, redis_url, **more):
    return {
        "DATABASE_URL": f"sqlite:///{folder}/notes.db",
        "REDIS_URL": redis_url,
        "LEVAIN_VAR": str(folder),
    } | more


@pytest.fixture
def open_page():
    """open_page(site, "poll"): a page on one transport, closed after the test."""
    opened = []

    def open_it(site, kind, path="/notes/1"):
        opened.append(OpenPage(site, kind, path))
        return opened[-1]

    yield open_it
    for page in opened:
        page.close()


@pytest.fixture
def ada(site):
    """Signed in to the real site of a module, whose pages are hers from then on."""
    person = site.sign_in("ada")
    site.headers = person.headers
    return person


@pytest.fixture
def pages(notes, open_page):
    """One page on each transport, all of them connected and complete."""
    opened = [open_page(notes, kind) for kind in TRANSPORTS]
    ids = notes.post()
    for page in opened:
        page.until_shown(ids)
    return opened
