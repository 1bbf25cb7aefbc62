"""Fixtures for pages of jobs in a browser: a site and workers that know the scripted kind, and jobs of it."""

import psutil
import pytest
from playwright.sync_api import expect

from blueprints.auth import User
from database import db
from tests.support import scripted, server
from tests.support.databases import email_of
from work import KINDS, Job, moves


class Jobs:
    """Jobs of somebody, made and moved beside the site, and the workers that run them."""

    def __init__(self, app, settings, folder):
        self.app, self.settings, self.folder, self.workers = app, settings, folder, []

    def work(self):
        """One more worker."""
        command = ["-m", "tests.support.scripted"]
        self.workers.append(server.start(command, self.settings, self.folder / "worker.log"))

    def kill_workers(self):
        """As the machine does it: at once, with the processes that run jobs."""
        for worker in self.workers:
            for process in [*psutil.Process(worker.pid).children(), psutil.Process(worker.pid)]:
                process.kill()
            worker.wait()
        self.workers.clear()

    def make(self, *steps, name="ada", kind="script", **values):
        """The id of a job that waits and then does these steps; with values of its row it is as they say."""
        with self.app.app_context():
            user = User.find(email_of(name))
            if values:
                job = Job(user_id=user.id, kind=kind, arguments={"steps": []}, **values)
                db.session.add(job)
            else:
                job = moves.create(kind, {"steps": steps}, user=user)
            db.session.commit()
            return job.id

    def move(self, verb, job_id, *arguments):
        with self.app.app_context():
            moved = verb(Job.find(job_id), *arguments)
            db.session.commit()
            return moved

    def say(self, name):
        """The word that an `until` waits for."""
        scripted.word(self.settings["LEVAIN_VAR"], name).touch()


@pytest.fixture
def site(server_settings, tmp_path):
    """Knows the scripted kind; its beats are quick."""
    KINDS[scripted.SCRIPT.name] = scripted.SCRIPT
    settings = server_settings | {"LIVE_BEAT_S": 1, "LIVE_POLL_WAIT_S": 5}
    site = server.Server(settings, tmp_path / "web.log", "tests.support.scripted:site()")
    yield site
    site.stop()
    del KINDS[scripted.SCRIPT.name]


@pytest.fixture
def jobs(app, site, server_settings, tmp_path):
    jobs = Jobs(app, server_settings, tmp_path)
    yield jobs
    for worker in jobs.workers:
        server.stop(worker)


def state(page):
    return page.locator(".job .state")


def is_live(page):
    expect(page.locator("html")).to_have_attribute("data-live", "live")
    return page
