"""Real Redis servers that tests stop, kill, freeze, fill and fail over; each reachable at a socket and at a port."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import ClassVar

import redis

from embedded_redis import find_binary

READY_S = 10
SETTINGS = """\
bind 127.0.0.1
port {port}
protected-mode no
unixsocket {folder}/redis.sock
unixsocketperm 700
dir {folder}
logfile redis.log
save ""
appendonly {aof}
appendfsync everysec
repl-diskless-sync yes
repl-diskless-sync-delay 0
maxmemory-policy noeviction
"""


class RedisServer:
    """One redis-server in a folder; a new start finds the old data, the same socket and the same port."""

    running: ClassVar = set()

    def __init__(self, folder, *, aof=True):
        self.folder, self.aof = Path(folder), aof
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"unix://{self.folder}/redis.sock?db=0"
        self.client = redis.Redis.from_url(self.url, decode_responses=True)
        self.start()
        self.running.add(self)

    def start(self):
        settings = SETTINGS.format(port=self.port, folder=self.folder, aof="yes" if self.aof else "no")
        self.process = subprocess.Popen(
            [find_binary(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        self._tell(settings)
        give_up = time.monotonic() + READY_S
        while not self._answers():
            assert time.monotonic() < give_up, (self.folder / "redis.log").read_text()

    def _tell(self, settings):
        with self.process.stdin as stdin:
            stdin.write(settings.encode())

    def _answers(self):
        try:
            return self.client.ping()
        except redis.RedisError:
            return False

    def stop(self):
        """As systemd stops it: what it was told is on disk."""
        self.process.terminate()
        self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def forget(self):
        """Everything on disk is gone; only while it is stopped."""
        for path in self.folder.glob("append*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def lose_tail(self, count):
        """The newest bytes of the append-only file are gone, as after a power cut; only while it is stopped."""
        newest = max(self.folder.rglob("*.aof"), key=lambda path: path.stat().st_mtime_ns)
        os.truncate(newest, newest.stat().st_size - count)

    def follow(self, primary):
        """Become a replica of another server and be level with it."""
        self.client.replicaof("127.0.0.1", primary.port)
        give_up = time.monotonic() + READY_S
        while self.client.info("replication")["master_link_status"] != "up":
            assert time.monotonic() < give_up, "the replica does not come up"

    def lead(self):
        self.client.replicaof("NO", "ONE")

    def drop_clients(self):
        """As Sentinel does with a primary that it demotes."""
        for kind in ("normal", "pubsub"):
            self.client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def end(self):
        self.running.discard(self)
        if self.process.poll() is None:
            self.thaw()
            self.stop()
        self.client.close()
