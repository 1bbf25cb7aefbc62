"""Fixtures for all tests: a real Redis, both databases, the app, the cast, real servers, and the check for leaks.

The Redis is one per run and shared by all xdist workers, each with a database number and a space of its own; the
PostgreSQL is a cluster of the run's own. Tests see a database that the real migrations made, with the cast in it.
"""

import gc
import os
import threading
from pathlib import Path

import psutil
import pytest
import redis
from argon2 import PasswordHasher

from blueprints.auth import passwords
from blueprints.auth.throttle import tally
from tests.support import clients, databases, processes, server
from tests.support.shared import Run, require_postgres, start_postgres

LEFT_BEHIND_S = 3
LONGEST_NAME_CHARS = 100
RUN = pytest.StashKey[Run]()


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        os.environ.pop(
            "PYTHONDONTWRITEBYTECODE", None
        )  # else each process a test starts compiles all of ours anew
        config.stash[RUN] = Run()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Tell an xdist worker what its controller has made."""
    run = node.config.stash[RUN]
    node.workerinput["levain_folder"], node.workerinput["levain_redis"] = str(run.folder), run.redis.url


def pytest_unconfigure(config):
    if run := config.stash.get(RUN, None):
        run.end()


def pytest_collection_modifyitems(items):
    """Of the tests without a group, who may take longest begins first, so that nobody waits for it in the end; groups
    come before them, pytest-xdist begins with the largest."""
    items.sort(key=lambda item: -max((mark.args[0] for mark in item.iter_markers("timeout")), default=0))


def pytest_collection_finish():
    """What is loaded by now stays: not looked through again each time Python looks for garbage."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val, argname):
    """Long values are named by their length: the processes of a run must agree on a name, and send it to each other."""
    if isinstance(val, bytes | str) and len(val) > LONGEST_NAME_CHARS:
        return f"{argname} of length {len(val)}"
    return None


def pytest_generate_tests(metafunc):
    if metafunc.definition.get_closest_marker("both_databases") and "database_url" in metafunc.fixturenames:
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def run_folder(pytestconfig):
    """Shared by all workers of this run."""
    given = getattr(pytestconfig, "workerinput", {}).get("levain_folder")
    return Path(given) if given else pytestconfig.stash[RUN].folder


@pytest.fixture(scope="session")
def worker_number(pytestconfig):
    name = getattr(pytestconfig, "workerinput", {}).get("workerid", "gw-1")
    return int(name.removeprefix("gw")) + 1


@pytest.fixture(scope="session")
def redis_url(pytestconfig, worker_number):
    given = getattr(pytestconfig, "workerinput", {}).get("levain_redis")
    url = given or pytestconfig.stash[RUN].redis.url
    # Either form the embedded Redis uses: unix://...?db=0 or redis://.../0
    return url.removesuffix("0") + str(worker_number)


@pytest.fixture(scope="session")
def redis_client(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(autouse=True)
def _empty_redis(redis_client):
    redis_client.flushdb()
    tally.forget()  # what was counted in this process while Redis had no time for an answer


@pytest.fixture(scope="session")
def postgres_url(run_folder):
    """The cluster of this run, as a superuser's URL; skips loudly, or fails where everything is required."""
    require_postgres()
    return start_postgres(run_folder)


@pytest.fixture
def database_url(request, run_folder, redis_url, tmp_path):
    """A fresh copy of the migrated database; tests marked both_databases run once on each."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield databases.sqlite_copy(run_folder, redis_url, tmp_path)
        return
    require_postgres()
    url, drop = databases.postgres_copy(run_folder, redis_url)
    yield url
    drop()


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes():
    """A hash costs 20 ms, so that guessing is slow; tests sign in by the hundred. See `costly_hashes`."""
    costly, passwords.HASHER = passwords.HASHER, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield costly
    passwords.HASHER = costly


@pytest.fixture
def costly_hashes(_quick_hashes, monkeypatch):
    """The hashes of the product, from here on: what is in the database was hashed before."""
    monkeypatch.setattr(passwords, "HASHER", _quick_hashes)
    passwords._nobodys.cache_clear()
    yield _quick_hashes
    passwords._nobodys.cache_clear()


@pytest.fixture
def make_app(database_url, redis_url, worker_number, tmp_path):
    """A function that makes apps on this test's database: make_app(SESSION_IDLE_S=1)."""
    apps = []

    def make(**overrides):
        # Pub/sub knows no database numbers, so the workers of a run are kept apart by the name of their space.
        space = {"LIVE_SPACE": f"worker{worker_number}"}
        apps.append(databases.site(database_url, redis_url, tmp_path, **(space | overrides)))
        return apps[-1]

    yield make
    for app in apps:
        databases.close(app)


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture
def client(app):
    """A browser in which nobody is signed in."""
    return clients.browser(app)


@pytest.fixture
def as_user(app):
    """as_user("ada"): a browser in which ada is signed in."""
    return lambda name: clients.signed_in(app, name)


@pytest.fixture
def server_settings(database_url, redis_url, worker_number, tmp_path):
    """The environment of real processes that work on this test's database and Redis."""
    return {
        "LEVAIN_ENV": "development",
        "LEVAIN_VAR": tmp_path / "var",
        "SECRET_KEY": databases.SECRET_KEY,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LIVE_SPACE": f"worker{worker_number}",
    }


@pytest.fixture
def serve(server_settings, tmp_path):
    """serve(WEB_WORKERS=2): a real server; each test may have several on the same database."""
    servers = []

    def start(**settings):
        servers.append(server.Server(server_settings | settings, tmp_path / f"web{len(servers)}.log"))
        return servers[-1]

    yield start
    for each in servers:
        each.stop()


@pytest.fixture
def live_server(serve):
    return serve()


@pytest.fixture
def worker(server_settings, tmp_path):
    """A real RQ worker."""
    process = server.start(["worker.py"], server_settings, tmp_path / "worker.log")
    yield process
    server.stop(process)


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    """Fails a test that leaves a thread or a process behind."""
    threads, children = set(threading.enumerate()), processes.below_us()
    yield
    new_threads = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in new_threads:
        thread.join(LEFT_BEHIND_S)
    new_children = list(processes.below_us() - children)
    _, alive = psutil.wait_procs(new_children, LEFT_BEHIND_S)
    alive = [
        child for child in alive if "chrom" not in _name(child)
    ]  # the browser of the run, kept for all tests
    left = [thread.name for thread in new_threads if thread.is_alive()] + [str(child) for child in alive]
    assert not left, f"left behind: {left}"


def _name(process):
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""
