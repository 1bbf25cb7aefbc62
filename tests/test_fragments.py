"""Every fragment that is sent to pages renders without a request, with a root that can be found and compared."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from blueprints.chat.models import Membership, Mention, Message, Picture, Reaction, Room
from blueprints.orders.models import MenuItem, Modifier, Order, OrderLine, OrderStep
from database import utcnow
from live.fragments import Fragments
from work import Attempt, Job, JobFile, Note

ROOT = Path(__file__).parent.parent
NOW = utcnow()
EVIL = "<script>alert(1)</script>"
REPORT = {"days": 3, "orders": 2, "total_cents": 123456, "items": [[EVIL, 5, 4450]]}


def order(state):
    states = ["new", "oven", "ready", "done"]
    return Order(
        id=7,
        customer_name=EVIL,
        state=state,
        version=3,
        total_cents=1780,
        created_at=NOW,
        promised_from=NOW,
        promised_until=NOW,
        ahead=2,
        note=EVIL,
        changed=state == "oven",
        recalled=state == "ready",
        tracking="0" * 32,
        lines=[
            OrderLine(
                id=1,
                name=EVIL,
                quantity=2,
                price_cents=890,
                modifiers=[["extra", EVIL]],
                mark="",
                ticked=True,
            ),
            OrderLine(id=2, name=EVIL, quantity=1, price_cents=890, modifiers=[], mark="void", ticked=False),
        ],
        steps=[OrderStep(state=each, by_name="Carlo", at=NOW) for each in states[: states.index(state) + 1]],
    )


def item(**values):
    modifiers = [
        Modifier(id=1, kind="size", name=EVIL, price_cents=0),
        Modifier(id=2, kind="extra", name=EVIL, price_cents=100),
    ]
    own = {
        "name": EVIL,
        "description": EVIL,
        "picture": "margherita",
        "price_cents": 890,
        "sort": 1,
        "version": 2,
    }
    return MenuItem(id=7, modifiers=modifiers, **own, **values)


def job(state, **values):
    times = {"created_at": NOW, "queued_at": NOW, "started_at": NOW, "beat_at": NOW, "due_at": NOW}
    times["ended_at"] = NOW + timedelta(seconds=200)
    period = {"since": "2026-03-02", "until": EVIL}
    pace = {"rate": 31.2, "low_s": 40, "high_s": 120}
    numbers = {
        "version": 2,
        "done": 1,
        "total": 3,
        "percent": 33,
        "message": EVIL,
        "result": REPORT,
        "pace": pace,
    }
    tries = [Attempt(number=n, outcome="lost", message=EVIL, started_at=NOW, ended_at=NOW) for n in (1, 2)]
    many = {"attempt": 2, "max_attempts": 3, "attempts": tries, "kind": "sales_report"}
    many["files"] = [JobFile(id=n, field="", name=EVIL, mime="image/svg+xml", size=1) for n in (1, 2)]
    return Job(id=7, state=state, arguments=period, **(times | numbers | many | values))


STATES = ("waiting", "scheduled", "running", "stopping", "done", "failed", "cancelled")
NUMBERLESS = {"total": 0, "done": 0, "percent": 0, "pace": None, "attempt": 1, "attempts": [], "files": []}


def message(**values):
    plain = {"user_id": 1, "author_name": EVIL, "text": EVIL, "token": "t", "version": 1, "created_at": NOW}
    return Message(id=7, **(plain | values))


ROOM = Room(id=7, name=EVIL, posted=123)
SAMPLES = {
    "orders/_ticket.html": [{"ticket": order(state)} for state in ("new", "oven", "ready")],
    "orders/_item.html": [{"item": item(sold_out=sold_out)} for sold_out in (True, False)],
    "orders/_order.html": [{"order": order(state)} for state in ("new", "oven", "ready", "done")],
    "chat/_message.html": [
        {"message": message()},
        {"message": message(text=f"see https://levain.test/{EVIL} @{EVIL}", edited_at=NOW)},
        {"message": message(mentions=[Mention(user_id=2, name=EVIL)], text=f"@{EVIL}")},
        {"message": message(reactions=[Reaction(user_id=2, name=EVIL, kind="heart")], text="")},
        {"message": message(picture=Picture(name=EVIL, width=3, height=2))},
        {"message": message(deleted_at=NOW, text="")},
    ],
    "chat/_posted.html": [{"room": ROOM}],
    "chat/_unread.html": [
        {"unread": Membership(room=ROOM, room_id=7, user_id=1, behind=3, mentions=2, read_id=1, version=4)}
    ],
    "jobs/_job.html": [{"job": job(state)} for state in STATES]
    + [{"job": job(state, **NUMBERLESS)} for state in STATES]
    + [
        {"job": job("done", result=REPORT | {"items": []})},
        {"job": job("done", kind="menu_import", result={EVIL: 1234, "words": EVIL})},
        {"job": job("done", kind="pizza_photos", result={"photos": [[EVIL, 160, 120, 9]] * 2})},
        {"job": job("done", kind="gone_by_now", result=None)},
    ],
    "jobs/_note.html": [{"note": Note(id=7, job_id=1, attempt=1, text=EVIL, version=1)}],
    "jobs/_progress.html": [{"job": job(state)} for state in STATES]
    + [{"job": job("running", **NUMBERLESS)}],
    "jobs/_bar.html": [{"job": job(state)} for state in STATES],
}


def sent_templates():
    """The fragments that broadcasts.py of any feature names."""
    sources = ROOT.glob("blueprints/*/broadcasts.py")
    return {name for source in sources for name in re.findall(r'"(\w+/_\w+\.html)"', source.read_text())}


def test_every_fragment_that_is_sent_has_a_sample_here():
    assert sent_templates() == set(SAMPLES)


@pytest.mark.parametrize(
    ("template", "values"), [(name, each) for name, many in SAMPLES.items() for each in many]
)
def test_it_renders_without_a_request(app, template, values):
    with app.app_context():
        html = Fragments(app).render(template, values)
    roots = BeautifulSoup(html, "html.parser").find_all(recursive=False)
    (record,) = values.values()
    assert len(roots) == 1
    assert str(record.id) in roots[0]["id"].split("-")
    assert roots[0]["data-version"] == str(record.version)
    assert "<script>" not in html
