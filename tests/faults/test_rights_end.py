"""A right that ends, ends in time: on every transport, for replays too, and also while Redis is away.

The real site: what ends a right is done as people and operators do it, and what no page of the site does yet (an
order given to somebody else, an account deleted) by the same lines in the database that a feature would write.
"""

import time

import pytest
import sqlalchemy as sa

from blueprints.auth import User
from database import db
from live.testing import TRANSPORTS, Ended, Refused
from tests.faults.limits import in_time
from tests.faults.real_site import RealSite
from tests.support.databases import email_of

pytestmark = pytest.mark.xdist_group("faults-rights-end")

ENDED_S = 2
RECHECK_S = 1  # 20 in production, which the promise of 30 s allows for
WORD = "a better password than before"


@pytest.fixture(scope="module")
def site(own_redis, run_folder, tmp_path_factory):
    settings = {"LIVE_BEAT_S": 1, "LIVE_POLL_WAIT_S": 0.3, "LIVE_RECHECK_S": 60}
    site = RealSite(run_folder, tmp_path_factory.mktemp("ending"), own_redis.url, **settings)
    yield site
    site.end()


@pytest.fixture(scope="module")
def rechecking_site(own_redis, run_folder, tmp_path_factory):
    settings = {
        "LIVE_BEAT_S": 1,
        "LIVE_POLL_WAIT_S": 0.3,
        "LIVE_RECHECK_S": RECHECK_S,
        "LIVE_SPACE": "recheck",
    }
    site = RealSite(run_folder, tmp_path_factory.mktemp("rechecking"), own_redis.url, **settings)
    yield site
    site.end()


def in_database(change):
    """A change that a feature of the site would make, in the test's own process."""

    def do(site, person, topic):
        with site.app.app_context():
            change(site.app.extensions["live"], User.find(email_of(person.name)), topic)
            db.session.commit()

    return do


def sign_out(_site, person, _topic):
    assert person.post("/logout")[0] == 303


def sign_out_everywhere(site, person, _topic):
    assert site.sign_in(person.name).post("/account/logout-everywhere")[0] == 303


def new_password(site, person, _topic):
    assert site.sign_in(person.name).post("/account/password", current="levain", password=WORD)[0] == 303
    assert (
        site.sign_in(person.name, WORD).post("/account/password", current=WORD, password="levain-two")[0]
        == 303
    )


@in_database
def role_taken(live, user, _topic):
    user.change_role("member")
    live.revoke(user_id=user.id)


@in_database
def order_given_away(live, user, topic):
    orders = db.metadata.tables["orders"]
    heir = sa.select(User.id).where(User.email == email_of("root")).scalar_subquery()
    db.session.execute(
        sa.update(orders).where(orders.c.id == int(topic.rsplit(":", 1)[1])).values(user_id=heir)
    )
    user.rights_version = User.rights_version + 1
    live.revoke(user_id=user.id, topic=topic)


@in_database
def user_deleted(live, user, _topic):
    live.revoke(user_id=user.id)
    db.session.delete(user)


ENDS = {
    "signed out here": ("ada", sign_out),
    "signed out everywhere": ("ada", sign_out_everywhere),
    "order given to somebody else": ("ada", order_given_away),
    "role taken": ("carlo", role_taken),
    "new password": ("grace", new_password),
    "user deleted": ("newcomer", user_deleted),
}


@pytest.mark.parametrize(("name", "end"), ENDS.values(), ids=ENDS)
def test_it_ends_within_two_seconds(site, name, end):
    person, topic = arrive(site, name)
    with Following(person, topic) as pages:
        begun = time.monotonic()
        end(site, person, topic)
        for page in pages:
            over(page, begun + in_time(ENDED_S))
        site.announce(topic)
        for page in pages:
            nothing_more(page)
    nothing_is_replayed(person, topic)


@pytest.mark.parametrize(("name", "end"), ENDS.values(), ids=ENDS)
def test_without_redis_the_regular_question_ends_it(rechecking_site, own_redis, name, end):
    site = rechecking_site
    person, topic = arrive(site, name)
    with Following(person, topic) as pages:
        own_redis.stop()
        try:
            begun = time.monotonic()
            end(site, person, topic)
            for page in pages:
                over(page, begun + in_time(RECHECK_S + ENDED_S + 10))
        finally:
            own_redis.start()
    nothing_is_replayed(person, topic)


def arrive(site, name):
    """Somebody signed in, and a topic that is theirs."""
    with site.app.app_context():
        if name == "newcomer":
            hashed = User.find(email_of("root")).password_hash
            db.session.add(User(email=email_of(name), name="New", role="kitchen", password_hash=hashed))
            db.session.commit()
        orders = db.metadata.tables["orders"]
        order = sa.select(sa.func.max(orders.c.id)).join(User, User.id == orders.c.user_id)
        mine = db.session.scalar(order.where(User.email == email_of(name)))
    return site.sign_in(name), f"orders:order:{mine}" if mine else "orders:kitchen"


class Following:
    """A page on each transport, all of them connected."""

    def __init__(self, person, topic):
        self.position = person.get("/")[1]["Live-Position"]
        self.pages = [
            person.follow(kind, person.connection(topic, position=self.position)) for kind in TRANSPORTS
        ]

    def __enter__(self):
        return self.pages

    def __exit__(self, *_):
        for page in self.pages:
            page.close()


def over(page, give_up):
    """The page is told, or sent away, before the time is over."""
    try:
        while page.next(give_up - time.monotonic()).name not in ("live:bye", "live:revoked"):
            pass
    except (Ended, Refused):
        pass


def nothing_more(page):
    try:
        while page.event(timeout_s=0.5).name in ("live:revoked", "live:bye"):
            pass
        pytest.fail(f"{page.kind}: something came after the end")
    except (Ended, Refused, TimeoutError):
        pass


def nothing_is_replayed(person, topic):
    """The list and the position of the old page open nothing, although what happened is in the history."""
    person.site.announce(topic)
    for kind in TRANSPORTS:
        with pytest.raises(Refused) as refused, person.follow(kind, person.connection(topic, position=None)):
            pass
        assert refused.value.status in (401, 403, 4401, 4403)
