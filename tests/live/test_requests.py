"""Stream and long-poll as plain HTTP: heads, a HEAD that leaves no reader, how long a poll waits, a page's position."""

import json
import time

import pytest

from live.event import Event
from live.testing import Parser, StreamClient, connection
from tests.live.conftest import Site


@pytest.fixture(scope="module")
def patient_site(live_redis, tmp_path_factory):
    """Its polls wait for many beats."""
    log = tmp_path_factory.mktemp("patient-site") / "gunicorn.log"
    site = Site(live_redis, log, LIVE_POLL_WAIT_S=20, LIVE_BEAT_S=0.1)
    yield site
    site.stop()


def readers(site):
    return json.loads(site.ask("GET", "/readers")[2])["readers"]


def test_the_heads_keep_caches_and_proxies_away(site, topic):
    html, cookie = site.page(topic)
    status, headers, _ = site.ask("GET", connection(html).address("poll"), headers=cookie)
    assert status == 200
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert headers["Cache-Control"] == "no-store, no-transform"
    assert headers["X-Accel-Buffering"] == "no"


def test_last_event_id_wins_over_the_address(site, writer, topic):
    html, cookie = site.page(topic)
    page = connection(html)
    first, second = (writer.log.publish([(str(n), event(topic, n))]) for n in (f"{topic}1", f"{topic}2"))
    last = {"Last-Event-ID": f"{first[0]}-{first[1][0]}"}
    with StreamClient(site.url, cookie | last).connect(page) as client:
        assert client.event().id == f"{second[0]}-{second[1][0]}"


def event(topic, text):
    return Event(topic, str(text))


def test_a_head_request_leaves_no_reader(site, topic):
    html, cookie = site.page(topic, user="header")
    before = readers(site)
    for _ in range(25):  # more than a user may have open
        assert site.ask("HEAD", connection(html).address("stream"), headers=cookie)[0] == 200
    assert readers(site) == before


def test_a_stream_that_is_closed_leaves_no_reader(site, topic):
    html, cookie = site.page(topic, user="closer")
    clients = [StreamClient(site.url, cookie).connect(connection(html)) for _ in range(5)]
    assert readers(site) >= 5
    for client in clients:
        client.close()
    deadline = time.monotonic() + 10
    with StreamClient(site.url, cookie).connect(connection(html)) as watcher:
        while readers(site) > 1:
            assert time.monotonic() < deadline
            watcher.next()  # a beat


def test_a_poll_waits_for_news_and_not_for_beats(patient_site, topic):
    html, cookie = patient_site.page(topic)
    begun = time.monotonic()
    _, _, answer = patient_site.ask("GET", connection(html).address("poll") + "&wait=1", headers=cookie)
    assert time.monotonic() - begun >= 0.9
    names = [one.name for one in Parser().feed(answer.encode())]
    assert names == ["live:open", "live:beat"]


def test_a_poll_answers_at_once_when_there_is_something(patient_site, writer, topic):
    html, cookie = patient_site.page(topic)
    writer.signal(topic, "n", 1)
    begun = time.monotonic()
    _, _, answer = patient_site.ask("GET", connection(html).address("poll"), headers=cookie)
    assert time.monotonic() - begun < 15
    assert [one.name for one in Parser().feed(answer.encode())] == ["live:open", "live:n", "live:beat"]


def test_a_page_says_the_position_it_was_rendered_at(site, topic):
    _, cookie = site.page(topic)
    status, headers, html = site.ask("GET", f"/page?topic={topic}", headers=cookie)
    assert (status, headers["Live-Position"]) == (200, connection(html).position)


def test_a_page_of_a_topic_that_is_not_theirs_is_refused_at_render(site, topic):
    _, cookie = site.page(topic)
    assert site.ask("GET", "/page?topic=users:user:grace", headers=cookie)[0] == 403


def test_a_user_of_no_session_gets_a_page_without_connection(site, topic):
    status, _, html = site.ask("GET", f"/page?topic={topic}")
    assert (status, "live-connect" in html) == (200, False)
