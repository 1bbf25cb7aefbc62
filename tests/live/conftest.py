"""The bare site in a real gunicorn with a gevent worker, and Redis servers of our own to publish to and to break.

A test talks to the site as a page does (`open_page`) and publishes as another process does (`writer`).
"""

import http.client
import itertools
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

from embedded_redis import EmbeddedRedis
from live.hub import Hub
from live.log import Log, connect
from live.position import NONE
from live.testing import TRANSPORTS, connection
from tests.live import bare_site
from tests.live.outbox_site import Shop
from tests.support import server

ROOT = Path(__file__).parents[2]
ANSWER_S = 30  # a gunicorn starts in two seconds, on a machine that others use too in fifteen
# A handler that is broken on purpose; and simple-websocket's own thread, when its page left before it began.
EXPECTED = re.compile(
    r"ZeroDivisionError: this handler is broken|simple_websocket/ws\.py.*\n +sel\.register\("
)
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def live_redis(tmp_path_factory):
    """The Redis of the site; no test breaks its history."""
    with EmbeddedRedis(tmp_path_factory.mktemp("live-redis"), aof=False) as server:
        yield server.url


@pytest.fixture(scope="session")
def spare_redis(tmp_path_factory):
    """A Redis that tests may flush and kill connections of."""
    with EmbeddedRedis(tmp_path_factory.mktemp("spare-redis"), aof=False) as server:
        yield server.url


@pytest.fixture
def broken_redis(spare_redis):
    """A client of the Redis that tests may break; empty at first."""
    with redis.Redis.from_url(spare_redis, decode_responses=True) as client:
        client.flushall()
        yield client


class Site:
    """The bare site as gunicorn serves it."""

    def __init__(self, redis_url, log_path, worker_class="gevent", host="127.0.0.1", **config):
        self.config, self.host = {"REDIS_URL": redis_url, **config}, host
        self._options = ["--worker-class", worker_class]
        if worker_class == "gthread":
            self._options += ["--threads", "64"]
        self.log_path = log_path
        with socket.create_server((host, 0), backlog=512) as listener:
            self.port = listener.getsockname()[1]
            self.url = f"http://{host}:{self.port}"
            self.process = self._start(listener)
        server.until_it_answers(f"{self.url}/plain", self.process, log_path)

    def _start(self, listener):
        options = [
            "--bind",
            f"fd://{listener.fileno()}",
            *self._options,
            "--graceful-timeout",
            "1",
            "--access-logfile",
            "-",
            "--access-logformat",
            "%(m)s %(U)s %(s)s",
        ]
        options += ["--config", os.devnull, "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]
        with self.log_path.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *options, "tests.live.bare_site:served()"],
                cwd=ROOT, env=os.environ | {"BARE_SITE": json.dumps(self.config)},
                stdout=output, stderr=subprocess.STDOUT, pass_fds=[listener.fileno()], start_new_session=True,
            )  # fmt: skip

    @property
    def worker(self):
        (worker,) = psutil.Process(self.process.pid).children()
        return worker

    def ask(self, method, path, body=None, headers=None):
        """One request on a connection of its own: status, headers, text."""
        web = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_S)
        try:
            text = json.dumps(body) if body is not None else None
            web.request(method, path, text, {"Content-Type": "application/json"} | (headers or {}))
            answer = web.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            web.close()

    def change(self, **what):
        assert self.ask("POST", "/change", what)[0] == 200

    def page(self, *topics, user="ada", session_id=None):
        """A page that somebody loaded: its HTML and the headers of a browser that has it open."""
        headers = bare_site.cookie(user, session_id or f"{user}-1")
        status, _, html = self.ask(
            "GET", "/page?" + "&".join(f"topic={topic}" for topic in topics), headers=headers
        )
        assert status == 200, html
        return html, headers

    def stop(self):
        server.stop(self.process)


@pytest.fixture(scope="session")
def sites(live_redis, tmp_path_factory):
    """sites("gevent"): the bare site, served so; each is started once."""
    started = {}

    def serve(worker_class):
        if worker_class not in started:
            log = tmp_path_factory.mktemp(f"live-{worker_class}") / "gunicorn.log"
            started[worker_class] = Site(live_redis, log, worker_class)
            while connection(started[worker_class].page("notes:list:0")[0]).position == NONE:
                pass  # on a busy machine the history takes longer than a first page waits for it
        return started[worker_class]

    yield serve
    for site in started.values():
        site.stop()
        # What a thread or a greenlet of ours dies of stands only there.
        assert not [death for death in deaths(site.log_path.read_text()) if not EXPECTED.search(death)]


def deaths(log):
    """Each traceback of a log, with what it ends in."""
    return re.findall(r"^Traceback .*\n(?:[ \t].*\n)*.*", log, re.MULTILINE)


def pytest_generate_tests(metafunc):
    # With gevent the hub owns the sockets; gthread keeps them, so a generator (or a thread) writes the same bytes.
    if "transport" in metafunc.fixturenames:
        metafunc.parametrize("site", ["gevent", "gthread"], indirect=True, scope="session")


def pytest_collection_modifyitems(items):
    """Who needs one of the sites goes to the same process of the run, so that it is not started in each."""
    for item in items:
        if "sites" in item.fixturenames:
            kind = item.callspec.params.get("site", "gevent") if hasattr(item, "callspec") else "gevent"
            item.add_marker(pytest.mark.xdist_group(f"bare-{kind}"))


@pytest.fixture(scope="session")
def site(request, sites):
    return sites(getattr(request, "param", "gevent"))


@pytest.fixture(scope="session")
def writer(live_redis):
    """`Live` of another process of the same site: it publishes, and serves nobody."""
    return bare_site.create({"REDIS_URL": live_redis}).live


@pytest.fixture
def topic():
    """A topic that no other test uses."""
    return f"notes:list:{next(_numbers)}"


@pytest.fixture(params=list(TRANSPORTS))
def transport(request):
    return request.param


@pytest.fixture
def open_page(site, transport):
    """open_page(topic, ...): a page loaded and connected over the transport at hand, closed after the test."""
    clients = []

    def open_it(*topics, user="ada", session_id=None, position=None, page=None):
        html, headers = page or site.page(*topics, user=user, session_id=session_id)
        found = connection(html)
        client = TRANSPORTS[transport](site.url, headers)
        clients.append(client)
        return client.connect(found if position is None else found.at(position))

    yield open_it
    for client in clients:
        client.close()


@pytest.fixture
def shop(database_url, redis_url):
    shop = Shop(database_url, redis_url)
    yield shop
    shop.close()


@pytest.fixture
def hub_log(broken_redis, spare_redis):
    """The log of the hubs, on the Redis that tests may break."""
    return Log(connect(spare_redis), "hub", 50)


@pytest.fixture
def make_hub(spare_redis, broken_redis, monkeypatch):
    """make_hub(): one more, as in a process of its own."""
    monkeypatch.setattr("live.hub.READ_BLOCK_MS", 100)  # how long an idle hub takes to stop
    hubs = []

    def make(start=True, recheck_s=60, still_valid=lambda _readers: None):
        log = Log(connect(spare_redis), "hub", 50)
        hubs.append(Hub(log, build="b", beat_s=0.1, recheck_s=recheck_s, still_valid=still_valid))
        if start:
            hubs[-1].start()
        return hubs[-1]

    yield make
    for hub in hubs:
        hub._stopping.set()  # all at once, so that they wait for their last answers at the same time
    for hub in hubs:
        hub.stop()
