"""Connections that are cut at any byte, arrive in crumbs, late, whole or without a header: all of it, once, in order.

LEVAIN_CUTS says how often each page is cut off (20; the long form sets 170, which makes 500 on three transports).
"""

import os
import random
from types import SimpleNamespace

import pytest

from live.testing import TRANSPORTS
from live.testing.faults import BAD_GATEWAY, Proxy

pytestmark = [pytest.mark.xdist_group("faults-redis"), pytest.mark.long]

CUTS = int(os.environ.get("LEVAIN_CUTS", "20"))
SEED = 5
# Head, open and a few events; a cut in the head comes to nothing, one behind the events is no cut.
FEWEST, MOST = 100, 2500


@pytest.fixture
def proxy(notes):
    with Proxy(("127.0.0.1", notes.port)) as proxy:
        yield proxy


@pytest.fixture(params=list(TRANSPORTS))
def page(request, notes, proxy, open_page):
    """Loaded past the proxy, connected through it."""
    behind = SimpleNamespace(url=proxy.url, headers=notes.headers, ask=notes.ask)
    page = open_page(behind, request.param)
    page.until_shown(notes.post())
    return page


def complete(notes, page):
    page.until_shown(notes.ids())
    assert page.shown == notes.ids()  # in order, and none twice
    assert (page.wrong, page.resyncs) == ([], 0)


@pytest.mark.timeout(60 + 2 * CUTS)
def test_cut_at_any_byte_nothing_is_lost_and_nothing_comes_twice(notes, proxy, page):
    dice = random.Random(SEED)
    while page.lost < CUTS:
        proxy.cut_after_bytes = dice.randint(FEWEST, MOST)
        if page.kind != "poll" and dice.random() < 0.3:
            proxy.cut()
        notes.post(dice.randint(1, 3), text="x" * 50)
        page.step(0.05)
    proxy.cut_after_bytes = None
    complete(notes, page)


def crumbs(proxy):
    proxy.chunk_bytes = 1


def late(proxy):
    proxy.delay_s = 0.02


def without_a_header(proxy):
    proxy.strip = frozenset({"last-event-id"})


@pytest.mark.parametrize("fault", [crumbs, late, without_a_header])
def test_what_a_proxy_does_to_the_bytes_changes_nothing(notes, proxy, page, fault):
    fault(proxy)
    for _ in range(3):
        proxy.cut()
        page.until_shown(notes.post(3))
    complete(notes, page)


def test_a_proxy_that_answers_for_itself_is_not_believed(notes, proxy, page):
    proxy.answer = BAD_GATEWAY
    proxy.cut()
    ids = notes.post(3)
    while page.lost < 4:
        page.step()
    assert not set(ids) & set(page.shown)
    proxy.answer = None
    complete(notes, page)


@pytest.mark.parametrize("page", ["poll"], indirect=True)
def test_a_poll_held_back_until_it_is_whole_is_a_poll(notes, proxy, page):
    proxy.hold = True
    for _ in range(3):
        page.until_shown(notes.post(3))
    complete(notes, page)
