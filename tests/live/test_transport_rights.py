"""The contract of all transports, continued: what is not theirs never arrives, and a right that ends, ends at once."""

import json
import time

import pytest

from live.testing import Ended, Refused
from tests.faults.limits import in_time

REVOKED_S = 2  # the promise of DESIGN 4.6


def texts(events):
    return [json.loads(event.data) for event in events]


def test_events_of_other_topics_do_not_arrive(writer, open_page, topic):
    page = open_page(topic)
    writer.signal(topic + "0", "n", "foreign")
    writer.signal("users:user:grace", "n", "foreign")
    writer.signal(topic, "n", "mine")
    assert texts([page.event()]) == ["mine"]


def test_a_topic_denied_since_the_render_is_revoked_and_the_others_go_on(site, writer, open_page, topic):
    other = topic + "x"
    page = site.page(topic, other)
    site.change(deny=[["ada", other]])
    client = open_page(page=page)
    revoked = client.event()
    assert (revoked.name, revoked.data) == ("live:revoked", other)
    writer.signal(other, "n", "secret")
    writer.signal(topic, "n", "mine")
    news = [event for event in client.events(1) if event.name != "live:revoked"] or [next_signal(client)]
    assert texts(news) == ["mine"]


def next_signal(client):
    """A long-poll says again with each answer what is denied."""
    while (event := client.event()).name == "live:revoked":
        pass
    return event


def test_a_revoked_topic_ends_within_two_seconds_and_the_others_go_on(site, writer, open_page, topic):
    other = topic + "x"
    client = open_page(topic, other)
    begun = time.monotonic()
    site.change(deny=[["ada", other]])
    writer.revoke(topic=other, user_id="ada")
    assert (client.event().name, time.monotonic() - begun < in_time(REVOKED_S)) == ("live:revoked", True)
    writer.signal(other, "n", "secret")
    writer.signal(topic, "n", "mine")
    assert texts([next_signal(client)]) == ["mine"]


def test_what_all_pages_of_a_user_follow_needs_no_list_and_grows_and_shrinks_while_they_are_open(
    site, writer, open_page, topic
):
    user, frame, late = f"frame{topic[11:]}", topic + "f", topic + "l"
    site.change(frames={user: [frame]})
    client, other = open_page(topic, user=user), open_page(topic)
    writer.signal(frame, "n", frame)
    assert texts([client.event()]) == [frame]
    site.change(frames={user: [frame, late]})
    writer.grant(user_id=user, topic=late)
    writer.signal(late, "n", late)
    assert texts([client.event()]) == [late]
    site.change(frames={user: [late]})
    writer.revoke(user_id=user, topic=frame)
    for each in (frame, late, topic):
        writer.signal(each, "n", each)
    assert texts([next_signal(client), client.event()]) == [late, topic]
    assert texts([other.event()]) == [topic]


@pytest.mark.parametrize("what", ["user_id", "session_id"])
def test_a_revoked_user_or_session_ends_within_two_seconds(site, writer, open_page, topic, what):
    user = f"grace{topic[11:]}"
    mine, theirs = open_page(topic, user=user), open_page(topic)
    begun = time.monotonic()
    site.change(end=[f"{user}-1"])
    writer.revoke(**{what: user if what == "user_id" else f"{user}-1"})
    assert ending(mine) in ("signed-out", 401)
    assert time.monotonic() - begun < in_time(REVOKED_S)
    writer.signal(topic, "n", "for those who may")
    assert texts([theirs.event()]) == ["for those who may"]


def test_an_ended_session_is_found_without_a_revocation(site, open_page, topic):
    client = open_page(topic, user="grace", session_id=f"grace-{topic}")
    client.next()
    site.change(end=[f"grace-{topic}"])
    assert ending(client) in ("signed-out", 401)


def ending(client):
    """The reason of the goodbye; for a poll that came back a moment later, the status of its refusal."""
    try:
        bye = client.event()
    except Refused as refused:
        return refused.status
    assert bye.name == "live:bye"
    with pytest.raises(Ended) as ended:
        client.event()
    assert ended.value.code in (0, 4401)
    return json.loads(bye.data)["reason"]
