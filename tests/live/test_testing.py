"""The test kit itself: it sees what was published, and it fails where a page and its events have drifted apart."""

import pytest

from live.testing import Received, apply, assert_published, capture, converges, received
from tests.live import bare_site


@pytest.fixture
def app(spare_redis, broken_redis, monkeypatch):
    monkeypatch.setattr("live.hub.READ_BLOCK_MS", 100)  # how long an idle hub takes to stop
    app = bare_site.create({"REDIS_URL": spare_redis, "LIVE_SPACE": "kit"})
    yield app
    app.live.hub.stop()


@pytest.fixture
def client(app):
    client = app.test_client()
    client.set_cookie("who", bare_site.signer.dumps(["ada", "ada-1"]))
    return client


def write(app, topic, number, text, template="_note.html"):
    """What a feature does: the change, then its event."""
    version = app.state.notes.get(number, {"version": 0})["version"] + 1
    app.state.notes[number] = {"id": number, "version": version, "text": text}
    app.live.upsert(topic, "#notes", template, note=app.state.notes[number])


def test_capture_sees_numbered_and_volatile_events_of_the_block_only(app, topic):
    app.live.signal(topic, "before")
    with capture(app.live) as captured:
        app.live.signal(topic, "rang", 1)
        app.live.replace(topic, "#text", "_text.html", text="half", key="bar", volatile=True)
        app.live.revoke(topic=topic)
        assert len(captured.events) == len(captured.events) == 2
    assert_published(captured, topic, name="live:rang")
    assert_published(captured, topic, target="#text", contains="half")
    assert_published(captured, topic, name="live:before", times=0)
    assert [event.topic for event in captured.revoked] == [topic]


@pytest.mark.parametrize(
    "wanted", [{"name": "live:other"}, {"target": "#x"}, {"contains": "absent"}, {"times": 2}]
)
def test_an_assertion_that_does_not_hold_fails_and_shows_what_was_published(app, topic, wanted):
    with capture(app.live) as captured:
        app.live.signal(topic, "rang", "ring ring")
    with pytest.raises(AssertionError, match="ring ring"):
        assert_published(captured, topic, **wanted)


def test_a_page_receives_what_came_after_it(app, client, topic):
    page = client.get(f"/page?topic={topic}").text
    for number in range(3):
        app.live.signal(topic, "n", number)
        app.live.signal(topic + "x", "n", "foreign")
    assert [event.data for event in received(client, page)] == ["0", "1", "2"]
    assert received(client, client.get(f"/page?topic={topic}").text) == []


def test_pages_converge_when_rows_come_change_and_go(app, client, topic):
    url = f"/page?topic={topic}"
    ignored = ["#count"]
    for number, text in ((2, "b"), (1, "a & <b>"), (10, "c"), (2, "changed")):
        assert (
            len(converges(client, url, lambda n=number, t=text: write(app, topic, n, t), ignore=ignored)) == 1
        )

    def remove():
        del app.state.notes[2]
        app.live.remove(topic, "#note-2")

    converges(client, url, remove, ignore=ignored)


def test_a_refresh_brings_what_no_fragment_can(app, client, topic):
    def act():
        write(app, topic, 1, "a")
        app.live.refresh(topic, "#count")

    converges(client, f"/page?topic={topic}", act)


def test_a_forgotten_refresh_is_found(app, client, topic):
    with pytest.raises(AssertionError, match=r"(?s)-\s+0 notes, ada.*\+\s+1 notes, ada"):
        converges(client, f"/page?topic={topic}", lambda: write(app, topic, 1, "a"))


def test_a_fragment_that_drifted_from_its_page_is_found(app, client, topic):
    app.jinja_loader.mapping["_drifted.html"] = bare_site.NOTE.replace("{{ note.text }}", "{{ note.text }}!")
    with pytest.raises(AssertionError, match=r"\+\s+a\n"):
        converges(
            client,
            f"/page?topic={topic}",
            lambda: write(app, topic, 1, "a", "_drifted.html"),
            ignore=["#count"],
        )


def test_an_attribute_that_drifted_is_found(app, client, topic):
    app.jinja_loader.mapping["_drifted.html"] = bare_site.NOTE.replace("<li", '<li class="new"')
    with pytest.raises(AssertionError, match="class='new'"):
        converges(
            client,
            f"/page?topic={topic}",
            lambda: write(app, topic, 1, "a", "_drifted.html"),
            ignore=["#count"],
        )


def test_a_change_without_an_event_is_found(app, client, topic):
    def act():
        app.state.notes[1] = {"id": 1, "version": 1, "text": "silent"}

    with pytest.raises(AssertionError, match="silent"):
        converges(client, f"/page?topic={topic}", act)


def test_a_page_without_a_region_is_no_test(app, client, topic):
    app.jinja_loader.mapping["page.html"] = bare_site.PAGE.replace(" data-live-region", "")
    with pytest.raises(AssertionError, match="nothing could be compared"):
        converges(client, f"/page?topic={topic}", lambda: None)


ROWS = """<ol id="l" data-live-region>
<li id="a" data-version="2" data-sort="1">A</li><li id="c" data-sort="30">C</li>
</ol>"""


def push(target, swap, html=""):
    return Received(f'<hx-partial hx-target="{target}" hx-swap="{swap}">{html}</hx-partial>')


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (push("#l", "live-upsert", '<li id="b" data-sort="4">B</li>'), ["A", "B", "C"]),
        (push("#l", "live-upsert", '<li id="b" data-sort="0">B</li>'), ["B", "A", "C"]),
        (push("#l", "live-upsert", '<li id="b" data-sort="100">B</li>'), ["A", "C", "B"]),
        (push("#l", "live-upsert", '<li id="b">B</li>'), ["A", "C", "B"]),
        (push("#l", "live-upsert", '<li id="a" data-version="3" data-sort="99">A2</li>'), ["C", "A2"]),
        (push("#l", "live-upsert", '<li id="a" data-version="3">A2</li>'), ["A2", "C"]),
        (push("#l", "live-upsert", '<li id="a" data-version="1" data-sort="99">A0</li>'), ["A", "C"]),
        (push("#a", "outerMorph", '<li id="a" data-version="2">A2</li>'), ["A2", "C"]),
        (push("#a", "outerMorph", '<li id="a" data-version="1">A0</li>'), ["A", "C"]),
        (push("#a", "delete"), ["C"]),
        (push("#gone", "delete"), ["A", "C"]),
        (push("#gone", "live-upsert", '<li id="z">Z</li>'), ["A", "C"]),
        (Received("#elsewhere", "live:refresh"), ["A", "C"]),
        (Received("x", "live:signal"), ["A", "C"]),
    ],
)
def test_an_event_is_applied_as_the_page_applies_it(event, expected):
    from bs4 import BeautifulSoup

    after = BeautifulSoup(apply(ROWS, [event]), "html.parser")
    assert [row.text for row in after.find_all("li")] == expected


def test_two_roots_are_not_accepted():
    with pytest.raises(AssertionError, match="one root"):
        apply(ROWS, [push("#l", "live-upsert", "<li id=x></li><li id=y></li>")])
