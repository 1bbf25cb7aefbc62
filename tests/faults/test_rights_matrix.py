"""Every role against every topic of the site, in every way there is: what is not theirs they cannot get.

A new topic needs a row here; without one the first test fails.
"""

import itertools
import json
import re
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from database import db
from live.testing import TRANSPORTS, Ended, Refused
from tests.blueprints.pages import followed
from tests.faults.real_site import NOBODY, RealSite

pytestmark = pytest.mark.xdist_group("faults-rights")

MAX = "<int(max=2147483647):"
MEMBER, OTHER, KITCHEN, ADMIN = "ada", "grace", "carlo", "root"
ROLES = {NOBODY: NOBODY, "member": MEMBER, "other member": OTHER, "kitchen": KITCHEN, "admin": ADMIN}
SIGNED_IN = {"member", "other member", "kitchen", "admin"}


@dataclass(frozen=True)
class Row:
    """A topic whose thing is the member's, its page, and who may.

    Shape: `{order}` and the like stand for the ids of what the member has; `missing` is the same topic for a thing that
    is not there. A page that everybody has, each with their own things, has no entry.
    """

    topic: str
    may: set
    page: str = ""
    missing: str = ""
    missing_page: str = ""
    commands: set = field(default_factory=set)


ROWS = {
    "orders:kitchen": Row("orders:kitchen", {"kitchen", "admin"}, "/kitchen/"),
    f"orders:order:{MAX}order_id>": Row(
        "orders:order:{order}", {"member"}, "/orders/{order}", "orders:order:999999", "/orders/999999"
    ),
    "orders:customer:<int:user_id>": Row(
        "orders:customer:{member}", {"member"}, missing="orders:customer:999999"
    ),
    f"chat:room:{MAX}room_id>": Row(
        "chat:room:{room}",
        SIGNED_IN,
        "/chat/rooms/{room}",
        "chat:room:999999",
        "/chat/rooms/999999",
        SIGNED_IN,
    ),
    f"jobs:job:{MAX}job_id>": Row(
        "jobs:job:{job}", {"member", "admin"}, "/jobs/{job}", "jobs:job:999999", "/jobs/999999"
    ),
    f"jobs:log:{MAX}job_id>": Row(
        "jobs:log:{job}", {"member", "admin"}, "/jobs/{job}", "jobs:log:999999", "/jobs/999999"
    ),
    "jobs:list:<int:user_id>": Row("jobs:list:{member}", {"member"}, missing="jobs:list:999999"),
    "jobs:everybodys": Row("jobs:everybodys", {"admin"}),
    "orders:menu": Row("orders:menu", SIGNED_IN),
    "chat:rooms:all": Row("chat:rooms:all", SIGNED_IN),
    f"chat:news:{MAX}room_id>": Row("chat:news:{closed}", {"member"}, missing="chat:news:999999"),
    f"chat:user:{MAX}user_id>": Row("chat:user:{member}", {"member"}, missing="chat:user:999999"),
    "jobs:owner:<int:user_id>": Row("jobs:owner:{member}", {"member"}, missing="jobs:owner:999999"),
}
MATRIX = [
    pytest.param(role, pattern, id=f"{role}-{pattern}") for role, pattern in itertools.product(ROLES, ROWS)
]
HIDDEN = [pytest.param(p, id=p) for p, row in ROWS.items() if row.missing and row.may != SIGNED_IN]


@pytest.fixture(scope="module")
def site(own_redis, run_folder, tmp_path_factory):
    site = RealSite(
        run_folder, tmp_path_factory.mktemp("rights"), own_redis.url, LIVE_BEAT_S=1, LIVE_POLL_WAIT_S=0.3
    )
    yield site
    site.end()


@pytest.fixture(scope="module")
def people(site):
    return {role: site.sign_in(name) for role, name in ROLES.items()}


@pytest.fixture(scope="module")
def ids(site, people):
    """What the member has, and the position of a page from before anything happened to it."""
    member = people["member"]
    status, headers, _ = member.submit("/jobs/")
    assert status in (201, 303)
    job = (headers["Location"] or headers["HX-Redirect"]).rsplit("/", 1)[1]
    status, headers, _ = member.post("/chat/rooms", name="For one", kind="closed")
    assert status == 303
    with site.app.app_context():
        orders, rooms = db.metadata.tables["orders"], db.metadata.tables["rooms"]
        mine = sa.select(sa.func.max(orders.c.id)).where(orders.c.user_id == member.user_id())
        found = {
            "order": db.session.scalar(mine),
            "room": db.session.scalar(sa.select(sa.func.min(rooms.c.id))),
        }
    found |= {"closed": headers["Location"].rsplit("/", 1)[1]}
    found |= {"job": job, "member": member.user_id(), "position": member.get("/")[1]["Live-Position"]}
    site.announce(*(row.topic.format(**found) for row in ROWS.values()))
    with member.follow(
        "stream", member.connection(f"chat:room:{found['room']}", position=found["position"])
    ) as page:
        page.event()  # they are in the history now
    return found


def test_every_topic_of_the_site_has_its_row(site):
    assert set(site.app.extensions["live"]._topics._rules) == set(ROWS)


@pytest.mark.parametrize(("role", "pattern"), MATRIX)
def test_nobody_gets_what_is_not_theirs(people, ids, role, pattern):
    row, person = ROWS[pattern], people[role]
    topic, may = row.topic.format(**ids), role in row.may
    for kind, position in itertools.product(TRANSPORTS, (None, ids["position"])):
        said = outcome(person, kind, topic, position)
        if may:
            assert said == ("resync" if position is None else "secret"), (kind, position)
        else:
            assert said == (401 if role == NOBODY else refusal(kind)), (kind, position)
    if row.page:
        status, _, html = person.get(row.page.format(**ids))
        assert status == (
            200 if may else 303 if role == NOBODY else 403 if pattern == "orders:kitchen" else 404
        )
        assert may == (topic in followed(html))


def refusal(kind):
    return 4403 if kind == "socket" else 403


def outcome(person, kind, topic, position, room=1):
    """What one connection comes to: the secret, a resync, or the number of a refusal."""
    try:
        with person.follow(kind, person.connection(topic, position=position, room=room)) as client:
            while True:
                event = client.event()
                if event.name == "live:secret":
                    return "secret"
                if event.name == "live:resync":
                    return "resync"
                assert event.name.startswith("live:") or event.data, event
    except Refused as refused:
        return refused.status
    except Ended as ended:
        return ended.code


@pytest.mark.parametrize("role", ROLES)
def test_commands_are_obeyed_only_from_those_who_may(people, ids, role):
    person, row = people[role], next(row for row in ROWS.values() if row.commands)
    page = person.connection(row.topic.format(**ids), position=ids["position"], room=ids["room"])
    try:
        client = person.follow("socket", page)
    except Refused as refused:
        assert (role, refused.status) == (NOBODY, 401)
        return
    with client:
        client.command("post", {"text": f"by {role}", "token": f"matrix{role.split()[0]}"}, "1")
        while (event := client.next()).name != "live:ack":
            pass
    assert ("error" not in json.loads(event.data)) == (role in row.commands)


@pytest.mark.parametrize("pattern", HIDDEN)
def test_not_yours_and_not_there_get_the_same_answer(people, ids, pattern):
    """Asked by everybody who may not: on every transport, and for the page."""
    row = ROWS[pattern]
    for role in SIGNED_IN - row.may:
        person = people[role]
        for path in ("/live/stream", "/live/poll"):
            yours, missing = (asked(person, path, topic.format(**ids)) for topic in (row.topic, row.missing))
            assert yours == missing, (role, path)
        for position in (None, ids["position"]):
            assert outcome(person, "socket", row.topic.format(**ids), position) == outcome(
                person, "socket", row.missing, position
            )
        if row.page:
            assert page_of(person, row.page.format(**ids)) == page_of(person, row.missing_page)


def asked(person, path, topic):
    status, headers, text = person.get(f"{path}?t={person.list_of(topic)}")
    return status, headers.get_all("Content-Type"), text


def page_of(person, path):
    """Without what differs from request to request: the address asked for, the time, the signed list of topics."""
    status, _, html = person.get(path)
    html = re.sub(
        r'(data-live-topics|data-live-position|name="server-now" content)="[^"]*"|<time .*?</time>', "", html
    )
    return status, html.replace(path, "")
