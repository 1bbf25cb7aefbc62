"""`python app.py` as a process of a test, and what it started. Waiting is reading: the address is printed when the
socket is open, so the first request just waits until the site is there.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

ROOT = Path(__file__).parents[2]
STOP_S = 5


class Launched:
    """A `python app.py` that has printed its address."""

    def __init__(self, process, printed, port):
        self.process = process
        self.printed = printed
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"
        self.family = []

    def answer(self):
        with urllib.request.urlopen(self.url, timeout=20) as response:
            self.look()
            return response.status

    def look(self):
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def waited_s(self):
        """How long one of those that had to work for the first answer was ready to, and had no core: Linux counts
        that. Of those that waited together the one that waited longest."""
        web = [each.pid for each in self.family if "gunicorn" in each.cmdline()]
        return max(_delay_s(pid) for pid in (self.process.pid, *web))

    @contextmanager
    def open_page(self):
        """A browser's connection, which it keeps after the answer."""
        with socket.create_connection(("127.0.0.1", self.port)) as page:
            page.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert page.recv(12) == b"HTTP/1.1 200"
            yield

    def end(self, number):
        """Send a signal; the seconds until everything had ended, and what had not."""
        start = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(STOP_S)
        took = time.monotonic() - start
        return took, self.left()

    def left(self):
        """What still runs. A zombie does not: in a container without an init nobody collects it."""
        alive = psutil.wait_procs(self.family, timeout=2)[1]
        return [each for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def launched(var, **settings):
    port = free_port()
    process = app_py(var, PORT=port, **settings)
    printed = []
    try:
        for line in process.stdout:
            printed.append(line)
            if "web" in line and "started" in line:  # honcho's first line, below what is for the person
                break
        else:
            pytest.fail("".join(printed))
        yield Launched(process, "".join(printed), port)
    finally:
        process.kill()  # nothing to a process that has ended; its children follow it by themselves
        process.communicate()


def _delay_s(pid):
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0


def app_py(var, **settings):
    none_of_ours = dict.fromkeys(("REDIS_URL", "DATABASE_URL", "SECRET_KEY", "HOST", "LEVAIN_ENV"), "")
    own = {"LEVAIN_VAR": var, "PYTHONUNBUFFERED": 1} | settings
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | none_of_ours | {name: str(value) for name, value in own.items()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def patient(var):
    """A client of the launched site's Redis that waits for it to come up."""
    retry = Retry(ConstantBackoff(0.05), 100, supported_errors=(redis.ConnectionError,))
    return redis.Redis(unix_socket_path=f"{var}/redis/redis.sock", retry=retry, decode_responses=True)


@contextmanager
def busy_worker(site, client):
    """While inside, the site's worker is at a long job, which an admin started."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    browser.addheaders = [("Sec-Fetch-Site", "same-origin")]
    for path, fields in (
        ("login", {"email": "root@levain.test", "password": "levain"}),
        ("jobs/?kind=busy_friday", {"orders": 5000}),
    ):
        browser.open(site.url + path, urlencode(fields).encode(), timeout=20).close()
    while not client.keys("rq:executions:*"):
        time.sleep(0.02)
    site.look()
    yield
