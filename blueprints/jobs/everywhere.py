"""The badge in the head of every page while something of mine runs, and the word when it ends, wherever I am."""

from flask_login import current_user

from blueprints.jobs import bp
from blueprints.jobs.broadcasts import owner_topic
from extensions import live
from work import Job


@live.everywhere
def own_topic(user):
    return [owner_topic(user.id)]


@bp.app_context_processor
def frame():
    return {"active_jobs": active_jobs}


def active_jobs():
    return Job.active_of(current_user) if current_user.is_authenticated else 0
