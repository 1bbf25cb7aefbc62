"""What came of a run of `make chaos`: all that was acknowledged against all that was shown, and how soon."""

import asyncio
import time
from dataclasses import asdict

from app import create_app
from bench.chaos_page import Page
from database import db
from live.testing.checker import check

SETTLE_S, MAX_REPAIR_S = 20, 15


async def fresh_pages(chaos):
    """How many pages differ from a page loaded now."""
    some = asyncio.Semaphore(8)

    async def differs(page):
        fresh = Page(chaos.site.proxy.url, page.path, page.cookie, "poll", page.seen.topic, 2)
        async with some:
            await fresh._repair()
        return sorted(page.items.items())[-20:] != sorted(fresh.items.items())[-20:]

    return sum(await asyncio.gather(*map(differs, chaos.pages)))


def percentile(values, share):
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 2) if values else 0.0


def result_of(chaos, seed):
    """Runs it; what var/chaos.json says."""
    begun = time.time()
    asyncio.run(chaos.run())
    seconds = round(time.time() - begun)
    ids = message_ids(chaos)
    acknowledged = {ids[text]: topic for text, (topic, _) in chaos.acknowledged.items()}
    verdict = check(acknowledged, [page.seen for page in chaos.pages])
    repairs = [s for fault in chaos.faults for s in fault["repairs"]]
    late = sum(len(fault["waiting"]) for fault in chaos.faults)
    return asdict(verdict) | {
        "changes": chaos.changes,
        "unequal_pages": asyncio.run(fresh_pages(chaos)),
        "repair_p95_s": percentile(repairs + [SETTLE_S] * late, 0.95),
        "faults": len(chaos.faults),
        "seconds": seconds,
        "seed": seed,
        "resyncs": sum(page.resyncs for page in chaos.pages),
        "refused": [error for page in chaos.pages for error in page.errors][:10],
        "by_fault": [
            {"fault": fault["fault"], "p95_s": percentile(fault["repairs"], 0.95)} for fault in chaos.faults
        ],
    }


def message_ids(chaos):
    """{text: id} of every message, from the database itself."""
    app = create_app(chaos.site.settings)
    with app.app_context():
        rows = db.session.execute(db.text("SELECT text, id FROM messages")).all()
        db.engine.dispose()
    return dict(rows)


def kept(result):
    zero = ("missing", "twice", "out_of_order", "foreign", "unequal_pages")
    return (
        not any(result[name] for name in zero)
        and result["repair_p95_s"] <= MAX_REPAIR_S
        and result["faults"] > 0
        and result["acknowledged"] == result["changes"]
    )
