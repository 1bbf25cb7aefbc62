"""What all xdist workers of one test run share: a folder, one Redis, one PostgreSQL, schemas made once.

The controller (or the only process) makes the folder and the Redis; the rest is made by whichever worker needs it
first, under a lock. The controller ends all of it.
"""

import fcntl
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedded_redis import EmbeddedRedis

DEBIAN = Path("/usr/lib/postgresql")  # where Debian keeps the programs that are not on the PATH
NO_POSTGRES = "PostgreSQL's programs (initdb, pg_ctl) are not here: what is said of PostgreSQL is NOT tested"
OPTIONS = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


class Run:
    """One test run, as its controller sees it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="levain-tests-"))
        self.folder.chmod(0o711)  # PostgreSQL runs as somebody else where we are root
        self.redis = EmbeddedRedis(self.folder / "redis", aof=False).start()

    def end(self):
        self.redis.stop()
        if (self.folder / "postgres").exists():
            stop_postgres(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def locked(folder, name):
    with (Path(folder) / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def postgres_programs():
    """The folder of initdb and pg_ctl, the newest there is, or None."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    versions = [path for path in DEBIAN.glob("*/bin") if (path / "initdb").exists()]
    return max(versions, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0), default=None)


def require_postgres():
    if postgres_programs():
        return
    if os.environ.get("CI") == "true" or os.environ.get("LEVAIN_REQUIRE_ALL") == "1":
        pytest.fail(NO_POSTGRES)
    pytest.skip(NO_POSTGRES)


def start_postgres(folder, options=OPTIONS):
    """The URL of a cluster of our own on a socket in the folder; started at the first call."""
    home = Path(folder) / "postgres"
    with locked(folder, "postgres"):
        if not (home / "ready").exists():
            home.mkdir()
            if owner := _unprivileged():
                shutil.chown(home, owner)
            _as_owner(
                *("initdb", "-D", home / "data", "-U", "levain", "--auth=trust", "--no-sync"),
                *("-E", "UTF8", "--locale=C.UTF-8"),  # in plain C lower case is that of ASCII
            )
            run_postgres(folder, options)
            (home / "ready").touch()
    return f"postgresql://levain@/postgres?host={home}"


def run_postgres(folder, options=OPTIONS):
    """Starts the cluster that is there."""
    home = Path(folder) / "postgres"
    _as_owner("pg_ctl", "-D", home / "data", "-w", "-l", home / "log", "-o", f"{options} -k {home}", "start")


def stop_postgres(folder):
    _as_owner("pg_ctl", "-D", Path(folder) / "postgres" / "data", "-m", "immediate", "-w", "stop")


def _as_owner(program, *arguments):
    """Run one of PostgreSQL's programs, which refuse to be root."""
    owner = _unprivileged()
    identity = {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []} if owner else {}
    command = [postgres_programs() / program, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **identity)


def _unprivileged():
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
