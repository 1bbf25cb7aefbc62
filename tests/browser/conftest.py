"""A real Chromium in front of the real site, also through real proxies. Two people are two browser contexts."""

import os
import shutil
from datetime import timedelta

import psutil
import pytest
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import select

from blueprints.auth import User
from blueprints.chat.models import Room
from blueprints.orders.models import MenuItem, Modifier, Order, OrderLine
from database import db, utcnow
from tests.browser.axe import text_of_axe
from tests.browser.shop import Shop
from tests.support import processes, server
from tests.support.clients import session_cookie
from tests.support.databases import email_of
from tests.support.far import far  # noqa: F401 (a fixture)
from tests.support.live_pages import ada, client_of, list_redis, list_site, new_door  # noqa: F401 (fixtures)
from tests.support.nginx import Nginx

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000
LEFT_BEHIND_S = 3
# So that nobody waits for a beat or a silence: the core's own numbers are longer, and only numbers.
QUICK = {"LIVE_BEAT_S": 1, "LIVE_POLL_WAIT_S": 5}


def program(*names):
    """The path of the first program found; skips loudly, or fails where everything is required."""
    for name in names:
        if found := shutil.which(name):
            return found
    message = f"{names[0]} is not installed: what it would show is NOT tested"
    if os.environ.get("CI") == "true" or os.environ.get("LEVAIN_REQUIRE_ALL") == "1":
        pytest.fail(message)
    pytest.skip(message)


def pytest_collection_modifyitems(items):
    """The few of `make test` share one Chromium; the long ones are many and go to all processes of the run."""
    for item in items:
        if "chromium" in item.fixturenames and not item.get_closest_marker("long"):
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def chromium():
    path = program(*CHROMIUM)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(serve):
    return serve(**QUICK)


@pytest.fixture
def worker(server_settings, tmp_path):
    """A real RQ worker beside the site."""
    process = server.start(["worker.py"], server_settings, tmp_path / "worker.log")
    yield process
    server.stop(process)


@pytest.fixture
def open_as(app, chromium, site):
    """open_as("ada", "/orders/"): a browser of her own, signed in; `url` for a proxy in front of the site."""
    contexts = []

    def open_page(name, path="/", url=None, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        key, value = session_cookie(app, name)
        context.add_cookies([{"name": key, "value": value, "url": site.url, "httpOnly": True}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{url or site.url}{path}", wait_until="commit")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def axe():
    return text_of_axe()


@pytest.fixture
def proxy(site, tmp_path):
    """proxy("buffering"): the address of a real nginx in front of the site."""
    path = program("nginx")
    running = []

    def start(kind):
        running.append(Nginx(path, kind, site.port, tmp_path / f"nginx-{kind}"))
        return running[-1].url

    yield start
    for each in running:
        each.stop()


def add(app, *rows):
    with app.app_context():
        db.session.add_all(rows)
        db.session.commit()


@pytest.fixture
def menu(app):
    kinds = [("Margherita", 890), ("Funghi", 1050), ("Diavola", 1090)]
    items = [_item(n, *kind) for n, kind in enumerate(kinds)]
    options = [
        ("size", "Regular", 0),
        ("size", "Family", 700),
        ("extra", "Rocket", 120),
        ("without", "basil", 0),
    ]
    items[0].modifiers = [
        Modifier(kind=kind, name=name, price_cents=cents, sort=n)
        for n, (kind, name, cents) in enumerate(options)
    ]
    add(app, *items)


@pytest.fixture
def shop(app, menu):
    """Guests and cooks without a browser."""
    return Shop(app)


def _item(sort, name, cents):
    return MenuItem(name=name, description="", picture=name.lower(), price_cents=cents, sort=sort)


@pytest.fixture
def rooms(app):
    add(app, Room(name="Lounge", about="Everything."))


@pytest.fixture
def sales(app):
    """Two weeks with an order a day, for reports."""
    noon = utcnow().replace(hour=12)
    days = [noon - timedelta(days=n) for n in range(1, 15)]
    with app.app_context():
        grace = db.session.scalars(select(User).where(User.email == email_of("grace"))).one()
        rows = [_sold(grace, n, day) for n, day in enumerate(days)]
    add(app, *rows)


def _sold(user, number, day):
    line = OrderLine(name="Margherita", quantity=2, price_cents=890)
    who = {"user_id": user.id, "customer_name": user.name, "token": f"sold{number}"}
    return Order(state="done", total_cents=1780, created_at=day, changed_at=day, lines=[line], **who)


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    """Like everywhere, but for the browser, whose processes come and go as it likes."""
    before = processes.below_us()
    yield
    new = processes.below_us() - before
    new = [child for child in new if "chrom" not in child.name()]
    _, alive = psutil.wait_procs(new, LEFT_BEHIND_S)
    assert not alive, f"left behind: {alive}"
