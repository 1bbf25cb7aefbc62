"""What is true of one transport is true of all three: every test here runs on stream, long-poll and WebSocket.

Against the real server over real sockets; what cannot be said here is no shared behaviour. This file: order, once,
positions. Its sisters, on the same fixture: test_transport_forms, test_transport_refusals, test_transport_rights.
"""

import json
import threading

import pytest

from live.event import Event
from live.log import new_uuid
from live.testing import Ended


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
    assert json.loads(event.data)["fresh"] is True


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
    signs = [
        "{e}--1",
        "{e}-+1",
        "{e}-1.0",
        "{e}-1e3",
        "{e}-0x1",
        "{e}-1_0",
        "{e}- 1",
        "{e}-1 ",
        " {e}-1",
        "{e}-1\n",
    ]
    digits = ["{e}-\u0661", "{e}-\uff11", "{e}-\u00b2", "{e}-\u2460", "\uff41" * 12 + "-1"]
    bytes_ = [
        "{e}-1\0",
        "\0",
        "{e}\0-1",
        "{e}-1\r\n",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ]
    forms = [
        "",
        "-",
        "none",
        "null",
        "undefined",
        "NaN",
        "1",
        "-1",
        "{e}",
        "{e}-",
        "-{e}",
        "{e}-1-1",
        "{e}-a",
        "{e}:1",
    ]
    quoting = [
        "'",
        '"',
        "{e}-1' OR 1=1",
        "<script>",
        "../../etc/passwd",
        "%00",
        "{e}-1;DEL",
        "[]",
        '{{"a":1}}',
        "*",
        "$",
    ]
    return [*zeros, *huge, *signs, *digits, *bytes_, *forms, *quoting]


def test_positions_that_prove_nothing_are_answered_with_resync(site, writer, open_page, topic, transport):
    bad = unprovable()
    assert len(bad) >= 50
    epoch = writer.log.head().epoch
    page = site.page(topic)
    for position in bad:
        client = open_page(
            page=page, position=position.replace("{e}", epoch).replace("{{", "{").replace("}}", "}")
        )
        event = client.event()
        assert event.name == "live:resync", position
        assert json.loads(event.data)["after"] >= 0
        with pytest.raises(Ended):
            client.event()


@pytest.mark.parametrize("position", ["abcdefabcdef-1", "{e}-999999"])
def test_another_epoch_and_the_future_are_answered_with_resync(writer, open_page, topic, position):
    client = open_page(topic, position=position.replace("{e}", writer.log.head().epoch))
    assert client.event().name == "live:resync"


def test_several_topics_have_one_order(writer, open_page, topic):
    page = open_page(topic, topic + "x", "users:user:ada")
    sent = [topic, topic + "x", "users:user:ada", topic + "x", topic]
    for number, one in enumerate(sent):
        writer.signal(one, "n", number)
    assert texts(page.events(5)) == [0, 1, 2, 3, 4]
