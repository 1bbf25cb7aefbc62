"""Die at each line between a change and its event or job, in real processes: nothing is lost, nothing too much.

Each run has a database and a space of its own. A process writes notes and dies at a random pass of one point; another
takes over. LEVAIN_CRASH_RUNS says how many runs each point gets (3; the long form sets 50).
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.schema import CreateSchema

from tests.faults.dying import BATCH, DEAD, POINTS, WRITER, Shop
from tests.faults.limits import in_time

ROOT = Path(__file__).parents[2]
RUNS = int(os.environ.get("LEVAIN_CRASH_RUNS", "3"))
AT_ONCE = 8
EMPTY_S = 5
SEED = 4

pytestmark = [
    pytest.mark.long,
    pytest.mark.both_databases,
    pytest.mark.timeout(300 + 10 * RUNS * len(POINTS)),
]


@pytest.fixture
def dying():
    """ask("kill", pid=7): one request to the process that forks, and its answer."""
    command = [sys.executable, "-m", "tests.faults.dying"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(what, **more):
            process.stdin.write(json.dumps({"do": what} | more) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield ask
        process.stdin.close()


class Run:
    """One death and what is left of it."""

    def __init__(self, point, url, redis_url):
        self.point, self.where = point, {"url": url, "redis_url": redis_url, "space": f"crash-{uuid4().hex}"}
        self.shop = Shop(**self.where)
        self.shop.metadata.create_all(self.shop.engine)

    def waiting(self):
        table = self.shop.outbox.table
        with self.shop.engine.connect() as connection:
            return connection.scalar(select(func.count()).where(table.c.sent_at.is_(None)))

    def database(self):
        with self.shop.engine.connect() as connection:
            return list(connection.scalars(select(self.shop.notes.c.id).order_by("id")))

    def history(self):
        return [int(entry.event.data) for entry in self.shop.log.load()]

    def jobs(self):
        return {int(number) for number in self.shop.log.client.smembers(self.shop.jobs_key)}

    def close(self):
        self.shop.engine.dispose()
        self.shop.log.client.close()


@pytest.fixture
def make_run(database_url, redis_url, tmp_path):
    """make_run(point): on a database of its own; in PostgreSQL a schema."""
    runs, url = [], database_url.replace("postgresql://", "postgresql+psycopg://")
    admin = create_engine(url)

    def make(point):
        own = f"sqlite:///{tmp_path}/{len(runs)}.db"
        if url.startswith("postgresql"):
            with admin.begin() as connection:
                connection.execute(CreateSchema(f"run{len(runs)}"))
            own = f"{url}&options=-csearch_path=run{len(runs)}"
        runs.append(Run(point, own, redis_url))
        return runs[-1]

    yield make
    for run in runs:
        run.close()
    admin.dispose()


def test_wherever_a_process_dies_the_history_is_what_the_database_has(make_run, dying):
    dice = random.Random(SEED)
    deaths = [(point, dice.randint(1, 20 if point in WRITER else 5)) for point in POINTS for _ in range(RUNS)]
    for start in range(0, len(deaths), AT_ONCE):
        runs = [(make_run(point), after) for point, after in deaths[start : start + AT_ONCE]]
        die_and_recover(runs, dying)
        for run, _ in runs:
            notes = run.database()
            assert run.history() == notes, run.point
            assert run.jobs() == set(notes[::BATCH]), run.point
            run.close()


def die_and_recover(runs, dying):
    children = [dying("write_and_die", point=run.point, after=after, **run.where) for run, after in runs]
    assert [dying("ended", pid=child) for child in children] == [DEAD] * len(runs)
    successors = [dying("take_over", **run.where) for run, _ in runs]
    try:
        give_up = time.monotonic() + in_time(EMPTY_S)
        waiting = [run for run, _ in runs]
        while waiting := [run for run in waiting if run.waiting()]:
            assert time.monotonic() < give_up, (
                f"still unsent after {EMPTY_S} s: {[run.point for run in waiting]}"
            )
            time.sleep(0.1)  # what is measured is other processes
    finally:
        for child in successors:
            dying("kill", pid=child)
