"""Who may follow a job, and what is announced while it waits, runs and ends."""

from blueprints.jobs.models import Job
from database import db
from extensions import live

MAX_ID = 2**31 - 1  # what an integer column of PostgreSQL holds


def job_topic(job_id):
    return f"jobs:job:{job_id}"


def owner_topic(user_id):
    return f"jobs:owner:{user_id}"


@live.topic(f"jobs:job:<int(max={MAX_ID}):job_id>")
def may_follow_job(user, job_id):
    job = db.session.get(Job, job_id)
    return job is not None and job.user_id == user.id


@live.topic("jobs:owner:<int:user_id>")
def may_follow_owner(user, user_id):
    return user.id == user_id


def job_created(job):
    # The list is paged, newest first: a row pushed in at the top would belong to no page.
    live.refresh(owner_topic(job.user_id), "#jobs")


def job_moved(job):
    """The job has reached another state."""
    live.refresh(owner_topic(job.user_id), "#jobs")
    live.replace(job_topic(job.id), f"#job-{job.id}", "jobs/_job.html", job=job)


def job_progressed(job):
    """A step on the way: worthless a second later, so it has no place in the history."""
    key = f"job-{job.id}"
    live.replace(job_topic(job.id), f"#{key}", "jobs/_job.html", job=job, key=key, volatile=True)
