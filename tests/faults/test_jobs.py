"""A job that was accepted is done, once, whatever is killed between the post and the queue."""

import os
import signal
from contextlib import suppress

import psutil
import pytest
import sqlalchemy as sa

from database import db
from live.testing.clients import Ended
from tests.faults.limits import in_time
from tests.faults.real_site import RealSite
from tests.support import server

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("faults-jobs"), pytest.mark.timeout(180)]

DONE_S = 30


@pytest.fixture
def site(own_redis, run_folder, tmp_path):
    site = RealSite(run_folder, tmp_path, own_redis.url, LIVE_BEAT_S=1)
    yield site
    site.end()


def states(site):
    with site.app.app_context():
        return dict(db.session.execute(sa.text("SELECT id, state FROM jobs")).all())


def test_no_job_is_lost_when_web_is_killed_and_redis_is_away(site, own_redis):
    ada = site.sign_in("ada")
    accepted = [posted(ada)]
    own_redis.stop()
    accepted.append(posted(ada))
    kill_web(site)
    own_redis.start()
    accepted.append(posted(ada))
    kill_web(site)
    worker = server.start(["worker.py"], site.settings, site.folder / "worker.log")
    try:
        until_done(ada, accepted)
    finally:
        server.stop(worker)
    assert states(site) == dict.fromkeys(accepted, "done")


def posted(person):
    status, headers, _ = person.submit("/jobs/")
    assert status == 303
    return int(headers["Location"].rsplit("/", 1)[1])


def kill_web(site):
    for each in psutil.Process(site.processes[-1].pid).children():
        os.kill(each.pid, signal.SIGKILL)


def until_done(person, jobs):
    """The page of each job tells of its end; it is loaded again when its stream ends, as a killed server's does."""
    for job in jobs:
        while states(person.site)[job] != "done":
            page = person.connection(
                f"jobs:job:{job}", position=person.get(f"/jobs/{job}")[1]["Live-Position"]
            )
            with suppress(Ended), person.follow("stream", page) as client:
                while states(person.site)[job] != "done":
                    client.next(in_time(DONE_S))
