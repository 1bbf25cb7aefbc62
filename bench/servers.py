"""The servers that are measured: how each is started, asked for a stream, and told to publish.

One process each, on core 0 where there are two, so that the load client has the other. Who is not installed says so.
"""

import http.client
import importlib.metadata
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
VAR = ROOT / "var"
NODE = VAR / "bench-node" / "node_modules" / "socket.io"
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
START_S = 20
STREAM = "GET /stream HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n"
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
GUNICORN = [
    *(sys.executable, "-m", "gunicorn", "--config", os.devnull, "--no-control-socket", "--backlog", "4096"),
    *("--timeout", "300", "--keep-alive", "75", "--worker-connections", "20000"),
]
SOCKET_IO = "/socket.io/?EIO=4&transport=websocket"


@dataclass(frozen=True)
class Kind:
    """One server over one transport.

    Shape: `packages` must be there; `hello` is what a WebSocket client says first; `most` readers are tried;
    `silent` sends no head before its first event.
    """

    server: str
    transport: str = "stream"
    packages: tuple[str, ...] = ()
    path: str = "/stream"
    hello: str = ""
    most: int = 20_000
    silent: bool = False

    @property
    def module(self):
        """The file in bench/peers of those that gunicorn serves."""
        names = {"levain": "levain", "flask-sse": "flask_sse_site", "flask-socketio": "flask_socketio_site"}
        return names.get(self.server, "generator")

    @property
    def version(self):
        """The version, or "" when it is not installed."""
        if self.server == "nchan":
            return _nginx_version() if NCHAN.exists() else ""
        if self.server == "socket.io":
            found = NODE / "package.json"
            return re.search(r'"version": "([^"]+)"', found.read_text())[1] if found.exists() else ""
        if self.server == "c-loop":
            return "1" if (VAR / "bench-bin" / "loop").exists() else ""
        try:
            return " ".join(importlib.metadata.version(name) for name in self.packages) or "this"
        except importlib.metadata.PackageNotFoundError:
            return ""


KINDS = (
    Kind("c-loop"),
    Kind("levain", path="/live/stream"),
    Kind("levain", "socket", path="/socket"),
    Kind("nchan"),
    Kind("socket.io", "socket", path=SOCKET_IO, hello="40"),
    Kind("gevent-generator", packages=("gunicorn", "gevent")),
    Kind("gthread-generator", packages=("gunicorn",), most=1000),
    Kind("flask-sse", packages=("Flask-SSE",), most=5000, silent=True),
    Kind("flask-socketio", "socket", packages=("Flask-SocketIO",), path=SOCKET_IO, hello="40", most=5000),
    Kind("django-eventstream", packages=("django-eventstream",), path="/stream/", most=5000),
)


@contextmanager
def running(kind, redis_url, folder):
    """The server of a kind, ready: its port and its process; stopped at the end."""
    with socket.create_server(("127.0.0.1", 0)) as plug:
        port = plug.getsockname()[1]
    process = subprocess.Popen(
        [*pin(0), *_command(kind, port, folder)],
        cwd=ROOT,
        env=os.environ | {"REDIS_URL": redis_url, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=(folder / f"{kind.server}.log").open("ab"),
        start_new_session=True,
    )
    try:
        _wait_for(port, process)
        yield port, psutil.Process(process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def request_of(kind, port):
    """The bytes with which a reader asks."""
    host = f"127.0.0.1:{port}"
    path = kind.path
    if kind.server == "levain":
        html = fetch(port, "GET", "/").decode()
        token, position = (
            re.search(f'data-live-{name}="([^"]*)"', html)[1] for name in ("topics", "position")
        )
        path += f"?t={token}&position={position}"
    form = STREAM.replace("/stream", "{path}", 1) if kind.transport == "stream" else UPGRADE
    return form.format(path=path, host=host).encode()


def fetch(port, method, path, body=None):
    """One request on a connection of its own."""
    web = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        web.request(method, path, body, {"Content-Type": "text/plain"})
        return web.getresponse().read()
    finally:
        web.close()


class Publisher:
    """One connection that stays open; each event is one `send`, with its head."""

    def __init__(self, port, path):
        self._plug = socket.create_connection(("127.0.0.1", port), timeout=60)
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
        return [str(VAR / "bench-bin" / "loop"), str(port)]
    if kind.server == "django-eventstream":
        uvicorn = [sys.executable, "-m", "uvicorn", "--port", str(port), "--backlog", "4096"]
        return [*uvicorn, "--log-level", "error", "bench.peers.django_site:app"]
    threads = (
        ["-k", "gthread", "--threads", "1100"] if kind.server == "gthread-generator" else ["-k", "gevent"]
    )
    return [*GUNICORN, *threads, "--bind", f"127.0.0.1:{port}", f"bench.peers.{kind.module}:app"]


def _nginx(port, folder):
    text = (ROOT / "bench" / "peers" / "nchan.conf").read_text()
    config = folder / "nchan.conf"
    config.write_text(text.replace("{port}", str(port)).replace("{folder}", str(folder)))
    return [shutil.which("nginx"), "-c", str(config), "-p", str(folder)]


def _nginx_version():
    said = subprocess.run([shutil.which("nginx"), "-v"], capture_output=True, text=True).stderr
    return said.partition("/")[2].strip()


def pin(core):
    return ["taskset", "-c", str(core)] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []


def _wait_for(port, process):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("it did not start")
