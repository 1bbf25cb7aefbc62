"""The table of states, cell by cell; and where a repair finds that there is nothing to wait for."""

import pytest
import redis

from tests.support.door import answer
from tests.support.live_pages import is_in, texts

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
WHATS = ["open", "answer", "lost", "silent", "repair", "hide", "show", "unauthorised", "forbidden"]
GO_ON = {"open": "live", "answer": "polling", "silent": "stale", "repair": "catching-up", "hide": "paused"}
END = {"unauthorised": "signed-out", "forbidden": "denied"}
LEADS_TO = {
    "connecting": GO_ON | END,
    "live": GO_ON | END | {"lost": "connecting"},
    "polling": GO_ON | END | {"lost": "connecting"},
    "catching-up": GO_ON | END,
    "stale": GO_ON | END,
    "paused": END | {"show": "connecting"},
    "signed-out": {},
    "denied": {},
}
# A module of its own for each cell: how to get to the state, then what happens there.
WALK = """async ([state, what, url]) => {
  const {is, happen, ...table} = await import(url);
  const way = {connecting: [], live: ["open"], polling: ["answer"], "catching-up": ["repair"], stale: ["silent"],
    paused: ["hide"], "signed-out": ["unauthorised"], denied: ["forbidden"]};
  way[state].forEach(happen);
  if (!is(state)) throw new Error(`no way to ${state}`);
  let changes = 0;
  table.watchState(() => { changes++; });
  happen(what);
  return [Object.keys(table.NEXT).find((each) => is(each)), changes];
}"""


def test_every_cell_of_the_table(ada):
    page = ada.open()
    for state, leads_to in LEADS_TO.items():
        for what in WHATS:
            url = f"/live/static/states.js?{state}-{what}"
            after, changes = page.evaluate(WALK, [state, what, url])
            assert after == leads_to.get(what, state), (state, what)
            assert changes == (after != state), (state, what)


def test_a_repair_that_finds_no_right_any_more_ends_the_page(ada, new_door, list_redis):
    ways = {
        "signed-out": [answer(401), answer(302, Location="/signin")],
        "denied": [answer(403), answer(404), answer(410)],
    }
    ada.do(["put", 1, "one"])
    pages = []
    for state, answers in ways.items():
        for each in answers:
            door = new_door()
            pages.append((ada.open(door=door), door, state))
            door.rules = {"/signin": answer(200, "Sign in"), ada.path: each}
    with redis.Redis.from_url(list_redis) as client:
        client.flushall()
    for page, door, state in pages:
        is_in(page, state)
        before = len(door.asked)
        page.wait_for_timeout(500)
        assert (len(door.asked), door.open("/live/"), texts(page)) == (before, 0, ["one"])
