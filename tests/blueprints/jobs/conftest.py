"""A week of sales, somebody's jobs, and kinds of job that only tests have."""

from datetime import UTC, datetime, timedelta

import pytest

from blueprints.auth import User
from blueprints.orders.models import Order, OrderLine
from database import db
from tests.support.databases import email_of
from tests.support.jobs import attempt, kind_of
from work import Job, kinds, moves, notes

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
PERIOD = {"since": "2026-03-02", "until": "2026-03-04"}


@pytest.fixture
def person(app):
    """person("ada"): the user, for use inside an app context."""
    return lambda name: User.find(email_of(name))


@pytest.fixture
def sales(app, person):
    """Monday to Wednesday: one order a day of two pieces, the last a second before midnight."""
    times = [MONDAY, MONDAY + timedelta(days=1, hours=12), MONDAY + timedelta(days=3, seconds=-1)]
    with app.app_context():
        grace = person("grace").id
        for n, at in enumerate(times, start=1):
            who = {"user_id": grace, "customer_name": "Grace", "token": f"t{n}"}
            lines = [OrderLine(name="Margherita", quantity=2, price_cents=890)]
            db.session.add(
                Order(state="done", total_cents=1780, created_at=at, changed_at=at, lines=lines, **who)
            )
        db.session.commit()


@pytest.fixture
def job_of(app, person):
    """job_of("ada", "sales_report", **arguments): the id of a job that waits; a report of three days by itself."""

    def make(name, kind="sales_report", **arguments):
        with app.app_context():
            given = PERIOD if kind == "sales_report" and not arguments else arguments
            job = moves.create(kind, dict(given), user=person(name))
            db.session.commit()
            return job.id

    return make


@pytest.fixture
def look(app):
    """look(job_id): the row as it is now, with its attempts, files and log."""

    def read(job_id):
        with app.app_context():
            job = Job.find(job_id)
            job.log = [note.text for note in notes.piece(job_id).notes]
            assert all(file.data is not None for file in job.files)
            list(job.attempts)
            return job

    return read


@pytest.fixture
def run(app):
    """run(job_id): its next attempt, here and now, as the worker would do it."""
    return lambda job_id: attempt(app, job_id)


@pytest.fixture
def kind():
    """kind(function, tries=1): the name of a kind of job that exists while the test runs."""
    made = []

    def make(function, **options):
        made.append(kind_of(function, **options))
        return made[-1]

    yield make
    for name in made:
        del kinds.KINDS[name]
