"""The badge in the head of every page while something of mine runs, and the word when it ends, wherever I am."""

from flask_login import current_user

from blueprints.jobs import bp
from blueprints.jobs.broadcasts import owner_topic
from work import Job


def own_topic():
    """The topic that every page of a signed-in person follows, in a list; an empty one for a stranger."""
    return [owner_topic(current_user.id)] if current_user.is_authenticated else []


def active_jobs():
    return Job.active_of(current_user) if current_user.is_authenticated else 0


@bp.record
def follow_own_jobs_on_every_page(state):
    """Adds the person's own topic to whatever a page follows; a page that follows nothing connects for it alone."""
    names = state.app.jinja_env.globals
    connect = names["live_connect"]

    def live_connect(*topics, **options):
        return connect(*dict.fromkeys([*topics, *own_topic()]), **options)

    names.update(live_connect=live_connect, active_jobs=active_jobs)
