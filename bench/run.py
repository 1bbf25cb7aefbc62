"""`make bench`: Levain beside its peers in one run, same client, same events, then the real site under load.

It writes var/bench.json (one row for each server, transport and number of readers), var/bench-site.json (what was
measured of the site, and of the whole process) and docs/performance.md. QUICK=1 takes two minutes, 100 and 1,000
readers, and each figure once. Whatever fails is named, and the rest goes on.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import loads, report
from bench.kinds import KINDS, VAR
from bench.measure import opened
from bench.site import Site
from embedded_redis import EmbeddedRedis

QUICK = bool(os.environ.get("QUICK"))
SIZES = (1000, 100) if QUICK else (1000, 5000, 10_000, 100)  # the most telling first
ROUNDS, ROUNDS_OF_OTHERS = (1, 1) if QUICK else (5, 3)
SHOWN = ("c-loop", "levain", "nchan")  # whose ratios must be shown: their rounds alternate
PEERS_S = 30 if QUICK else 540  # so long for the peers, then comes the site
CELL_S, LOAD_S, RUN_S = (
    60,
    250,
    115 if QUICK else 880,
)  # no server, no load of the site, and not all may take longer
OWN_FILES = 500  # descriptors beside those of the readers
SITE_READERS, MESSAGES = (1000, 40) if QUICK else (5000, 200)
NEIGHBOURS_S, STOPPED_S = (4, 8) if QUICK else (10, 60)


class Run:
    """What came of it: `rows` of the peers, `facts` of the site, and what is `missing`."""

    def __init__(self, folder):
        self.folder, self.began = folder, time.monotonic()
        self.rows, self.facts, self.missing = [], {"process_mb": {}}, []
        self.files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    # -- side by side -----------------------------------------------------------------------------------

    def side_by_side(self, kinds=KINDS, sizes=SIZES):
        """All servers with all numbers of readers, as far as there is time."""
        shown = [
            kind
            for kind in kinds
            if (kind.server, kind.how, kind.processes) in [(s, "stream", 1) for s in SHOWN]
        ]
        with EmbeddedRedis(self.folder / "redis-of-peers", aof=False) as redis:
            for readers in sizes:
                self._alternate(shown, readers, ROUNDS, redis.url)
            for readers in sizes:
                for kind in kinds:
                    if kind not in shown:
                        self._alternate([kind], readers, ROUNDS_OF_OTHERS, redis.url)

    def _alternate(self, kinds, readers, rounds, redis_url):
        """Opens all of them, then measures one after the other, round by round."""
        with ExitStack() as stack:
            cells = [cell for kind in kinds if (cell := self._open(stack, kind, readers, redis_url))]
            for _ in range(rounds):
                cells = [cell for cell in cells if self._measured(cell)]
            for cell in cells:
                self._keep(cell)

    def _open(self, stack, kind, readers, redis_url):
        if problem := self._problem(kind, readers):
            self.missing.append(f"{kind} with {readers} readers: {problem}")
            return None
        with self.noting(f"{kind} with {readers} readers", CELL_S):
            return stack.enter_context(opened(kind, readers, redis_url, self.folder))

    def _problem(self, kind, readers):
        if not kind.version:
            return "not installed"
        if readers > kind.most or readers + OWN_FILES > self.files:
            return "more than it, or the file limit, takes"
        return "no time left" if time.monotonic() - self.began > PEERS_S else ""

    def _measured(self, cell):
        with self.noting(f"{cell.kind} with {cell.readers} readers", CELL_S):
            cell.measure()
            return True
        return False

    def _keep(self, cell):
        row = cell.row()
        if (arrived := row.pop("arrived")) < 1:
            self.missing.append(
                f"{cell.kind} with {cell.readers} readers: {1 - arrived:.1%} of the burst was lost"
            )
        if cell.kind.server == "levain" and cell.kind.processes == 1:
            self.facts["process_mb"][f"{cell.kind.transport} {cell.readers}"] = round(cell.process_mb, 1)
        self.rows.append(row)
        print(json.dumps(row), flush=True)

    # -- the site ---------------------------------------------------------------------------------------

    def real_site(self):
        """The whole path, neighbours, a storm, and readers that stop."""
        with self.noting("the site", 3 * LOAD_S), EmbeddedRedis(self.folder / "redis") as redis:
            site = Site(self.folder, redis.url)
            with site.running():
                self._load("whole_path", loads.whole_path, site, MESSAGES)
                self._load("crowd", loads.neighbours_and_storm, site, SITE_READERS, NEIGHBOURS_S)
                self._load("stopped", loads.stopped, site, SITE_READERS, STOPPED_S)

    def _load(self, name, function, *arguments):
        with self.noting(name, LOAD_S):
            self.facts[name] = function(*arguments)
            print(json.dumps({name: self.facts[name]}), flush=True)

    @contextmanager
    def noting(self, what, limit_s):
        """Whatever fails or takes too long is named in the page, and the rest goes on."""
        try:
            with within(limit_s):
                yield
        except Exception as error:  # noqa: BLE001 - whatever a peer or a measurement may do
            self.missing.append(f"{what}: {type(error).__name__}: {error}")


@contextmanager
def within(seconds):
    """TimeoutError when it takes longer, or when the limit around it is over."""

    def too_long(*_):
        raise TimeoutError(f"longer than {seconds} s")

    left, began = signal.alarm(0), time.monotonic()
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(min(seconds, left) if left else seconds)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.alarm(max(1, left - int(time.monotonic() - began)) if left else 0)


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})  # beside the load client; the servers have core 0
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder))
        with run.noting("the run", RUN_S):
            run.side_by_side()
            run.real_site()
    VAR.mkdir(exist_ok=True)
    (VAR / "bench.json").write_text(json.dumps(run.rows, indent=1))
    (VAR / "bench-site.json").write_text(json.dumps(run.facts, indent=1))
    report.write(run.rows, run.facts, run.missing, time.monotonic() - run.began)


if __name__ == "__main__":
    sys.exit(main())
