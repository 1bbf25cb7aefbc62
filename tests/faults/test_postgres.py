"""PostgreSQL beside open pages: hundreds of them hold none of its connections, and outlive it when it is away.

LEVAIN_AWAY_S says for how long it is away (8; the long form sets 30).
"""

import http.client
import os
import socket
import time
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest

from blueprints.auth import LoginSession
from blueprints.chat.models import Room
from database import db
from live.testing import TRANSPORTS
from tests.faults.limits import in_time
from tests.faults.meanwhile import meanwhile
from tests.faults.open_pages import REPAIRED_S, OpenPage, complete
from tests.faults.real_site import RealSite
from tests.support.shared import run_postgres, stop_postgres

AWAY_S = int(
    os.environ.get("LEVAIN_AWAY_S", "8")
)  # more than a page is told nothing of it (live/hub.py, MAX_LAG_S)
EACH = 100  # connections on each transport
POOL = 20  # config.py
ROOM = "/chat/rooms/1"
HANDSHAKE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
}  # fmt: skip

pytestmark = [
    pytest.mark.xdist_group("faults-postgres"),
    pytest.mark.long,
    pytest.mark.timeout(180 + 4 * AWAY_S),
]


@pytest.fixture(scope="module")
def site(own_redis, own_postgres, run_folder, tmp_path_factory):
    settings = {"LIVE_BEAT_S": 1, "LIVE_POLL_WAIT_S": 5, "LIVE_MAX_STREAMS_PER_USER": 1000}
    folder = tmp_path_factory.mktemp("postgres-site")
    site = RealSite(run_folder, folder, own_redis.url, own_postgres[1], **settings)
    with site.app.app_context():
        db.session.add(Room(name="Lounge", about="Everything."))
        db.session.commit()
    yield site
    site.end()


@pytest.fixture
def pages(site, ada, open_page):
    return [open_page(site, kind, ROOM).until(lambda page: page.fresh) for kind in TRANSPORTS]


@contextmanager
def stopped(folder):
    stop_postgres(folder)
    try:
        yield
    finally:
        run_postgres(folder)


@contextmanager
def hung(folder):
    master = psutil.Process(int(Path(folder, "postgres/data/postmaster.pid").read_text().split()[0]))
    processes = [master, *master.children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def posted(person):
    """As soon as it is answered with success."""
    give_up, token = time.monotonic() + in_time(REPAIRED_S), uuid4().hex
    while person.post(f"{ROOM}/messages", text=token, token=token)[0] != 303:
        assert time.monotonic() < give_up, f"no post succeeds {REPAIRED_S} s later"
        time.sleep(0.1)


@pytest.mark.parametrize("fault", [stopped, hung])
def test_open_pages_stay_say_that_they_may_be_behind_and_are_right_after(
    site, own_postgres, ada, pages, fault
):
    posted(ada)
    stay = [page for page in pages if page.kind != "poll"]  # each poll asks anew who it is
    answers = []
    with meanwhile(lambda: answers.append(ada.get(ROOM)), 0.2):
        with fault(own_postgres[0]):
            gone = time.monotonic() + AWAY_S
            for page in stay:
                page.until(lambda page: page.fresh is False, AWAY_S)
            while time.monotonic() < gone:
                for page in stay:
                    page.step(0.2)
            assert {page.fresh for page in stay} == {False}
        for page in pages:
            page.until(lambda page: page.fresh, REPAIRED_S)
    assert [(page.reconnects, page.byes) for page in stay] == [(0, [])] * 2
    refused = [text for status, _, text in answers if status == 503]
    assert {status for status, _, _ in answers} <= {200, 503}
    assert all("its database is away" in text for text in refused)
    assert refused or fault is hung
    posted(ada)
    complete(site, pages)


def test_a_request_that_is_under_way_at_sigterm_gets_its_goodbye(site, own_postgres, ada):
    old, ada.position = site.processes[-1], ada.get(ROOM)[1]["Live-Position"]
    log = site.folder / f"web{len(site.processes) - 1}.log"
    before = len(log.read_text())
    assert ada.session_id()  # known from here on, for the table is about to be locked
    page = OpenPage(site, "stream", ROOM)
    with psycopg.connect(own_postgres[1]) as holder:
        holder.execute(f"LOCK TABLE {LoginSession.__table__.name} IN ACCESS EXCLUSIVE MODE")
        plug = asked(site, ada, "stream")  # it waits for who it is
        old.terminate()
        page.until(lambda page: page.byes)  # and the others are on their way already
        page.close()
    with plug, plug.makefile("rb") as answer:
        assert b"event: live:bye\n" in answer.read()
    code = old.wait(in_time(30))
    site.start()  # for the next test
    assert (code, "Traceback" in log.read_text()[before:]) == (0, False)


def dial(site, person, kind):
    """A connection of that transport, by hand: no thread of ours for each."""
    plug = asked(site, person, kind)
    if kind != "poll":  # that is answered at its end
        assert plug.recv(13) in (b"HTTP/1.1 200 ", b"HTTP/1.1 101 ")
    return plug


def asked(site, person, kind):
    plug = socket.create_connection(("127.0.0.1", site.port), timeout=60)
    page = person.connection("chat:room:1", position=person.position)
    headers = {"Host": f"127.0.0.1:{site.port}", **person.headers}
    headers |= HANDSHAKE if kind == "socket" else {"Accept": "text/event-stream"}
    lines = [
        f"GET {page.address(kind)} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    ]
    plug.sendall("\r\n".join(lines).encode())
    return plug


def test_three_hundred_open_pages_hold_no_connection_to_the_database(site, own_postgres, ada):
    ada.position = ada.get(ROOM)[1]["Live-Position"]
    assert ada.session_id()
    with site.app.app_context():
        db.engine.dispose()  # those of this process
    plugs = [dial(site, ada, kind) for kind in ("stream", "socket", "poll") for _ in range(EACH)]
    try:
        with psycopg.connect(own_postgres[1], autocommit=True) as admin:
            for _ in range(20):
                states = admin.execute(STATES).fetchall()
                assert [state for state, is_old in states if is_old and "in transaction" in state] == []
                assert len(states) <= POOL
                time.sleep(0.1)  # the next look
        took = [timed(ada.get, ROOM) for _ in range(20)]
    finally:
        for plug in plugs:
            plug.close()
    assert {answer[0] for _, answer in took} == {http.client.OK}
    assert sorted(seconds for seconds, _ in took)[18] < in_time(1)


# Of the site's connections; this one and PostgreSQL's own workers are left out.
STATES = """SELECT state, now() - state_change > interval '1 second' FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


def timed(function, *arguments):
    begun = time.monotonic()
    answer = function(*arguments)
    return time.monotonic() - begun, answer
