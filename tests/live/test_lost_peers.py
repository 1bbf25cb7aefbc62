"""Peers that are gone without a word: a network that is dead, and a page behind a proxy that keeps its own socket."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from live.connections import PING_S
from live.testing import SocketClient, connection
from tests.live.test_websocket import handshake, readers

NOTICED_S = 45
FORGOTTEN_S = 10
pytestmark = [pytest.mark.long, pytest.mark.timeout(150)]


def test_a_dead_network_is_noticed_within_45_seconds(tmp_path):
    if not _can_unshare():
        if os.environ.get("LEVAIN_REQUIRE_ALL") == "1":
            pytest.fail("this test needs `unshare -Urn` and `ip`")
        pytest.skip("NOT TESTED: a dead network needs `unshare -Urn` and `ip` (iproute2)")
    command = ["unshare", "-Urn", sys.executable, "-m", "tests.live.lost_network", tmp_path]
    said = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    took = json.loads(said.stdout or said.stderr)
    assert took.keys() == {"stream", "socket"}
    assert max(took.values()) <= NOTICED_S


def _can_unshare():
    if not (shutil.which("unshare") and shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin")):
        return False
    return subprocess.run(["unshare", "-Urn", "true"], capture_output=True).returncode == 0


@pytest.mark.parametrize("site", ["gevent", "gthread"], indirect=True, scope="session")
def test_a_page_that_answers_no_ping_is_gone_within_45_seconds_and_one_that_does_stays(site, topic):
    html, headers = site.page(topic)
    with SocketClient(site.url, headers).connect(connection(html)) as answers:
        mute, _ = handshake(site, connection(html).address("socket"), headers)
        began = time.monotonic()
        with mute, mute.makefile("rb") as stream:
            while stream.peek(1):  # it reads everything, and answers nothing
                read_some(stream)
        noticed = time.monotonic()
        assert PING_S < noticed - began <= NOTICED_S
        while readers(site) > 1:  # the process forgets it after it has closed its connection
            assert time.monotonic() < noticed + FORGOTTEN_S
            answers.next()  # a beat
        assert readers(site) == 1
        answers.next()


def read_some(stream):
    size = stream.read(2)[1]
    stream.read(int.from_bytes(stream.read(2)) if size == 126 else size)
