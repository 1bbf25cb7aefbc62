"""What is true of one transport is true of all three: every test here runs on stream, long-poll and WebSocket.

Against the real server over real sockets; what cannot be said here is no shared behaviour.
"""

import json
import re
import threading
import time

import pytest

from live.event import Event
from live.log import new_uuid
from live.testing import Ended, Refused, StreamClient, connection

REVOKED_S = 2  # the promise of DESIGN 4.6

HOSTILE = {
    "newlines": "a\n\nb\n",
    "carriage returns": "a\r\rb",
    "both": "a\r\n\r\nb",
    "nul": "a\0b",
    "separators": "a\u2028b\u2029c\x85d",
    "byte order mark": "\ufeffa",
    "a field": "data: a\n\nid: 9\nevent: live:bye\nretry: 1\n\ndata: b",
    "an id": "id: 9",
    "a colon": ": a\n:b",
    "a script": "<script>alert(1)</script></hx-partial>",
    "an envelope": '{"event": "live:bye", "data": "", "id": "x-9"}',
    "blanks": "  a  \n  b  ",
    "beyond the first plane": "\U0001f35e" * 3,
    "nothing": "",
}


def texts(events):
    return [json.loads(event.data) for event in events]


def test_events_arrive_in_order_and_once(writer, open_page, topic):
    page = open_page(topic)
    for number in range(30):
        writer.signal(topic, "n", number)
    assert texts(page.events(30)) == list(range(30))
    writer.signal(topic, "n", "last")
    assert texts([page.event()]) == ["last"]


def test_the_first_event_is_open_with_the_build(open_page, topic):
    first = open_page(topic).next(1)
    assert (first.name, first.id, json.loads(first.data)["build"]) == ("live:open", "", "test")


def test_a_thousand_events_between_render_and_connect_are_all_shown_once(site, writer, open_page, topic):
    page = site.page(topic)
    rows = [(new_uuid(), Event(topic, str(number), "live:n")) for number in range(1000)]
    writer.log.publish(rows)
    client = open_page(page=page)
    writer.signal(topic, "n", 1000)
    assert texts(client.events(1001)) == list(range(1001))


def test_a_page_goes_on_from_its_position(writer, open_page, topic):
    first = open_page(topic)
    for number in range(5):
        writer.signal(topic, "n", number)
    third = first.events(5)[2]
    first.close()
    assert texts(open_page(topic, position=third.id).events(2)) == [3, 4]


def test_ids_rise_by_number_and_carry_one_epoch(writer, open_page, topic):
    page = open_page(topic)
    for number in range(5):
        writer.signal(topic, "n", number)
    epochs, numbers = zip(*(event.id.split("-") for event in page.events(5)), strict=True)
    assert len(set(epochs)) == 1
    assert list(map(int, numbers)) == sorted(set(map(int, numbers)))


def test_a_beat_moves_the_position_of_a_quiet_page(writer, open_page, topic):
    page = open_page(topic)
    for _ in range(20):
        writer.signal("notes:list:busy", "n", 0)
    head = writer.log.head()
    while (event := page.next()).name != "live:beat" or event.id != str(head):
        assert event.name in ("live:open", "live:beat")
    assert json.loads(event.data) == {"fresh": True}


def test_a_position_ahead_of_the_process_waits_for_it(site, writer, open_page, topic):
    page = site.page(topic)
    worker = site.worker
    worker.suspend()  # it cannot read the log, and its backlog takes our connection
    try:
        writer.signal(topic, "n", "seen by another process")
        ahead = writer.log.head()
        resume_later(worker)
        client = open_page(page=page, position=str(ahead))
    finally:
        worker.resume()
    writer.signal(topic, "n", "new")
    assert texts([client.event()]) == ["new"]


def resume_later(process):
    threading.Timer(0.04, process.resume).start()


def unprovable():
    """Positions that no history can prove, each with the name of what is wrong with it; {e} is the epoch of now."""
    zeros = [f"{{e}}-{'0' * n}" for n in (2, 5, 50)]
    huge = ["{e}-" + "9" * n for n in (15, 16, 19, 20, 100, 3000)]
    signs = ["{e}--1", "{e}-+1", "{e}-1.0", "{e}-1e3", "{e}-0x1", "{e}-1_0", "{e}- 1", "{e}-1 ", " {e}-1", "{e}-1\n"]
    digits = ["{e}-\u0661", "{e}-\uff11", "{e}-\u00b2", "{e}-\u2460", "\uff41" * 12 + "-1"]
    bytes_ = ["{e}-1\0", "\0", "{e}\0-1", "{e}-1\r\n", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]
    forms = ["", "-", "none", "null", "undefined", "NaN", "1", "-1", "{e}", "{e}-", "-{e}", "{e}-1-1", "{e}-a", "{e}:1"]
    quoting = ["'", '"', "{e}-1' OR 1=1", "<script>", "../../etc/passwd", "%00", "{e}-1;DEL", "[]", '{{"a":1}}', "*", "$"]
    return [*zeros, *huge, *signs, *digits, *bytes_, *forms, *quoting]


def test_positions_that_prove_nothing_are_answered_with_resync(site, writer, open_page, topic, transport):
    bad = unprovable()
    assert len(bad) >= 50
    epoch = writer.log.head().epoch
    page = site.page(topic)
    for position in bad:
        client = open_page(page=page, position=position.replace("{e}", epoch).replace("{{", "{").replace("}}", "}"))
        event = client.event()
        assert event.name == "live:resync", position
        assert json.loads(event.data)["spread"] >= 0
        with pytest.raises(Ended):
            client.event()


@pytest.mark.parametrize("position", ["abcdefabcdef-1", "{e}-999999"])
def test_another_epoch_and_the_future_are_answered_with_resync(writer, open_page, topic, position):
    client = open_page(topic, position=position.replace("{e}", writer.log.head().epoch))
    assert client.event().name == "live:resync"


def test_events_of_other_topics_do_not_arrive(writer, open_page, topic):
    page = open_page(topic)
    writer.signal(topic + "0", "n", "foreign")
    writer.signal("users:user:grace", "n", "foreign")
    writer.signal(topic, "n", "mine")
    assert texts([page.event()]) == ["mine"]


def test_several_topics_have_one_order(writer, open_page, topic):
    page = open_page(topic, topic + "x", "users:user:ada")
    sent = [topic, topic + "x", "users:user:ada", topic + "x", topic]
    for number, one in enumerate(sent):
        writer.signal(one, "n", number)
    assert texts(page.events(5)) == [0, 1, 2, 3, 4]


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


def test_a_page_of_which_everything_is_denied_is_refused(site, open_page, topic, transport):
    page = site.page(topic, user="mallory")
    site.change(deny=[["mallory", topic]])
    with pytest.raises(Refused) as refused:
        open_page(page=page)
    assert refused.value.status == (4403 if transport == "socket" else 403)


def test_nobody_is_refused(site, open_page, topic, transport):
    html, _ = site.page(topic)
    with pytest.raises(Refused) as refused:
        open_page(page=(html, {}))
    assert refused.value.status == (4401 if transport == "socket" else 401)


def test_a_session_that_has_ended_is_refused(site, open_page, topic, transport):
    page = site.page(topic, session_id=f"ada-{topic}")
    site.change(end=[f"ada-{topic}"])
    with pytest.raises(Refused) as refused:
        open_page(page=page)
    assert refused.value.status == (4401 if transport == "socket" else 401)


def test_a_list_signed_for_another_session_is_refused(site, open_page, topic, transport):
    html, _ = site.page(topic)
    for thief in (("grace", "grace-1"), ("ada", "ada-2")):
        _, headers = site.page(topic, user=thief[0], session_id=thief[1])
        with pytest.raises(Refused) as refused:
            open_page(page=(html, headers))
        assert refused.value.status == (4403 if transport == "socket" else 403)


def tampered(token):
    head, _, signature = token.rpartition(".")
    return [
        token[:-2], token + "A", "x" + token, head, f"{head}.", f".{signature}", token.swapcase(),
        "a.b", "\u0661", ".", "." * 4000, "W10." + signature, token[1:],
    ]  # fmt: skip


def test_a_tampered_list_is_refused(site, open_page, topic, transport):
    html, headers = site.page(topic)
    token = connection(html).token
    for bad in tampered(token):
        with pytest.raises(Refused) as refused:
            open_page(page=(html.replace(token, bad), headers), position="none")
        assert refused.value.status == (4403 if transport == "socket" else 403), bad


def test_a_request_without_a_list_is_refused(site, open_page, topic, transport):
    html, headers = site.page(topic)
    with pytest.raises(Refused) as refused:
        open_page(page=(html.replace(connection(html).token, ""), headers))
    assert refused.value.status == (4403 if transport == "socket" else 400)


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "{own}"},
        {"Origin": "{own}.evil.example"},
        {"Origin": "{own}/"},
        {"Sec-Fetch-Site": ""},
    ],
)
def test_another_site_is_refused(site, open_page, topic, foreign):
    html, headers = site.page(topic)
    foreign = {name: value.replace("{own}", site.url) for name, value in foreign.items()}
    with pytest.raises(Refused) as refused:
        open_page(page=(html, headers | foreign))
    assert refused.value.status == 403


def test_the_site_itself_is_not_refused(site, open_page, topic):
    html, headers = site.page(topic)
    for own in ({"Origin": site.url}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert open_page(page=(html, headers | own)).next().name == "live:open"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_one_event_and_the_same_text(writer, open_page, topic, name):
    page = open_page(topic)
    text = HOSTILE[name]
    writer.signal(topic, "n", text)
    writer.upsert(topic, "#list", "_raw.html", text=text)
    writer.signal(topic, "n", "end")
    signal, fragment, end = page.events(3)
    assert texts([signal, end]) == [text, "end"]
    # An HTML parser makes one LF of each line end, and so may the transport.
    body = re.search('<p id="raw">(.*)</p>', lines(fragment.data), re.DOTALL)[1]
    assert (fragment.name, body) == ("", lines(text))


def lines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_a_name_cannot_carry_a_line(writer, topic):
    for name in ("a\nid: 9", "a\rb", "a\0", "Click", "", "a b", "a" * 65):
        with pytest.raises(Exception, match="not a name"):
            writer.signal(topic, name)


def test_each_verb_arrives_in_its_form(writer, open_page, topic):
    page = open_page(topic)
    upsert = writer.upsert(topic, "#notes", "_text.html", text="a & b")
    writer.replace(topic, "#text", "_text.html", text="c")
    writer.remove(topic, "#text")
    writer.refresh(topic, "#count")
    writer.signal(topic, "rang", {"by": "ada"})
    fragment, replaced, removed, refresh, signal = page.events(5)
    wrap = '<hx-partial hx-target="{}" hx-swap="{}">{}</hx-partial>'
    assert fragment.data == wrap.format("#notes", "live-upsert", '<p id="text">a &amp; b</p>') == upsert.html
    assert replaced.data == wrap.format("#text", "outerMorph", '<p id="text">c</p>')
    assert removed.data == wrap.format("#text", "delete", "")
    assert (refresh.name, refresh.data) == ("live:refresh", "#count")
    assert (signal.name, json.loads(signal.data)) == ("live:rang", {"by": "ada"})


def test_what_is_too_big_for_an_event_arrives_as_a_refresh(writer, open_page, topic):
    page = open_page(topic)
    writer.replace(topic, "#text", "_text.html", text="x" * 65536)
    assert page.event().name == "live:refresh"


def test_the_newest_volatile_value_comes_after_open(writer, open_page, topic):
    for done in range(5):
        writer.replace(topic, "#text", "_text.html", text=f"{done} %", key="bar", volatile=True)
    settle(writer, open_page, topic)
    late = open_page(topic)
    assert late.next().name == "live:open"
    newest = late.event()
    assert "4 %" in newest.data
    assert newest.id == ""


def settle(writer, open_page, topic):
    """Until the server has heard what the channel said before."""
    watcher = open_page(topic)
    while True:
        try:
            if "4 %" in watcher.event(0.3).data:
                return
        except TimeoutError:
            writer.replace(topic, "#text", "_text.html", text="4 %", key="bar", volatile=True)


def test_a_volatile_value_arrives_at_once_and_its_newest_wins(writer, open_page, topic):
    page = open_page(topic)
    for done in range(50):
        writer.replace(topic, "#text", "_text.html", text=f"{done} %", key="bar", volatile=True)
    while "49 %" not in page.event().data:
        pass


def test_a_newer_event_of_a_key_is_never_followed_by_an_older_one(writer, open_page, topic):
    page = open_page(topic)
    for number in range(100):
        writer.upsert(topic, "#notes", "_text.html", text=f"<{number}>", key="k")
    seen = [-1]
    while seen[-1] != 99:
        seen.append(int(re.search(r"&lt;(\d+)&gt;", page.event().data)[1]))
    assert seen == sorted(seen)


def test_a_revoked_topic_ends_within_two_seconds_and_the_others_go_on(site, writer, open_page, topic):
    other = topic + "x"
    client = open_page(topic, other)
    begun = time.monotonic()
    site.change(deny=[["ada", other]])
    writer.revoke(topic=other, user_id="ada")
    assert (client.event().name, time.monotonic() - begun < REVOKED_S) == ("live:revoked", True)
    writer.signal(other, "n", "secret")
    writer.signal(topic, "n", "mine")
    assert texts([next_signal(client)]) == ["mine"]


@pytest.mark.parametrize("what", ["user_id", "session_id"])
def test_a_revoked_user_or_session_ends_within_two_seconds(site, writer, open_page, topic, what):
    user = f"grace{topic[11:]}"
    mine, theirs = open_page(topic, user=user), open_page(topic)
    begun = time.monotonic()
    site.change(end=[f"{user}-1"])
    writer.revoke(**{what: user if what == "user_id" else f"{user}-1"})
    assert ending(mine) in ("signed-out", 401)
    assert time.monotonic() - begun < REVOKED_S
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


def test_one_user_has_so_many_connections_and_no_more(site, open_page, topic, transport):
    user = f"heavy{transport}"
    html, headers = site.page(topic, user=user)
    streams = [StreamClient(site.url, headers).connect(connection(html)) for _ in range(19)]
    try:
        assert open_page(page=(html, headers)).next().name == "live:open"
        streams.append(StreamClient(site.url, headers))
        if transport == "poll":
            streams[-1].connect(connection(html))
        with pytest.raises(Refused) as refused:
            open_page(page=(html, headers))
        assert refused.value.status == (1013 if transport == "socket" else 429)
        assert open_page(topic).next().name == "live:open"  # the others are not touched
    finally:
        for stream in streams:
            stream.close()
