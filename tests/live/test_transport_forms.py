"""The contract of all transports, continued: hostile texts, the verbs, volatile values, keys."""

import json
import re

import pytest

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
