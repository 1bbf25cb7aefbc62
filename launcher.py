"""What `python app.py` does: everything the site needs, started together, watched, and stopped together.

In order: the listening socket, a Redis of our own where REDIS_URL is not set, the database (migrated and,
where it is empty, filled; in production only looked at), then web and workers under honcho. However this
process ends, nothing of it stays behind. app.py calls `main`, gunicorn.conf.py asks `check`.
"""

import multiprocessing
import os
import signal
import socket
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Timer

from honcho.manager import Manager
from honcho.process import Popen, Process

import app as site
from config import ConfigError, settings
from embedded_redis import EmbeddedRedis, RedisUnavailable, die_with_parent

ROOT = Path(__file__).resolve().parent
STOPPING = {signal.SIGINT, signal.SIGTERM}
# Five seconds from Ctrl-C to the end: two for what is under way, then jobs are dropped, then we insist.
GRACE_S = 2
KILL_S = 3.5


class StartRefused(RuntimeError):
    """Levain cannot run here and now; the text is one sentence for whoever reads the terminal."""


REFUSALS = (StartRefused, RedisUnavailable, ConfigError, site.NotMigrated)


def main():
    """Run the site until it is told to stop; the exit code of the process."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # Fork, on every Python: what honcho starts is described by objects that cannot travel otherwise.
    multiprocessing.set_start_method("fork")
    return _or_one_sentence(_run)


def check():
    """Would production start? The exit code; the reason against is one sentence on stderr."""
    return _or_one_sentence(lambda: site.refuse_unmigrated(site.create_app())) or 0


def _or_one_sentence(run):
    try:
        return run()
    except REFUSALS as refusal:
        print(f"Levain does not start: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _run():
    config = settings()
    with _listening(config["HOST"], config["PORT"]) as listener, _redis(config) as redis_url:
        os.environ["REDIS_URL"] = redis_url  # for the processes we start; only config.py reads it
        # In a process of its own: this one forks later, so it must never hold a connection to the database.
        preparing = multiprocessing.Process(target=_prepare, args=(config,))
        preparing.start()
        preparing.join()
        if preparing.exitcode:
            return preparing.exitcode
        _announce(config)
        return _supervise(config, listener)


def _listening(host, port):
    """The socket that web will serve, open from here on: the printed address is true, the port is ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror.partition(" (")[0]
        raise StartRefused(f"{host}:{port} cannot be used ({reason}); choose another with PORT.") from None


@contextmanager
def _redis(config):
    if config["REDIS_URL"]:
        yield config["REDIS_URL"]
    else:
        with EmbeddedRedis(Path(config["LEVAIN_VAR"]) / "redis") as redis:
            yield redis.url


def _prepare(config):
    die_with_parent()
    sys.exit(check() if config["LEVAIN_ENV"] == "production" else _or_one_sentence(_migrate_and_seed))


def _migrate_and_seed():
    app = site.create_app()
    with app.app_context():
        site.upgrade()
    site.seed(app)


def _announce(config):
    host = "localhost" if config["HOST"] in ("0.0.0.0", "::") else config["HOST"]  # noqa: S104 - shown, not bound
    address = f"http://{f'[{host}]' if ':' in host else host}:{config['PORT']}"
    print(f"\n  Levain is at {address}   (Ctrl-C stops it)\n")
    if config["LEVAIN_ENV"] != "production":
        print(f"{site.DEMO}\n")
    sys.stdout.flush()


def _supervise(config, listener):
    crew = Crew()
    python = f"exec {sys.executable}"
    crew.add(
        f"{python} -m gunicorn --graceful-timeout {GRACE_S} --bind fd://{listener.fileno()}", "web", listener
    )
    for number in range(1, config["JOB_WORKERS"] + 1):
        crew.add(f"{python} worker.py", f"worker.{number}")
    crew.loop()
    return crew.returncode


class Crew(Manager):
    """honcho's manager with a deadline, and with children that never outlive it."""

    def add(self, command, name, *sockets):
        self._process_ctor = partial(Child, sockets)
        self.add_process(name, command, cwd=ROOT)

    def terminate(self):
        if not self._all_started():  # honcho does not know yet whom to tell
            return self._later(0.05, self.terminate)
        super().terminate()
        self._later(GRACE_S, self._killall)
        return self._later(KILL_S, self.kill)

    def _later(self, seconds, action):
        timer = Timer(seconds, action)
        timer.daemon = True
        timer.start()

    def _start(self):
        # A child that is told to stop before it ignores that would run our own handler and never report back.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        super()._start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


class Child(Process):
    """One process under honcho, and the small one that reads what it prints."""

    def __init__(self, sockets, command, **options):
        super().__init__(command, **options)
        numbers = tuple(each.fileno() for each in sockets)
        self._child_ctor = partial(Popen, preexec_fn=_become_child, pass_fds=numbers)

    def run(self, *arguments):
        die_with_parent()
        _on_stop(signal.SIG_IGN)
        super().run(*arguments)


def _become_child():
    die_with_parent()
    _on_stop(signal.SIG_DFL)


def _on_stop(handler):
    for number in STOPPING:
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
