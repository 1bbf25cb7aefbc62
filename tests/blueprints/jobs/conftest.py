"""A week of sales, and somebody's job."""

from datetime import UTC, datetime, timedelta

import pytest

from blueprints.auth import User
from blueprints.jobs.models import Job
from database import db
from tests.support.databases import email_of

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def person(app):
    """person("ada"): the user, for use inside an app context."""
    return lambda name: User.find(email_of(name))


@pytest.fixture
def sales(app, person):
    """Monday to Wednesday: one order a day of two pieces, the last a second before midnight."""
    tables = db.metadata.tables
    times = [MONDAY, MONDAY + timedelta(days=1, hours=12), MONDAY + timedelta(days=3, seconds=-1)]
    with app.app_context():
        grace = person("grace").id
        for n, at in enumerate(times, start=1):
            order = {"user_id": grace, "customer_name": "Grace", "state": "done", "total_cents": 1780}
            order |= {"version": 1, "token": f"t{n}", "created_at": at, "changed_at": at}
            made = db.session.execute(tables["orders"].insert().values(order)).inserted_primary_key[0]
            line = {"order_id": made, "name": "Margherita", "quantity": 2, "price_cents": 890}
            db.session.execute(tables["order_lines"].insert().values(line))
        db.session.commit()


@pytest.fixture
def job_of(app, person):
    """job_of("ada", since=..., until=...): the id of a job that waits."""

    def make(name, since="2026-03-02", until="2026-03-04"):
        with app.app_context():
            job = Job.create(person(name), "sales_report", {"since": since, "until": until})
            db.session.commit()
            return job.id

    return make


@pytest.fixture
def look(app):
    """look(job_id): the row as it is now."""

    def read(job_id):
        with app.app_context():
            return db.session.get(Job, job_id)

    return read
