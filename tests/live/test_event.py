"""The pure functions: wire forms, positions, topics and signed lists, each with what it must refuse."""

import json

import pytest

from live import position
from live.errors import BadTopic, LiveError
from live.event import Encoded, Event, envelope, partial, root_id, signal_name, sse
from live.position import Position
from live.testing import Parser
from live.topics import MAX_TOPIC_CHARS, TopicList, Topics

TEXTS = [
    "",
    "a",
    "\n",
    "\r",
    "\r\n\n",
    "a\0b",
    "\ufeff",
    "\u2028\u2029\x85\x0b",
    "id: 9\n\ndata: x",
    " a",
    "\U0001f35e",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_one_block_of_a_stream_without_any_carriage_return(text):
    block = sse(text, name="live:n", position="epoch000-1", retry_ms=5)
    (event,) = Parser().feed(block)
    assert event.data == text.replace("\r\n", "\n").replace("\r", "\n")
    assert (event.name, event.id, event.retry_ms) == ("live:n", "epoch000-1", 5)
    assert b"\r" not in block


@pytest.mark.parametrize("text", TEXTS)
def test_a_block_survives_being_cut_anywhere(text):
    blocks = sse(text, name="live:n") + sse("end")
    for cut in range(len(blocks)):
        parser = Parser()
        assert [event.name for event in parser.feed(blocks[:cut]) + parser.feed(blocks[cut:])] == [
            "live:n",
            "",
        ]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_one_envelope(text):
    assert json.loads(envelope(text, position="e-1")) == {"id": "e-1", "data": text}


@pytest.mark.parametrize("bad", ["a\n", "a\r", "a\0", "\n"])
@pytest.mark.parametrize("form", [sse, envelope])
def test_a_line_end_in_a_name_or_an_id_is_refused(form, bad):
    for where in ("name", "position"):
        with pytest.raises(LiveError):
            form("x", **{where: bad})


def test_a_retry_is_never_zero():
    assert b"retry: 1\n" in sse("x", retry_ms=0)


def test_an_event_is_encoded_once_for_all_readers():
    encoded = Encoded(Event("a:b", "x"), 1, "epoch000-1")
    assert encoded.sse is encoded.sse
    assert encoded.envelope is encoded.envelope


@pytest.mark.parametrize(
    "event", [Event("a:b", "x"), Event("", "x", "revoke"), Event("a:b", "", "n", "#t", "k", 5)]
)
def test_an_event_survives_redis(event):
    assert Event.load(event.dump()) == event


def test_a_named_event_is_no_fragment():
    assert (Event("a:b", "x", "live:n").html, Event("a:b", "<p>").html) == ("", "<p>")


def test_a_partial_cannot_be_left_by_its_target():
    assert partial('"><script>', "a", "<p>") == (
        '<hx-partial hx-target="&#34;&gt;&lt;script&gt;" hx-swap="a"><p></hx-partial>'
    )


@pytest.mark.parametrize(
    "html", ['<p id="a">', "<p class='x' id='a'>", '\n <li\n  data-x="1"\n  id="a" >', '<x-y id="a"/>']
)
def test_the_id_of_a_root_is_found(html):
    assert root_id(html) == "a"


@pytest.mark.parametrize(
    "html", ["", "text", "<p>", '<p data-id="a">', '<p><b id="a">', '<p id="">', "<!-- x -->"]
)
def test_a_root_without_an_id_is_refused(html):
    with pytest.raises(LiveError):
        root_id(html)


def test_the_names_of_signals_are_prefixed():
    assert signal_name("order-placed") == "live:order-placed"
    for bad in ("Order", "1a", "", "a b", "a:b", "\u00e4", "a\n", "a" * 65):
        with pytest.raises(LiveError):
            signal_name(bad)


@pytest.mark.parametrize("n", [0, 1, 10**15 - 1])
def test_a_position_comes_back_from_its_text(n):
    assert position.read(str(Position("0123456789ab", n))) == Position("0123456789ab", n)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "none",
        "-",
        "abcdefgh",
        "abcdefgh-",
        "-1",
        "abcdefgh--1",
        "abcdefgh-01",
        "abcdefgh-1 ",
        " abcdefgh-1",
        "abcdefgh-1\n",
        "abcdefgh-\u0661",
        "abcdefgh-" + "9" * 16,
        "ABCDEFGH-1",
        "a-1",
        "a" * 33 + "-1",
        "abcdefgh-1-1",
        "abcdefgh-1\0",
        "abcd\uff41fgh-1",
    ],
)
def test_a_malformed_position_is_none(text):
    assert position.read(text) is None


@pytest.fixture
def topics():
    topics = Topics()
    topics.add("orders:kitchen", lambda user: user == "carlo")
    topics.add("chat:room:<int:room_id>", lambda _user, room_id: room_id == 3)
    return topics


def test_a_rule_sees_the_values_of_the_topic(topics):
    assert topics.allows("ada", "chat:room:3")
    assert not topics.allows("ada", "chat:room:4")
    assert topics.allows("carlo", "orders:kitchen")
    assert not topics.allows("ada", "orders:kitchen")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "orders",
        "orders:",
        ":kitchen",
        "orders:kitchen:",
        "orders::kitchen",
        "orders/kitchen",
        "chat:room:x",
        "chat:room:",
        "chat:room:-3",
        "chat:room:3:x",
        "chat:room:\u0663",
        "chat:room:3\n",
        "chat:room:3?x",
        "chat:room:..",
        "Orders:kitchen",
        "orders:kitchen\0",
        "chat:room:" + "3" * MAX_TOPIC_CHARS,
        "chat:room:%33",
        "nobody:knows:1",
    ],
)
def test_a_topic_without_a_rule_is_refused(topics, topic):
    assert not topics.allows("carlo", topic)
    with pytest.raises(BadTopic):
        topics.check(topic)


def test_a_pattern_has_one_rule(topics):
    with pytest.raises(BadTopic):
        topics.add("orders:kitchen", lambda _user: True)


def test_a_list_is_readable_by_its_session_only():
    topics = TopicList("secret")
    signed = topics.sign(["b:c", "a:b", "a:b"], "ada-1")
    assert topics.read(signed, "ada-1") == ["a:b", "b:c"]
    assert topics.read(signed, "ada-2") is None
    assert TopicList("other").read(signed, "ada-1") is None
    assert topics.sign(["a:b"], "ada-1") != topics.sign(["a:b"], "ada-1")
