"""Who may follow a job, and what is announced while it waits, runs and ends."""

from database import only_reading
from extensions import live
from work import Job, signals
from work.models import ENDED, FRESHLY_ACTIVE, PLACES_SAID, WAITING

MAX_ID = 2**31 - 1  # what an integer column of PostgreSQL holds
EVERYBODYS = "jobs:everybodys"  # for admins
LISTS_PER_S = 4  # however many jobs run


def job_topic(job_id):
    return f"jobs:job:{job_id}"


def owner_topic(user_id):
    """What every page of a person follows: that one of their jobs began or ended."""
    return f"jobs:owner:{user_id}"


def list_topic(user_id):
    return f"jobs:list:{user_id}"


def log_topic(job_id):
    """Its lines, for pages that show the newest of them."""
    return f"jobs:log:{job_id}"


@live.topic(f"jobs:job:<int(max={MAX_ID}):job_id>")
@live.topic(f"jobs:log:<int(max={MAX_ID}):job_id>")
@only_reading()
def may_follow_job(user, job_id):
    job = Job.find(job_id)
    return job is not None and may_see(user, job)


@live.topic("jobs:owner:<int:user_id>")
def may_follow_owner(user, user_id):
    return user.id == user_id


@live.topic("jobs:list:<int:user_id>", max_per_second=LISTS_PER_S)
def may_follow_list(user, user_id):
    return user.id == user_id


@live.topic(EVERYBODYS, max_per_second=LISTS_PER_S)
def may_follow_everybodys(user):
    return user.has_role("admin")


def may_see(user, job):
    return job.user_id == user.id or user.has_role("admin")


@signals.created.connect
def job_created(job):
    _lists(job)
    _badge(job)


@signals.moved.connect
def job_moved(job):
    """It has reached another state."""
    topic = job_topic(job.id)
    live.replace(topic, f"#job-{job.id}", "jobs/_job.html", job=job)
    live.refresh(topic, "#job-more")
    _lists(job)
    if job.state != WAITING:
        _line_moved()
    if job.state in FRESHLY_ACTIVE or job.state in ENDED:
        _badge(job)
    if job.state in ENDED and job.user_id:
        said = {"id": job.id, "title": job.title, "state": job.state}
        live.signal(owner_topic(job.user_id), "job-ended", said)


@signals.progressed.connect
def job_progressed(job):
    """A step on the way: worthless a second later, so it has no place in the history."""
    key = f"job-{job.id}"
    live.replace(
        job_topic(job.id), f"#{key}-progress", "jobs/_progress.html", job=job, key=key, volatile=True
    )
    for topic in (list_topic(job.user_id) if job.user_id else None, EVERYBODYS):
        if topic:
            live.replace(topic, f"#{key}-bar", "jobs/_bar.html", job=job, key=key, volatile=True)


@signals.noted.connect
def job_noted(notes):
    topic = log_topic(notes[0].job_id)
    if len(notes) > 1:  # what was left at the end of a talkative job
        live.refresh(topic, "#job-log")
    else:
        live.upsert(topic, "#job-log", "jobs/_note.html", note=notes[0])


def _line_moved():
    for job_id in Job.line(PLACES_SAID + 1):
        live.refresh(job_topic(job_id), "#job-more")


def _lists(job):
    # The list is paged, newest first: a row pushed in at the top would belong to no page.
    live.refresh(EVERYBODYS, "#jobs")
    if job.user_id:
        live.refresh(list_topic(job.user_id), "#jobs")


def _badge(job):
    if job.user_id:
        live.refresh(owner_topic(job.user_id), "#jobs-badge")
