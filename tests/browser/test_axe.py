"""axe-core on every page and in every state, light and dark: nothing found, and nothing it could not decide either.

It finds about a quarter of what breaks a live page (UX 2.6); focus, speech and keys are tested where they happen.
"""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from blueprints.auth import User
from database import db, utcnow
from tests.browser.axe import TELEPHONE, WALL, check, check_open, refused, settled, visit, whole, whole_inside
from tests.support.databases import email_of
from work import Attempt, Job, Note, moves
from work.models import ENDED

pytestmark = [pytest.mark.timeout(300), pytest.mark.long]


@pytest.fixture
def site(serve):
    """With the beat of a real kitchen: a busy machine must not look like a lost contact."""
    return serve(LIVE_BEAT_S=5, LIVE_POLL_WAIT_S=5)


def test_the_frame_and_the_pages_of_accounts(chromium, site, open_as, axe):
    context = chromium.new_context(viewport=TELEPHONE)
    page = context.new_page()
    page.goto(site.url)
    visit(page, axe, "/", "/login", "/signup")
    refused(page, axe, f"{site.url}/login", "Sign in", "sign in, refused")
    refused(page, axe, f"{site.url}/signup", "Make my account", "sign up, refused")
    context.close()
    ada = open_as("ada", "/")
    visit(ada, axe, "/", "/account", "/orders/999999", "/kitchen/")
    refused(ada, axe, f"{site.url}/account", "Change the password", "a new password, refused")
    ada.goto(site.url)
    ada.locator("#account summary").click()
    check_open(ada, axe, "the account menu", "#account .sheet")


@pytest.mark.usefixtures("rooms", "sales")
def test_the_pages_of_other_features(open_as, axe):
    ada = open_as("ada", "/")
    visit(ada, axe, "/chat/", "/chat/rooms/1", "/jobs/")


def test_jobs_in_every_state(app, open_as, axe):
    ids = rows_of_jobs(app)
    root = open_as("root", "/jobs/", viewport=TELEPHONE)
    visit(root, axe, "/jobs/workers", *[f"/jobs/{number}" for number in ids])
    root.set_viewport_size(WALL)
    visit(root, axe, "/jobs/?state=failed", "/jobs/")
    root.locator("#jobs .rows a").first.focus()
    with app.app_context():
        user = db.session.scalars(select(User).where(User.email == email_of("root"))).one()
        moves.create("sales_report", {}, user=user)
        db.session.commit()
    expect(root.locator(".changed")).to_be_visible()
    check(root, axe, "a list that is held")


def rows_of_jobs(app):
    """A job of root's in each state, as it would be: with attempts, a log, a result."""
    more = {
        "running": {"percent": 40, "done": 40, "total": 100, "message": "on the way"},
        "scheduled": {"due_at": utcnow() + timedelta(minutes=5), "message": "It broke."},
        "failed": {"message": "It broke."},
        "done": {"result": {"of": "Sales report", "retried": 35, "refused": [["it is no longer kept", 2]]}},
    }
    with app.app_context():
        user, now = db.session.scalars(select(User).where(User.email == email_of("root"))).one(), utcnow()
        times = {"started_at": now, "beat_at": now + timedelta(minutes=1)}
        for state in ("waiting", "running", "stopping", "scheduled", "failed", "cancelled", "done"):
            ended = {"ended_at": now} if state in ENDED else {}
            values = {"state": state, "attempt": 1, "max_attempts": 3} | times | ended | more.get(state, {})
            job = Job(user_id=user.id, kind="retry_failed", arguments={"of": "Sales report"}, **values)
            job.attempts = [Attempt(number=1, outcome="lost", trace="at line 1", ended_at=now)]
            db.session.add(job)
            db.session.flush()
            db.session.add(Note(job_id=job.id, attempt=1, text="one\ntwo", last_line=2))
        db.session.commit()
        return db.session.scalars(select(Job.id).order_by(Job.id)).all()


@pytest.mark.parametrize("screen", [TELEPHONE, WALL], ids=["telephone", "wall"])
def test_ordering_in_every_state(open_as, shop, axe, screen):
    ada = open_as("ada", "/orders/", viewport=screen)
    settled(ada)

    def look(state):
        whole(ada)  # on a telephone, the bar with the sum sticks to the foot of the window
        check(ada, axe, state)

    look("nothing chosen")
    ada.locator(".options summary").first.click()
    for name in ("Margherita", "Funghi"):
        ada.get_by_role("button", name=f"Add {name} to the basket").click()
        expect(ada.locator("#basket .chosen li", has_text=name)).to_have_count(1)
    look("a basket")
    ada.get_by_label("How many Diavola").fill("")
    ada.get_by_role("button", name="Add Diavola").click()
    expect(ada.locator(".card .problem")).to_be_visible()
    look("a bad amount")
    shop.set_price("Margherita", "9.50")
    expect(ada.locator("#prices-problem")).to_be_visible()
    shop.sold_out("Funghi")
    expect(ada.locator("#basket .problem")).to_be_visible()
    look("sold out, and a new price")
    shop.carlo.post("/kitchen/closings", data={"begins": "0", "lasts": "60"})
    expect(ada.locator("#basket .closed")).to_be_visible()
    look("closed")
    ada.context.set_offline(True)
    expect(ada.locator("html")).to_have_attribute("data-live", "stale")
    look("no contact")


def test_an_order_in_every_state(open_as, shop, axe):
    number = shop.place("Margherita", 2)
    ada = open_as("ada", f"/orders/{number}", viewport=TELEPHONE)
    settled(ada)
    check(ada, axe, "received")
    ada.locator(".order").evaluate("(it) => it.setAttribute('data-local-late', '')")
    check(ada, axe, "later than promised")
    for state, count in (("new", 2), ("oven", 3)):
        shop.move(number, state)
        expect(ada.locator(".steps .reached")).to_have_count(count)
        check(ada, axe, f"after {state}")
    shop.carlo.post("/kitchen/undos")
    expect(ada.locator(".corrected")).to_be_visible()
    check(ada, axe, "corrected")
    ada.get_by_role("link", name="Link for another device").click()
    check(ada, axe, "the tracking page")


def busy_board(page, shop):
    """Fresh, soon, late and changed, in all three lanes."""
    numbers = [shop.place("Margherita", 2, extra="3", without="4") for _ in range(4)]
    for number, seconds in zip(numbers, (0, 400, 700, 7000), strict=True):
        shop.age(number, seconds)
    shop.move(numbers[1], "new")
    shop.move(numbers[2], "new", "oven")
    shop.ada.post(f"/orders/{numbers[3]}/note", data={"note": "well done"})
    expect(page.locator(".ticket[data-changed]")).to_be_visible()
    page.reload()
    settled(page)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".bump[aria-disabled=true]")).to_have_count(0)
    return numbers


def test_the_kitchen_in_every_state(open_as, shop, axe):
    carlo = open_as("carlo", "/kitchen/", viewport=WALL)
    settled(carlo)
    check(carlo, axe, "empty, sound off")
    carlo.keyboard.press("Shift")
    numbers = busy_board(carlo, shop)
    check(carlo, axe, "fresh, soon, late, changed")
    shop.move(numbers[2], "ready")
    for key, what, shows in (("r", "#panel", "#panel li"), ("?", "#help", "#help dd")):
        carlo.keyboard.press(key)
        expect(carlo.locator(shows).first).to_be_visible()
        whole_inside(carlo, what)
        check(carlo, axe, what)
        carlo.keyboard.press("Escape")
    carlo.locator("#kitchen-menu summary").click()
    check_open(carlo, axe, "the menu", "#kitchen-menu .sheet")
    carlo.keyboard.press("Escape")
    carlo.context.set_offline(True)
    expect(carlo.locator("#contact-bar")).to_be_visible()
    check(carlo, axe, "no contact")
    carlo.context.set_offline(False)


def test_the_pages_behind_the_board(open_as, shop, axe):
    shop.move(shop.place(), "new", "oven", "ready")
    shop.place()
    carlo = open_as("carlo", "/kitchen/menu")
    visit(carlo, axe, "/kitchen/menu", "/kitchen/keys", "/kitchen/recalls")
    carlo.set_viewport_size(TELEPHONE)
    visit(carlo, axe, "/kitchen/", "/kitchen/menu", "/kitchen/keys")
