"""Jobs for tests: kinds that only a test has, and an attempt run here and now."""

from itertools import count

from work import Job, kinds
from work.runner import run_attempt

_numbers = count(1)


def kind_of(function, **options):
    """The name of a new kind that runs the function."""
    name = f"test_{next(_numbers)}"
    kinds.job(name, "Test job", **options)(function)
    return name


def relay(app):
    """Sends what the outbox holds, as a web process would."""
    relay = app.extensions["live"].relay
    if not relay._token:  # another one would have to wait until the lease of this is over
        relay.bind()
    relay.turn()


def attempt(app, job_id, number=None):
    """The next attempt at a job, or the one of that number."""
    with app.app_context():
        run_attempt(job_id, number or Job.find(job_id).attempt + 1)
