"""For admins: what waits in each queue, which workers there are, and when each was last heard of."""

import redis
from flask import render_template

from blueprints.auth import role_required
from blueprints.jobs import bp
from blueprints.jobs.broadcasts import EVERYBODYS
from database import utcnow
from work import crew, kinds, schedule


@bp.get("/jobs/workers")
@role_required("admin")
def show_workers():
    try:
        seen = {"workers": crew.workers(), "lines": crew.lines(), "away": False}
    except redis.RedisError:
        seen = {"workers": [], "lines": [], "away": True}
    planned = [(kind, schedule.next_time(kind, utcnow())) for kind in kinds.scheduled()]
    return render_template("jobs/workers.html", topic=EVERYBODYS, planned=planned, **seen)
