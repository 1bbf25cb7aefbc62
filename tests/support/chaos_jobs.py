"""Jobs while everything is killed: workers, the processes of single jobs, Redis; by seeded dice, on real processes.

    make chaos-jobs                        200 jobs of 1 to 20 s, two workers; a quarter of an hour
    make chaos-jobs ARGS="--seed 7"        with other dice

Each job's effect is one row. At the end every job must have one end, every effect must be there once, and nobody who
looked may have waited more than 30 s past the fact. The figures are written to var/chaos-jobs.json.
"""

import argparse
import itertools
import json
import math
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil

from blueprints.auth import User
from database import db, upgrade
from embedded_redis import EmbeddedRedis
from tests.support import clients, databases, server
from tests.support.chaos_viewer import Viewer
from tests.support.chaos_worker import EFFECT
from work import Attempt, Job, Note, moves
from work.models import ENDED

ROOT = Path(__file__).parents[2]
LATE_S = 30
PEOPLE = 20  # whose jobs they are: each has some pages open
WORKERS = 2
DEPLOY_S = 1.2  # RQ takes a second signal for an echo of the first for one second
FROZEN_S = 14  # longer than the lease: the process wakes up as a late twin
NOT_A_SECOND_MORE_S = 3600
SKEW = 4  # of the lengths: many short jobs and some long ones, as in life
LEFT_ALONE = 5  # the last ones end in peace: with one at work each blow would fall on it
BLOWS = ("parent", "horse", "horse", "both", "redis", "deploy", "freeze")


class Chaos:
    """The site, its workers and its Redis, and the hand that kills them."""

    def __init__(self, folder, seed, say=print):
        self.folder, self.dice, self.say = Path(folder), random.Random(seed), say
        self.over, self.kills, self.done, self.threads = threading.Event(), {}, Counter(), []
        self.bag = []
        self.redis = EmbeddedRedis(self.folder / "redis").start()
        url = f"sqlite:///{self.folder}/levain.db"
        self.app = databases.site(url, self.redis.url, self.folder)
        with self.app.app_context():
            upgrade()
            names = [f"person{n}" for n in range(PEOPLE)]
            people = [User(email=databases.email_of(name), name=name, password_hash="-") for name in names]
            db.session.add_all(people)
            db.session.commit()
        self.settings = {
            "LEVAIN_VAR": self.folder,
            "DATABASE_URL": url,
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": databases.SECRET_KEY,
            "LIVE_MAX_STREAMS_PER_USER": 10_000,
        }
        self.web = server.Server(self.settings, self.folder / "web.log")
        self.workers = [self._worker() for _ in range(WORKERS)]

    def end(self):
        self.over.set()
        for process in self.workers:
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children():
                    child.kill()
            process.kill()
            process.wait()
        self.web.stop()
        for thread in self.threads:
            thread.join()
        databases.close(self.app)
        self.redis.stop()

    def jobs(self, count, shortest_s, longest_s):
        """So many jobs, of one person after the other; their ids."""
        with self.app.app_context():
            people = itertools.cycle(db.session.scalars(db.select(User)).all())
            more = [0, 1, *[self.dice.random() ** SKEW for _ in range(count - 2)]]
            lengths = [round(shortest_s + (longest_s - shortest_s) * each, 2) for each in more]
            self.dice.shuffle(lengths)
            made = [
                moves.create("chaos", {"seconds": each}, user=who)
                for each, who in zip(lengths, people, strict=False)
            ]
            db.session.commit()
            return [job.id for job in made]

    def viewers(self, ids):
        cookies = ["=".join(clients.session_cookie(self.app, f"person{n}")) for n in range(PEOPLE)]
        # Nothing of the checker's helps the site: no relay, no watcher.
        self.app.extensions["live"].hub.stop()
        whose = zip(ids, itertools.cycle(cookies))
        viewers = [Viewer(self.web.port, cookie, job_id, self.over) for job_id, cookie in whose]
        self.threads += [each.thread for each in viewers]
        return viewers

    def left(self):
        # Of a GET, which only reads: a frozen process may hold SQLite's one lock for writers.
        with self.app.test_request_context():
            return db.session.scalar(db.select(db.func.count(Job.id)).where(Job.state.not_in(ENDED)))

    def strike(self):
        """One blow where somebody is at work, and whoever looks after processes starts them again at once. Each kind
        of blow has its turn."""
        while not (at_work := [each for each in range(WORKERS) if self._horses(each)]) and self.left():
            self.over.wait(0.1)
        if not at_work:
            return
        self.bag = self.bag or self.dice.sample(BLOWS, len(BLOWS))
        blow = self.bag.pop()
        self.done[blow] += 1
        getattr(self, f"_{blow}")(self.dice.choice(at_work))
        self.workers = [each if each.poll() is None else self._worker() for each in self.workers]

    def _horse(self, number):
        for horse in self._doomed(number):
            with suppress(psutil.NoSuchProcess):
                horse.kill()

    def _doomed(self, number):
        """The processes of jobs that die now, by this worker's end or by a signal of their own."""
        horses = self._horses(number)
        self.kills |= dict.fromkeys([horse.pid for horse in horses], time.time())
        return horses

    def _parent(self, number):
        self._doomed(number)
        self.workers[number].kill()
        self.workers[number].wait()

    def _both(self, number):
        self._horse(number)
        self._parent(number)

    def _deploy(self, number):
        self.workers[number].terminate()
        self.over.wait(DEPLOY_S)
        self._doomed(number)
        self.workers[number].terminate()
        self.workers[number].wait(LATE_S)

    def _freeze(self, number):
        """Its processes stand still, and go on when others have been at work: no fact from which to count."""
        frozen = self._horses(number)
        self._signal(frozen, signal.SIGSTOP)
        self.threads.append(threading.Thread(target=self._thaw, args=[frozen]))
        self.threads[-1].start()

    def _thaw(self, frozen):
        self.over.wait(FROZEN_S)
        self._signal(frozen, signal.SIGCONT)

    def _signal(self, processes, sign):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(sign)

    def _redis(self, _number):
        self.redis.process.kill()
        self.redis.process.wait()
        self.over.wait(self.dice.uniform(0.5, 3))
        self.redis = EmbeddedRedis(self.folder / "redis").start()

    def _horses(self, number):
        try:
            children = psutil.Process(self.workers[number].pid).children()
            return [each for each in children if each.status() != psutil.STATUS_ZOMBIE]
        except psutil.NoSuchProcess:
            return []

    def _worker(self):
        return server.start(["-m", "tests.support.chaos_worker"], self.settings, self.folder / "worker.log")

    def report(self, ids, viewers):
        """The figures that count; `late_p100_s` is of both: an end that viewers see, a killed attempt given up."""
        with self.app.test_request_context():
            ended = {job.id: job for job in db.session.scalars(db.select(Job))}
            effects = Counter(db.session.scalars(db.select(Note.job_id).where(Note.text == EFFECT)))
            lost = db.session.scalars(db.select(Attempt).where(Attempt.outcome == "lost")).all()
            killed = [(each, self.kills.get(int(each.worker.rsplit(" ", 1)[1]), 0)) for each in lost]
        seen = [each.seen_at - ended[each.job_id].ended_at.timestamp() for each in viewers if each.seen_at]
        # Numbers of processes come again within minutes: only what was killed after it began.
        given_up = [each.ended_at.timestamp() - at for each, at in killed if at > each.started_at.timestamp()]
        states = Counter(ended[each].state for each in ids)
        return {
            "jobs": len(ids),
            "without_end": sum(ended[each].state not in ENDED for each in ids),
            "effects_missing": sum(effects[each] == 0 for each in ids),
            "effects_twice": sum(effects[each] > 1 for each in ids),
            "late_p100_s": round(max([*seen, *given_up], default=0), 2),
            "seen_p100_s": round(max(seen, default=0), 2),
            "given_up_p100_s": round(max(given_up, default=0), 2),
            "viewers_without_end": sum(not each.ends for each in viewers),
            "viewers_with_two_ends": sum(len(each.ends) > 1 for each in viewers),
            "states": dict(states),
            "attempts": sum(ended[each].attempt for each in ids),
            "attempts_lost": len(lost),
            "blows": dict(self.done),
        }


def run(folder, *, seed, jobs, lengths_s, blow_every_s, most_blows=math.inf, say=print):
    """The figures of one run."""
    chaos = Chaos(folder, seed, say)
    try:
        ids = chaos.jobs(jobs, *lengths_s)
        viewers, begin, shown = chaos.viewers(ids), time.monotonic(), 0.0
        while chaos.left() and time.monotonic() - begin < NOT_A_SECOND_MORE_S:
            chaos.over.wait(chaos.dice.uniform(0.5, 1.5) * blow_every_s)
            if chaos.done.total() < most_blows and chaos.left() > LEFT_ALONE:
                chaos.strike()
            if time.monotonic() - shown > LATE_S:
                shown = time.monotonic()
                say(f"{shown - begin:5.0f} s: {chaos.left()} of {jobs} left, {dict(chaos.done)}")
        _patience(lambda: all(each.ends for each in viewers))
        return chaos.report(ids, viewers) | {"seed": seed, "took_s": round(time.monotonic() - begin)}
    finally:
        chaos.end()


def _patience(true):
    deadline = time.monotonic() + LATE_S
    while not true() and time.monotonic() < deadline:
        threading.Event().wait(0.1)


def verdict(figures):
    """What is wrong with a run, in names of figures."""
    wanted_zero = (
        "without_end",
        "effects_missing",
        "effects_twice",
        "viewers_without_end",
        "viewers_with_two_ends",
    )
    return [name for name in wanted_zero if figures[name]] + (
        ["late_p100_s"] if figures["late_p100_s"] > LATE_S else []
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="levain-chaos-") as folder:
        figures = run(folder, seed=options.seed, jobs=options.jobs, lengths_s=(1, 20), blow_every_s=10)
    written = ROOT / "var" / "chaos-jobs.json"
    written.parent.mkdir(exist_ok=True)
    written.write_text(json.dumps(figures, indent=2) + "\n")
    sys.stdout.write(written.read_text())
    return 1 if verdict(figures) else 0


if __name__ == "__main__":
    sys.exit(main())
