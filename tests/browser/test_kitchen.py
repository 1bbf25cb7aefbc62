"""The board by the oven, driven without a hand: UX K1 to K12. Guests and other cooks act from this process."""

import json
import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from embedded_redis import EmbeddedRedis
from tests.browser.shop import board, strip
from tests.support import ordering

pytestmark = [pytest.mark.timeout(240), pytest.mark.long]  # several browsers on two cores
WALL = {"width": 1920, "height": 1080}
BATCH_MS, REMIND_MS, MUTE_MS = 2000, 30_000, 600_000
CHIME = 1175  # Hz, in no other sound
COUNT_TONES = """() => {
window.tones = [];
const begin = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...rest) {
  window.tones.push([performance.now(), this.frequency.value]);
  return begin.apply(this, rest);
};
}"""
WRONG_CLOCK = """{
  const real = Date;
  window.Date = class extends real {
    constructor(...given) { if (given.length) super(...given); else super(real.now() + WRONG_BY_MS); }
    static now() { return real.now() + WRONG_BY_MS; }
  };
}"""
AGES_WRITTEN = """() => {
  window.ages = [];
  const note = (records) => records.forEach(({target}) => ages.push(target.textContent));
  for (const age of document.querySelectorAll(".age")) {
    new MutationObserver(note).observe(age, {childList: true, characterData: true, subtree: true});
  }
}"""
PRESS = """(number) => {
  const ticket = document.getElementById(`ticket-${number}`), key = ticket.dataset.localKey;
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
  return ticket.dataset.localWait;
}"""
# The finger that was on its way to another ticket: it presses the key of a ticket the moment that it gets one.
PRESS_WHAT_COMES = """() => new MutationObserver((records, observer) => {
  const fresh = records.map(({target}) => target).find((it) => it.matches(".ticket[data-local-fresh][data-local-key]"));
  if (!fresh) return;
  observer.disconnect();
  const key = fresh.dataset.localKey;
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
  window.pressed = true;
}).observe(document.getElementById("board"), {subtree: true, attributes: true})"""


@pytest.fixture
def site(serve):
    """With the beat of a real kitchen: a busy machine must not look like a lost contact."""
    return serve(LIVE_BEAT_S=5, LIVE_POLL_WAIT_S=5)


@pytest.fixture
def kitchen(open_as, shop):
    """kitchen(): a board on the wall, live, on which somebody has pressed a key."""

    def open_board(key="Shift", **options):
        page = open_as("carlo", "/kitchen/", viewport=options.pop("viewport", WALL), **options)
        is_live(page)
        if key:
            page.keyboard.press(key)
        return page

    return open_board


def is_live(page):
    expect(page.locator("html[data-size]")).to_have_attribute("data-live", re.compile("live|polling"))


def by_polling(page):
    verdict = json.dumps({"transport": "poll", "until": 10**15})
    page.add_init_script(f"sessionStorage.setItem('live-transport', {json.dumps(verdict)})")
    page.reload(wait_until="commit")
    expect(page.locator("html[data-size]")).to_have_attribute("data-live", "polling")


def ticket(page, number):
    return page.locator(f"#ticket-{number}")


def key_of(page, number):
    """The key shown on a ticket, once it takes presses."""
    expect(ticket(page, number).locator(".bump")).to_have_attribute("aria-disabled", "false")
    return ticket(page, number).get_attribute("data-local-key")


def keys(page):
    return page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('.ticket')].map((t) => [t.id, t.dataset.localKey]))"
    )


@pytest.mark.parametrize("transport", ["stream", "poll"])
def test_one_key_one_bump_everywhere(kitchen, open_as, shop, transport):  # K4 K5
    number, other = shop.place(), shop.place()
    guest = open_as("ada", f"/orders/{number}")
    boards = [kitchen(), kitchen()]
    if transport == "poll":
        for page in boards:
            by_polling(page)
    here = boards[0]
    key = key_of(here, number)
    here.keyboard.down(key)
    for _ in range(5):
        here.keyboard.down(key)  # a key that is held repeats
    expect(ticket(here, number)).to_have_attribute("data-local-wait", "sent", timeout=1000)
    here.keyboard.up(key)
    for page in boards:
        expect(page.locator(f"#column-oven #ticket-{number}")).to_be_visible()
        expect(page.locator(f"#column-new #ticket-{other}")).to_be_visible()
    expect(guest.locator("h1")).to_have_text("It is in the oven.")
    assert shop.orders() == [(number, "oven"), (other, "new")]


def test_a_press_belongs_to_the_button_it_began_on_though_the_board_moves(kitchen, shop):  # K4 K5
    numbers = [shop.place() for _ in range(5)]
    page = kitchen(has_touch=True)
    by_mouse, by_finger, nobody = numbers[1], numbers[3], numbers[4]
    key_of(page, nobody)
    page.mouse.move(*middle(page, by_mouse))
    page.mouse.down()
    leaves(page, shop, numbers[0])
    page.mouse.up()
    in_the_oven(page, by_mouse)

    finger = page.context.new_cdp_session(page)
    x, y = middle(page, by_finger)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    leaves(page, shop, numbers[2])
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    in_the_oven(page, by_finger)

    page.mouse.move(*middle(page, nobody))
    page.mouse.down()
    page.mouse.move(5, 5)  # who moves away has taken it back
    page.mouse.up()
    assert ticket(page, nobody).get_attribute("data-local-wait") is None
    assert dict(shop.orders()) == dict.fromkeys(numbers[:4], "oven") | {nobody: "new"}


def leaves(page, shop, number):
    """Another cook takes the ticket above, and what is under the finger moves up."""
    shop.move(number, "new")
    in_the_oven(page, number)


def in_the_oven(page, number):
    expect(page.locator(f"#column-oven #ticket-{number}")).to_be_visible()


def middle(page, number):
    """Where a finger presses a ticket's button."""
    box = ticket(page, number).locator(".bump").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_press_shows_on_its_ticket_before_anything_else_happens(kitchen, shop):  # K4
    number = shop.place()
    page = kitchen()
    key_of(page, number)
    assert (
        page.evaluate(PRESS, number) == "sent"
    )  # in the same task as the key: no clock is needed to say how soon


def test_two_cooks_one_wins_and_the_other_reads_who(kitchen, shop):  # K5
    number = shop.place()
    here = kitchen()
    here.evaluate("localStorage.setItem('kitchen', JSON.stringify({place: 'Pass 2'}))")
    there = kitchen()
    here.reload()
    is_live(here)
    key_here, key_there = key_of(here, number), key_of(there, number)
    there.evaluate("document.getElementById('live-connect').remove()")
    there.route("**/live/**", lambda route: route.abort())
    there.evaluate("window.dispatchEvent(new Event('offline'))")
    here.keyboard.press(key_here)
    expect(here.locator(f"#column-oven #ticket-{number}")).to_be_visible()
    there.keyboard.press(key_there)
    expect(there.locator("#conflict")).to_contain_text(
        f"Carlo at Pass 2 was faster: order {number} is in the oven"
    )
    expect(there.locator(f"#column-oven #ticket-{number}")).to_be_visible()
    assert shop.orders() == [(number, "oven")]


def test_keys_stay_with_their_tickets_and_a_fresh_ticket_takes_no_press(kitchen, shop):  # K5
    numbers = [shop.place() for _ in range(4)]
    page = kitchen()
    for number in numbers:
        key_of(page, number)
    before = keys(page)
    page.keyboard.press(before[f"ticket-{numbers[0]}"])
    expect(page.locator("#column-oven .ticket")).to_have_count(1)
    page.evaluate(PRESS_WHAT_COMES)
    late = shop.place()
    page.wait_for_function("() => window.pressed")
    after = keys(page)
    assert {name: after[name] for name in before} == before
    shop.move(numbers[1], "new", "oven", "ready")
    expect(ticket(page, numbers[1])).to_have_count(0)
    assert (late, "new") in shop.orders(), "a ticket that has just come took a press"
    newest = shop.place()
    expect(ticket(page, newest)).to_be_visible()
    assert keys(page)[f"ticket-{numbers[2]}"] == before[f"ticket-{numbers[2]}"]
    assert ticket(page, newest).get_attribute("data-local-key") != before[f"ticket-{numbers[1]}"]


def test_undo_and_recall_bring_it_back_with_its_age_and_a_word(kitchen, open_as, shop):  # K6
    number = shop.place()
    guest = open_as("ada", f"/orders/{number}")
    here, there = kitchen(), kitchen()
    since = ticket(here, number).locator(".age").get_attribute("data-since")
    for state in ("oven", "ready"):
        here.keyboard.press(key_of(here, number))
        expect(here.locator(f"#column-{state} #ticket-{number}")).to_be_visible()
    here.keyboard.press("u")
    for page in (here, there):
        back = page.locator(f"#column-oven #ticket-{number}")
        expect(back).to_contain_text("RECALLED")
        assert back.locator(".age").get_attribute("data-since") == since
    expect(guest.locator(".corrected")).to_contain_text("Corrected")
    for _ in range(2):
        here.keyboard.press(key_of(here, number))
        expect(here.locator(".ticket[data-local-wait]")).to_have_count(0)
    expect(ticket(here, number)).to_have_count(0)
    here.keyboard.press("r")
    expect(here.locator("#panel li")).to_contain_text(str(number))
    here.keyboard.press("Enter")
    expect(there.locator(f"#column-ready #ticket-{number}")).to_contain_text("RECALLED")
    assert here.evaluate("document.activeElement !== null")


def test_a_change_is_marked_until_it_is_seen_and_ticks_stay(kitchen, open_as, shop):  # K7 K8
    number = shop.place("Margherita", 2)
    page = kitchen()
    page.evaluate(COUNT_TONES)
    key = key_of(page, number)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("i")
    page.keyboard.press("Space")
    expect(ticket(page, number).locator(".tick")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#all-day")).to_be_empty()
    shop.ada.post(f"/orders/{number}/note", data={"note": "no hurry"})
    expect(ticket(page, number).locator(".note")).to_contain_text("NOTE no hurry")
    expect(ticket(page, number)).to_contain_text("CHANGED")
    expect(ticket(page, number).locator(".tick")).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("() => window.tones.length === 3")
    page.keyboard.press(key)
    expect(ticket(page, number)).not_to_contain_text("CHANGED")
    assert shop.orders() == [(number, "new")]


@pytest.mark.parametrize("wrong_by_ms", [600_000, -600_000], ids=["ahead", "behind"])
def test_ages_are_the_servers_whatever_the_device_believes(open_as, shop, wrong_by_ms):  # K3
    soon, late, old = shop.place(), shop.place(), shop.place()
    for number, seconds in ((soon, 358), (late, 598), (old, 6000)):
        shop.age(number, seconds)
    page = open_as("carlo", "/", viewport=WALL)
    page.add_init_script(WRONG_CLOCK.replace("WRONG_BY_MS", f"({wrong_by_ms})"))
    asked = []
    page.goto(f"{page.url}kitchen/")
    is_live(page)
    page.on("request", lambda request: asked.append(request.url))
    expect(ticket(page, soon).locator(".age")).to_have_text("Soon · 6 min")
    expect(ticket(page, late).locator(".age")).to_have_text("Late · 10 min")
    expect(ticket(page, late)).to_have_attribute("data-local-age", "late")
    expect(ticket(page, old).locator(".age")).to_have_text("Late · 1 h 40")
    page.evaluate(AGES_WRITTEN)
    page.wait_for_timeout(2500)
    assert page.evaluate("window.ages") == [], "somebody else writes the ages, too"
    # The browser may ask for the tab's picture whenever it likes.
    assert not [url for url in asked if "/live/" not in url and not url.endswith("/static/icon.svg")]


def test_without_contact_it_says_so_counts_and_tells_afterwards_what_came(
    serve, open_as, shop, tmp_path
):  # K2
    with EmbeddedRedis(tmp_path / "own-redis", aof=False) as own:
        site = serve(LIVE_BEAT_S=2, LIVE_POLL_WAIT_S=5, REDIS_URL=own.url)
        page = open_as("carlo", "/kitchen/", site.url, viewport=WALL)
        is_live(page)
        page.keyboard.press("Shift")
        page.evaluate(COUNT_TONES)
        own.stop()
        bar = page.locator("#contact-bar")
        expect(bar).to_contain_text(re.compile(r"No contact for 0:\d\d"), timeout=15_000)
        expect(page.locator("html")).to_have_attribute("data-live", "stale")
        first = bar.text_content()
        page.wait_for_function(
            "(text) => document.getElementById('contact-bar').textContent !== text", arg=first
        )
        box = bar.bounding_box()
        assert box["width"] > WALL["width"] * 0.95
        expect(page.locator("#alarm")).to_contain_text("No contact for 30 seconds", timeout=45_000)
        assert page.evaluate("window.tones.length") == 3


def test_what_came_while_away_is_one_sentence_and_one_chime(kitchen, shop):  # K2 K10
    page = kitchen()
    page.evaluate(COUNT_TONES)
    page.context.set_offline(True)
    expect(page.locator("html")).to_have_attribute("data-live", "stale")
    numbers = [shop.place() for _ in range(3)]
    page.context.set_offline(False)
    expect(page.locator("#contact-bar")).to_have_text("3 orders came while away")
    expect(page.locator("#column-new .ticket")).to_have_count(len(numbers))
    assert page.evaluate("window.tones.length") == 2  # two notes are one chime


def test_presses_wait_without_contact_and_go_out_in_order(kitchen, shop):  # K12
    numbers = [shop.place() for _ in range(3)]
    page = kitchen()
    order = [key_of(page, number) for number in numbers]
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "/moves" in request.url else None)
    page.context.set_offline(True)
    for key in reversed(order):
        page.keyboard.press(key)
    for number in numbers:
        expect(ticket(page, number)).to_have_attribute("data-local-wait", "waiting")
    assert {state for _, state in shop.orders()} == {"new"}
    sent.clear()
    page.context.set_offline(False)
    expect(page.locator("#column-oven .ticket")).to_have_count(3)
    done = [int(re.search(r"orders/(\d+)/", url)[1]) for url in sent]
    assert list(dict.fromkeys(done)) == numbers[::-1]
    expect(page.locator(".ticket[data-local-wait]")).to_have_count(0)
    expect(page.locator("#conflict")).to_be_empty()


@pytest.mark.parametrize(("size", "least"), [("S", 12), ("M", 10), ("L", 4)])
def test_so_many_fit_and_the_rest_is_announced_and_turns(kitchen, shop, size, least):  # K9
    for n in range(26):
        number = shop.place("Margherita", 2)
        shop.move(number, *("new", "oven")[: n % 3])
    page = kitchen()
    page.keyboard.press({"S": "-", "M": "Shift", "L": "+"}[size])
    expect(page.locator("html")).to_have_attribute("data-size", size)
    expect(page.locator(".ticket[data-local-off]").first).to_be_attached()
    visible = page.locator(".ticket:not([data-local-off])").count()
    assert visible >= least
    expect(page.locator("#more")).to_have_text(re.compile(rf"^\+{26 - visible} more, oldest \d+:\d\d"))
    assert page.evaluate(
        "(it => it.scrollHeight <= innerHeight && it.scrollWidth <= innerWidth)(document.documentElement)"
    )
    page.keyboard.press("Home")  # and while somebody is at the keys, no page turns by itself
    hidden = page.locator(".ticket[data-local-off]").first.get_attribute("id")
    page.keyboard.press("PageDown")
    expect(page.locator(f"#{hidden}:not([data-local-off])")).to_be_visible()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-size", size)


def four_pizzas(shop):
    """An order as UX counts them: four lines, three of them with words."""
    ordering.add(shop.ada, shop.items["Margherita"], size="2", extra="3")
    for item in ("Funghi", "Diavola"):
        ordering.add(shop.ada, shop.items[item])
    return shop.place("Margherita", without="4")


# (width, height): how many at S, M and L, whole, at least.
FIT = {(1920, 1080): (12, 10, 4), (1366, 768): (4, 3, 2), (1280, 800): (4, 3, 2), (1024, 768): (3, 2, 2)}
# Words that leave their box, cut off by what is beside it; and tickets that are not whole.
CUT_OFF = """() => {
  const shown = [...document.querySelectorAll(".ticket:not([data-local-off])")];
  const words = shown.flatMap((it) => [...it.querySelectorAll(".lines span, .lines b, .age, .bump")]);
  const out = (it) => {
    const {left, right} = it.getBoundingClientRect();
    const frame = (it.closest(".ticket") ?? document.documentElement).getBoundingClientRect();
    return left < frame.left || right > frame.right || it.scrollWidth > it.clientWidth && it.matches(".bump, #bar");
  };
  const split = shown.filter((it) => it.getClientRects().length > 1);
  const parts = [...words, ...document.querySelectorAll("#bar, #bar > *")].filter((it) => it.checkVisibility());
  return [...parts.filter(out), ...split].map((it) => it.id || it.textContent.trim());
}"""


def test_on_every_screen_so_many_tickets_stand_whole_with_every_word(kitchen, shop):  # K9
    for n in range(26):
        shop.move(four_pizzas(shop), *("new", "oven")[: n % 3])
    page = kitchen()
    for (width, height), least in FIT.items():
        page.set_viewport_size({"width": width, "height": height})
        for keys, size, fit in zip((("-", "-"), ("+",), ("+",)), "SML", least, strict=True):
            for key in keys:
                page.keyboard.press(key)
            expect(page.locator("html")).to_have_attribute("data-size", size)
            page.keyboard.press("Home")
            page.evaluate("() => new Promise((done) => setTimeout(done, 100))")  # the board is laid out anew
            assert page.locator(".ticket:not([data-local-off])").count() >= fit, (width, size)
            assert page.evaluate(CUT_OFF) == [], (width, size)


def test_pages_turn_by_themselves(kitchen, shop):  # K9
    for _ in range(16):
        shop.place("Margherita", 2)
    page = kitchen(key=None)
    expect(page.locator("#more")).to_contain_text("page 1 of")
    expect(page.locator("#more")).to_contain_text("page 2 of", timeout=20_000)


def test_a_long_order_goes_on_in_the_next_column(kitchen, shop):  # K9
    for item in ("Margherita", "Funghi", "Diavola"):
        ordering.add(shop.ada, shop.items[item])
    number = shop.place("Margherita", 2, size="2", extra="3")
    page = kitchen(viewport={"width": 1280, "height": 420})
    page.keyboard.press("+")
    expect(ticket(page, number)).to_have_attribute("data-local-split", "")
    assert ticket(page, number).evaluate("(it) => it.getClientRects().length") > 1


def chimes(page):
    """When each began, in ms."""
    return page.evaluate(
        "(chime) => window.tones.filter(([, hertz]) => hertz === chime).map(([at]) => at)", CHIME
    )


def chimed(page, times):
    page.wait_for_function(
        "([chime, times]) => window.tones.filter(([, hertz]) => hertz === chime).length === times",
        arg=[CHIME, times],
    )


@pytest.fixture
def timed(kitchen):
    """timed(): a board whose clock a test can put on."""

    def open_board():
        page = kitchen(key=None)
        page.reload()  # what a browser allowed before is gone then
        is_live(page)
        page.clock.install()  # not sooner: its clock does not know when the page was asked for, which ours must
        page.evaluate(COUNT_TONES)
        return page

    return open_board


def test_sound_is_honest(timed, shop):  # K10
    page = timed()
    expect(page.locator("#sound-bar")).to_be_visible()
    shop.place()
    expect(page.locator("body")).to_have_attribute("data-local-flash", "")
    assert page.evaluate("window.tones.length") == 0
    page.keyboard.press("1")
    expect(page.locator("#sound-bar")).to_be_hidden()
    page.keyboard.press("t")
    page.wait_for_function("() => window.tones.length === 1")
    page.clock.run_for(BATCH_MS)
    for number in [shop.place() for _ in range(5)]:
        key_of(page, number)
    assert chimes(page)
    assert all(late - early >= BATCH_MS for early, late in pairwise(chimes(page)))


def test_mute_ends_after_ten_minutes_and_shows_the_rest(timed, shop):  # K10
    page = timed()
    page.keyboard.press("m")
    expect(page.locator("#muted")).to_have_text(re.compile(r"Muted (10:00|9:5\d)"))
    key_of(page, shop.place())
    assert page.evaluate("window.tones.length") == 0
    page.clock.fast_forward(MUTE_MS)
    expect(page.locator("#muted")).to_be_hidden()
    is_live(page)
    page.keyboard.press("Shift")
    page.evaluate("window.tones.length = 0")
    shop.place()
    chimed(page, 1)


def test_it_reminds_five_times_or_until_a_key(timed, shop):  # K10
    page = timed()
    page.keyboard.press("Shift")
    shop.place()
    chimed(page, 1)
    for times in range(2, 7):
        page.clock.run_for(REMIND_MS)
        assert len(chimes(page)) == times
    page.clock.run_for(2 * REMIND_MS)
    assert len(chimes(page)) == 6
    is_live(page)
    shop.place()
    chimed(page, 7)
    page.keyboard.press("Shift")
    page.clock.run_for(2 * REMIND_MS)
    assert len(chimes(page)) == 7


def test_the_screen_stays_awake_and_says_when_it_cannot(kitchen, open_as):  # K11
    page = kitchen()
    expect(page.locator("#awake")).to_be_hidden()
    page.evaluate(
        "document.dispatchEvent(new Event('visibilitychange'))"
    )  # as when the tab comes back; a lock that was lost is asked for again
    expect(page.locator("#awake")).to_be_hidden()
    refused = open_as("carlo", "/", viewport=WALL)
    refused.add_init_script(
        "navigator.wakeLock.request = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    refused.goto(refused.url + "kitchen/")
    expect(refused.locator("#awake")).to_have_text("Screen may sleep")


def test_a_deploy_waits_until_the_board_is_empty_and_keeps_the_sound(kitchen, shop):  # K11
    number = shop.place()
    page = kitchen()
    page.evaluate("window.same = true; document.getElementById('live-connect').dataset.liveBuild = 'older'")
    page.context.set_offline(True)
    expect(page.locator("html")).to_have_attribute("data-live", "stale")
    page.context.set_offline(False)
    expect(page.locator("#build")).to_be_visible()
    assert page.evaluate("window.same")
    shop.move(number, "new", "oven", "ready")
    page.wait_for_function("() => !window.same")
    is_live(page)
    expect(page.locator("#build")).to_be_hidden()


def test_a_shift_by_keyboard_and_the_focus_goes_on_to_the_next(kitchen, shop):  # K12
    numbers = [shop.place() for _ in range(3)]
    page = kitchen()
    key_of(page, numbers[2])
    page.keyboard.press("ArrowDown")
    for moved, key in enumerate(("Enter", "Space", "b"), start=1):
        chosen = page.evaluate("document.activeElement.closest('.ticket').id")
        page.keyboard.press(key)
        expect(page.locator("#column-oven .ticket")).to_have_count(moved)
        expect(page.locator(f"#column-oven #{chosen}")).to_be_visible()
        lane = "new" if moved < 3 else "oven"
        page.wait_for_function(f"() => document.activeElement.closest('#column-{lane} .ticket')")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    assert {state for _, state in shop.orders()} == {"oven"}


def test_a_pedal_is_learned_and_single_keys_can_be_switched_off(kitchen, shop):  # K12
    number = shop.place()
    page = kitchen()
    base = page.url
    page.goto(base + "keys")
    page.locator("[data-learn=bump]").click()
    page.keyboard.press("F9")
    expect(page.locator("[data-key-of=bump]")).to_have_text("F9")
    page.get_by_label("Single keys do something").uncheck()
    page.get_by_label("This screen is called").fill("Pass 7 b")  # letters in a field are letters
    page.goto(base)
    is_live(page)
    page.keyboard.press("1")
    key_of(page, number)
    page.keyboard.press("b")
    page.keyboard.press("F9")
    expect(page.locator(f"#column-oven #ticket-{number}")).to_be_visible()
    shop.carlo.get("/kitchen/")
    assert shop.orders() == [(number, "oven")]


def test_a_digit_and_a_modifier_are_learned_like_any_key(kitchen, shop):  # K12
    number = shop.place()
    page = kitchen()
    base = page.url
    page.goto(base + "keys")
    for action, key, name in (("bump", "5", "Digit5"), ("undo", "Control", "ControlLeft")):
        page.locator(f"[data-learn={action}]").click()
        page.keyboard.press(key)
        expect(page.locator(f"[data-key-of={action}]")).to_have_text(name)
    page.goto(base)
    is_live(page)
    key_of(page, number)
    page.keyboard.press("5")
    expect(page.locator(f"#column-oven #ticket-{number}")).to_be_visible()
    page.keyboard.press("Control")
    expect(page.locator(f"#column-new #ticket-{number}")).to_be_visible()
    key_of(page, number)
    page.keyboard.press("Alt+5")  # with another key it belongs to the browser
    page.keyboard.press("5")
    expect(page.locator(f"#column-oven #ticket-{number}")).to_be_visible()
    assert shop.orders() == [(number, "oven")]


def test_the_list_of_what_is_to_be_made_is_always_that_of_the_tickets(kitchen, open_as, shop):  # K8 K1
    page = kitchen()
    numbers = [shop.place(item, 1 + n % 3) for n, item in enumerate(["Margherita", "Funghi", "Diavola"] * 3)]
    for number in numbers[::2]:
        shop.move(number, "new")
    for number in numbers[::4]:
        shop.move(number, "oven")
    shop.carlo.post("/kitchen/undos")
    expect(page.locator("#column-oven .ticket")).to_have_count(3)
    fresh = open_as("carlo", "/kitchen/", viewport=WALL, java_script_enabled=False)
    assert strip(page) == fresh.locator("#all-day li").all_text_contents()
    assert board(page) == board(fresh) if fresh.locator(".ticket").count() else False
