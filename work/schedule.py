"""Jobs that start by themselves. RQ's cron says when; the job itself is a row like any other, made once for each
occasion however many processes watch, and made up for when the site was down at its time.
"""

from datetime import UTC, datetime, timedelta

from rq.cron import CronJob
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from database import db, only_reading, utcnow
from work import kinds, moves
from work.models import Job

MADE_UP_FOR = timedelta(hours=12)  # an occasion missed by more is left out
FORM = "%Y-%m-%dT%H:%MZ"


def next_time(kind, after):
    """When RQ's cron would start it, after that moment."""
    return _plan(kind, after).get_next_enqueue_time()


def start_due(since):
    """Makes the jobs whose time has come, after the last one made or, if there is none, after `since`."""
    now = utcnow()
    for kind in kinds.scheduled():
        after = max(_newest(kind) or since, now - MADE_UP_FOR)
        moment = _last(kind, after, now)
        if moment:
            _start(kind, moment)


def _start(kind, moment):
    try:
        moves.create(kind.name, kind.arguments_for(moment), once=_name(kind, moment))
        db.session.commit()
    except IntegrityError:  # another watcher was faster
        db.session.rollback()


def _newest(kind):
    """The occasion of the newest job that it made, or None."""
    newest = select(Job.once).where(Job.kind == kind.name, Job.once.startswith(f"{kind.name}@"))
    with only_reading():
        name = db.session.scalar(newest.order_by(Job.id.desc()).limit(1))
    return name and datetime.strptime(name.partition("@")[2], FORM).replace(tzinfo=UTC)


def _last(kind, after, now):
    """The newest occasion between the two, or None."""
    found, moment = None, after
    while (moment := next_time(kind, moment)) <= now:
        found = moment
    return found


def _plan(kind, after):
    plan = CronJob("default", func_name=kind.name, cron=kind.cron)
    plan.latest_enqueue_time = after
    return plan


def _name(kind, moment):
    return f"{kind.name}@{moment.astimezone(UTC):{FORM}}"
