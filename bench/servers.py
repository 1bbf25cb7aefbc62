"""The servers that are measured: how each is started, asked for a stream, and told to publish.

All on core 0 where there are two, so that the load client has the other.
"""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress

import psutil

from bench.kinds import LOOP, NODE, ROOT
from live.testing import connection

START_S, ANSWER_S = 20, 20
STREAM = "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n"
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
GUNICORN = [
    *(sys.executable, "-m", "gunicorn", "--config", os.devnull, "--no-control-socket", "--backlog", "4096"),
    *("--timeout", "300", "--keep-alive", "75", "--worker-connections", "20000"),
]


@contextmanager
def running(kind, redis_url, folder):
    """The server of a kind, ready: its port and its processes; stopped at the end."""
    with ExitStack() as stack:
        ports = [_free_port() for _ in range(kind.processes)]
        started = [
            stack.enter_context(_started(kind.server, _command(kind, port, folder), port, redis_url, folder))
            for port in ports
        ]
        if kind.processes > 1:
            ports = [_free_port(), *ports]
            started.append(
                stack.enter_context(_started("nginx", _proxy(ports, folder), ports[0], redis_url, folder))
            )
        yield ports[0], started


@contextmanager
def _started(name, command, port, redis_url, folder):
    log = folder / f"{name}-{port}.log"
    own = {"REDIS_URL": redis_url, "PYTHONPATH": str(ROOT), "NODE_PATH": str(NODE.parent)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*pin(0), *command],
            cwd=ROOT, env=os.environ | own, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        if not _answers(port, process):
            raise RuntimeError(f"it did not start: {log.read_text().strip()[-300:]}")
        yield psutil.Process(process.pid)
    finally:
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def request_of(kind, port):
    """With what a reader asks: the text, in which \1 stands for its position, and its first position."""
    host, path, position = f"127.0.0.1:{port}", kind.path, ""
    if kind.server == "levain":
        page = connection(fetch(port, "GET", "/").decode())
        path, position = page.at("\1").address(kind.transport).replace("%01", "\1"), page.position
    form = UPGRADE if kind.transport == "socket" else STREAM
    return form.format(path=path, host=host), position


def fetch(port, method, path, body=None):
    """One request on a connection of its own."""
    web = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        web.request(method, path, body, {"Content-Type": "text/plain"})
        return web.getresponse().read()
    finally:
        web.close()


class Publisher:
    """One connection that stays open; each event is one `send`, with its head."""

    def __init__(self, port, path):
        self._plug = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
        self._plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: text/plain\r\nContent-Length: "
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._plug.close()

    def publish(self, text):
        """Sends it; the answer has arrived when this returns."""
        self._plug.sendall(f"{self._head}{len(text)}\r\n\r\n{text}".encode())
        answer = http.client.HTTPResponse(self._plug, method="POST")
        answer.begin()
        answer.read()
        answer.close()


def _command(kind, port, folder):
    if kind.server == "nchan":
        return _nginx(port, folder)
    if kind.server == "socket.io":
        return [shutil.which("node"), str(ROOT / "bench" / "peers" / "socketio.js"), str(port)]
    if kind.server == "c-loop":
        return [str(LOOP), str(port)]
    if kind.server == "django-eventstream":
        uvicorn = [sys.executable, "-m", "uvicorn", "--port", str(port), "--backlog", "4096"]
        return [*uvicorn, "--log-level", "error", "bench.peers.django_site:app"]
    threads = (
        ["-k", "gthread", "--threads", "1100"] if kind.server == "gthread-generator" else ["-k", "gevent"]
    )
    return [*GUNICORN, *threads, "--bind", f"127.0.0.1:{port}", f"bench.peers.{kind.module}:app"]


def _nginx(port, folder):
    return _configured("nchan.conf", folder, port=port)


def _proxy(ports, folder):
    return _configured("proxy.conf", folder, port=ports[0], first=ports[1], second=ports[2])


def _configured(name, folder, **values):
    text = (ROOT / "bench" / "peers" / name).read_text()
    for word, value in (values | {"folder": folder}).items():
        text = text.replace(f"{{{word}}}", str(value))
    (folder / name).write_text(text)
    return [shutil.which("nginx"), "-c", str(folder / name), "-p", str(folder)]


def pin(core):
    """What stands before a command: it ends with us, whatever happens, and has a core to itself where there are two."""
    last = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    alone = ["taskset", "-c", str(core)] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
    return last + alone


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as plug:
        return plug.getsockname()[1]


def _answers(port, process):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
