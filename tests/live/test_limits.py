"""How many may be connected: to the process, from one address; what one person may have is in the refusals."""

import pytest

from live.gate import Identity
from live.subscription import Subscription
from live.testing import connection
from tests.live import bare_site


@pytest.fixture
def make_site(live_redis, monkeypatch):
    monkeypatch.setattr("live.hub.READ_BLOCK_MS", 100)  # how long an idle hub takes to stop
    apps = []

    def make(**config):
        apps.append(bare_site.create({"REDIS_URL": live_redis, **config}))
        return apps[-1]

    yield make
    for app in apps:
        app.live.hub.stop()


def status(app, topic, kind):
    browser = app.test_client()
    browser.set_cookie(*bare_site.cookie("ada", "ada-1")["Cookie"].split("=", 1))
    with browser.get(f"/page?topic={topic}") as page:
        address = connection(page.text).address(kind)
    answer = browser.get(address)
    answer.close()
    return answer.status_code, answer.headers.get("Retry-After")


@pytest.mark.parametrize("kind", ["stream", "poll"])
@pytest.mark.parametrize(
    ("limit", "code"), [("LIVE_MAX_STREAMS", 503), ("LIVE_MAX_STREAMS_PER_ADDRESS", 429)]
)
def test_who_is_one_too_many_is_told_when_to_come_back(make_site, topic, kind, limit, code):
    app = make_site(**{limit: 1})
    assert status(app, topic, kind) == (200, None)
    other = Subscription(Identity("s", "grace", 1, "grace"), [topic], address="127.0.0.1")
    app.live.hub.join(other, None, 0)
    refused, after_s = status(app, topic, kind)
    assert refused == code
    assert 5 <= int(after_s) <= 30
    app.live.hub.leave(other)
    assert status(app, topic, kind) == (200, None)


def test_what_all_pages_of_a_user_follow_needs_no_rule_when_a_right_has_changed(make_site, topic):
    app = make_site()
    identity = Identity("ada-1", "ada", app.state.version, "ada")
    reader = Subscription(identity, [topic, "notes:list:frame", "notes:list:own"], address="127.0.0.1")
    app.live.hub.join(reader, None, 0)
    app.state.frames["ada"] = ["notes:list:frame"]
    app.state.denied |= {("ada", "notes:list:frame"), ("ada", "notes:list:own")}
    app.state.version += 1
    app.live._end_invalid([reader])
    assert reader.topics == {topic, "notes:list:frame"}
    app.state.frames["ada"] = []
    app.state.version += 1
    app.live._end_invalid([reader])
    assert reader.topics == {topic}
    app.live.hub.leave(reader)


def test_a_connection_keeps_no_row_of_the_site(make_site, topic):
    app = make_site()
    browser = app.test_client()
    browser.set_cookie(*bare_site.cookie("ada", "ada-1")["Cookie"].split("=", 1))
    with browser.get(f"/page?topic={topic}") as page, browser.get(connection(page.text).address("stream")):
        (reader,) = app.live.hub.readers()
        assert (reader.identity.user_id, reader.identity.user) == ("ada", None)
        app.state.version += 1
        app.live._end_invalid([reader])
        assert (reader.identity.version, reader.identity.user) == (app.state.version, None)
