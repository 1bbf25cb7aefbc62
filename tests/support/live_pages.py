"""Fixtures of the client's tests: the site of tests/support/live_site.py, a list of its own for each test, doors."""

import itertools
import json
import urllib.request

import pytest
from playwright.sync_api import expect

from embedded_redis import EmbeddedRedis
from tests.support import live_site, server
from tests.support.door import Door

# So that nobody waits for a beat or a probe: the core's own numbers are longer, and only numbers.
QUICK = {
    "LIVE_BEAT_S": 1,
    "LIVE_POLL_WAIT_S": 2,
    "LIVE_PROBE_S": 1,
    "LIVE_HIDDEN_S": 0.3,
    "LIVE_RELOAD_S": 0.5,
    "LIVE_MAX_STREAMS_PER_USER": 100,
}
# What a page has heard, seen and been: every signal `said`, every row that entered it, every state.
RECORDER = """
window.heard = []; window.states = []; window.entered = []; window.repairs = 0;
document.addEventListener("live:said", (event) => heard.push(JSON.parse(event.detail.data)));
document.addEventListener("live:state", (event) => states.push(event.detail.state));
document.addEventListener("live:repaired", () => { repairs++; });
new MutationObserver((records) => {
  const nodes = records.flatMap((record) => [...record.addedNodes]).filter((node) => node.matches?.("li[id]"));
  entered.push(...nodes.map((node) => node.id));
}).observe(document, {childList: true, subtree: true});
"""
_numbers = itertools.count(1)


class Site:
    """One gunicorn; several may share a Redis."""

    def __init__(self, redis_url, log, host="127.0.0.1"):
        settings = {"BARE_SITE": json.dumps({"REDIS_URL": redis_url, **QUICK})}
        application = "tests.support.live_site:served()"
        with server.socket.create_server((host, 0), backlog=128) as listener:
            self.port = listener.getsockname()[1]
            self.url = f"http://{host}:{self.port}"
            bind = ["--bind", f"fd://{listener.fileno()}", "--graceful-timeout", "2"]
            options = ["--config", "/dev/null", "--no-control-socket", "--worker-class", "gevent"]
            command = ["-m", "gunicorn", *bind, *options, application]
            self.process = server.start(command, settings, log, pass_fds=[listener.fileno()])
        server.until_it_answers(f"{self.url}/vendor/htmx.min.js", self.process, log)

    def stop(self):
        server.stop(self.process)


class Client:
    """A browser of somebody, and a list of rows that no other test uses; `door` has the address of the site."""

    def __init__(self, browser, site, door, **options):
        self.site, self.door, self.number = site, door, next(_numbers)
        self.context = browser.new_context(**options)
        self.context.add_init_script(RECORDER)
        cookie = {"name": "who", "value": live_site.cookie("ada"), "url": door.url}
        self.context.add_cookies([cookie])

    @property
    def path(self):
        return f"/lists/{self.number}"

    def do(self, *what, site=None):
        """Changes and announces, past the door."""
        self.post(self.path, what, site)

    def post(self, path, what, site=None):
        url = (site or self.site).url + path
        request = urllib.request.Request(url, json.dumps(what).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def said(self):
        with urllib.request.urlopen(f"{self.site.url}{self.path}/said", timeout=20) as answer:
            return json.load(answer)

    def open(self, query="", state="live", transport=None, *, door=None, verdict=None, page=None):
        page = page or self.context.new_page()
        page.set_default_timeout(30_000)
        if verdict:  # that of an earlier page on this network
            page.add_init_script(VERDICT % json.dumps(json.dumps({"transport": verdict, "until": 10**15})))
        page.goto((door or self.door).url + self.path + query, wait_until="commit")
        if state:
            is_in(page, state, transport)
        return page


VERDICT = "if (!sessionStorage.getItem('live-transport')) sessionStorage.setItem('live-transport', %s)"


def is_in(page, state, transport=None):
    expect(page.locator("html")).to_have_attribute("data-live", state)
    if transport:
        expect(page.locator("#live-connect")).to_have_attribute("data-live-transport", transport)


def texts(page):
    return page.locator("#rows > li > span").all_text_contents()


def waits_for(page, expression):
    """Waits until it is true in the page, also where the site forbids eval."""
    page.wait_for_function(f"() => {expression}")


@pytest.fixture(scope="session")
def list_redis(tmp_path_factory):
    """A Redis that tests may empty."""
    with EmbeddedRedis(tmp_path_factory.mktemp("list-redis"), aof=False) as running:
        yield running.url


@pytest.fixture(scope="session")
def list_site(list_redis, tmp_path_factory):
    site = Site(list_redis, tmp_path_factory.mktemp("list-site") / "log")
    yield site
    site.stop()


@pytest.fixture
def new_door(list_site):
    doors = []

    def make():
        doors.append(Door(list_site.port))
        return doors[-1]

    yield make
    for door in doors:
        door.stop()


@pytest.fixture
def client_of(chromium, list_site, new_door):
    """client_of(): somebody's browser on a new list, behind a door."""
    clients = []

    def make(browser=chromium, **options):
        clients.append(Client(browser, list_site, new_door(), **options))
        return clients[-1]

    yield make
    for client in clients:
        client.context.close()


@pytest.fixture
def ada(client_of):
    return client_of()
