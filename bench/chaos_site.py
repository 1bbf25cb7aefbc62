"""The site that `make chaos` breaks: two web processes behind a round-robin proxy, a worker, a Redis, all real."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psutil

from embedded_redis import EmbeddedRedis
from live.testing.faults import Proxy, asleep, kill

ROOT = Path(__file__).parents[1]
WEBS = 2
SETTINGS = {
    "SECRET_KEY": "only for chaos, and long enough to be a key of the site",
    "LIVE_MAX_STREAMS_PER_USER": 1000,
    "LIVE_BEAT_S": 2,
    "LEVAIN_ENV": "development",
}


class Site:
    """Starts everything in a folder, and starts again what was killed."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.redis = EmbeddedRedis(self.folder / "redis")
        self.redis.start()
        self.settings = SETTINGS | {"LEVAIN_VAR": str(folder), "REDIS_URL": self.redis.url}
        self.settings["DATABASE_URL"] = f"sqlite:///{quote(str(folder))}/levain.db"
        self.listeners = [socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(WEBS)]
        self.processes = {}

    def start(self):
        """Starts web processes, worker and proxy; the database must be there."""
        for number in range(WEBS):
            self._start_web(number)
        self._start("worker", ["worker.py"])
        self.proxy = Proxy(*(listener.getsockname() for listener in self.listeners)).__enter__()

    def stop(self):
        self.proxy.__exit__()
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.redis.stop()
        for listener in self.listeners:
            listener.close()

    def revive(self):
        """Starts again what is dead; gunicorn's master does it for its worker."""
        for number in range(WEBS):
            if self.processes[f"web{number}"].poll() is not None:
                self._start_web(number)
        if self.processes["worker"].poll() is not None:
            self._start("worker", ["worker.py"])
        if self.redis.process.poll() is not None:
            self.redis.start()

    def web(self, number):
        """The pid of a web process: the worker under gunicorn's master, or the master while there is none."""
        master = self.processes[f"web{number}"].pid
        children = psutil.Process(master).children()
        return children[0].pid if children else master

    def holder(self, client):
        """The pid of the relay's holder, or of any web process while nobody holds the lease."""
        token = client.get("live:{site}:relay") or b""
        pid = int(token.decode().partition("-")[0] or 0)
        return pid if pid and psutil.pid_exists(pid) else self.web(0)

    def _start_web(self, number):
        listener = self.listeners[number]
        options = ["--bind", f"fd://{listener.fileno()}", "--graceful-timeout", "3"]
        self._start(f"web{number}", ["-m", "gunicorn", *options], pass_fds=[listener.fileno()])

    def _start(self, name, arguments, **options):
        environment = os.environ | {name: str(value) for name, value in self.settings.items()}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **options,
            )


__all__ = ["Site", "asleep", "kill"]
