"""A machine far away, as far as TCP can tell: a network namespace behind a router that can stop passing anything on.

Nothing is refused and nothing is closed when it does: packets vanish, in both directions, as behind a pulled cable.
"""

import ctypes
import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000


class Far:
    """`near` is the address at which servers of this machine are reached from there."""

    def __init__(self):
        number = os.getpid() % 4096
        self._between = f"10.{100 + number // 128}.{number % 128 * 2}"
        self.net = f"10.{100 + number // 128}.{number % 128 * 2 + 1}"
        self.near, self.host = f"{self._between}.1", 2
        self.router, self.name = f"levain-router-{number}", f"levain-far-{number}"
        self._near_end = f"levain{number}"

    def make(self):
        """Two cables, and a router between them."""
        for name in (self.router, self.name):
            ip("netns", "add", name)
        ip("link", "add", self._near_end, "type", "veth", "peer", "name", "near", "netns", self.router)
        ip(
            "link",
            "add",
            "far",
            "netns",
            self.router,
            "type",
            "veth",
            "peer",
            "name",
            "out",
            "netns",
            self.name,
        )
        ip("addr", "add", f"{self.near}/24", "dev", self._near_end)
        ip("link", "set", self._near_end, "up")
        ip("route", "add", f"{self.net}.0/24", "via", f"{self._between}.2")
        for where, device, address in (
            (self.router, "near", f"{self._between}.2"),
            (self.router, "far", f"{self.net}.1"),
            (self.name, "out", f"{self.net}.{self.host}"),
        ):
            ip("-n", where, "addr", "add", f"{address}/24", "dev", device)
            ip("-n", where, "link", "set", device, "up")
        ip("-n", self.name, "link", "set", "lo", "up")
        ip("-n", self.name, "route", "add", "default", "via", f"{self.net}.1")
        self.plug_in()

    def pull(self):
        self._forward(0)

    def plug_in(self):
        self._forward(1)

    def _forward(self, on):
        ip("netns", "exec", self.router, "sysctl", "-qw", f"net.ipv4.ip_forward={on}")

    def move(self):
        """It gets another address: what was open under the old one is dead."""
        old, self.host = self.host, self.host + 1
        ip("-n", self.name, "addr", "del", f"{self.net}.{old}/24", "dev", "out")  # and with it the routes
        ip("-n", self.name, "addr", "add", f"{self.net}.{self.host}/24", "dev", "out")
        ip("-n", self.name, "route", "add", "default", "via", f"{self.net}.1")

    @contextmanager
    def inside(self):
        """Sockets that this thread makes in the block are there, and stay there."""
        with Path("/proc/thread-self/ns/net").open() as here, Path(f"/run/netns/{self.name}").open() as there:
            _enter(there)
            try:
                yield
            finally:
                _enter(here)

    def wrapped(self, program, folder):
        """A script that starts the program there."""
        script = Path(folder) / f"far-{Path(program).name}"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {program} "$@"\n')
        script.chmod(0o755)
        return script

    def processes(self):
        found = subprocess.run(
            ["ip", "netns", "pids", self.name], check=True, capture_output=True, text=True
        ).stdout
        return [int(pid) for pid in found.split()]

    def end(self):
        for name in (self.name, self.router):
            with suppress(subprocess.CalledProcessError):
                ip("netns", "del", name)
        with suppress(subprocess.CalledProcessError):  # where the making stopped half-way
            ip("link", "del", self._near_end)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _enter(namespace):
    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@pytest.fixture
def far():
    """Only root has network namespaces; who is not skips loudly, also where everything is required."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need root and iproute2: dead networks are NOT tested")
    machine = Far()
    try:
        machine.make()
    except subprocess.CalledProcessError as error:
        machine.end()
        pytest.skip(f"no network namespaces here ({error.stderr!r}): dead networks are NOT tested")
    yield machine
    machine.end()
