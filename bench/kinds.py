"""What is measured: which server, over which transport, in which version. Who is not installed says so."""

import importlib.metadata
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
VAR = ROOT / "var"
NODE = VAR / "bench-node" / "node_modules" / "socket.io"
LOOP = VAR / "bench-bin" / "loop"
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
SOCKET_IO = "/socket.io/?EIO=4&transport=websocket"


@dataclass(frozen=True)
class Kind:
    """One server over one transport.

    Shape: `packages` must be there; `hello` is what a WebSocket client says first; `most` readers are tried;
    `silent` sends no head before its first event.
    """

    server: str
    transport: str = "stream"
    processes: int = 1
    packages: tuple[str, ...] = ()
    path: str = "/stream"
    hello: str = ""
    most: int = 20_000
    silent: bool = False

    def __str__(self):
        return f"{self.server} ({self.transport}{', two processes' if self.processes > 1 else ''})"

    @property
    def how(self):
        """What the load client calls it."""
        return "silent" if self.silent else self.transport

    @property
    def module(self):
        """The file in bench/peers of those that gunicorn serves."""
        names = {"levain": "levain", "flask-sse": "flask_sse_site", "flask-socketio": "flask_socketio_site"}
        return names.get(self.server, "generator")

    @property
    def version(self):
        """The version, or "" when it is not installed."""
        if self.processes > 1 and not nginx_version():
            return ""
        if self.server in _VERSIONS:
            return _VERSIONS[self.server]()
        try:
            return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in self.packages)
        except importlib.metadata.PackageNotFoundError:
            return ""


KINDS = (
    Kind("c-loop"),
    Kind("levain", path="/live/stream"),
    Kind("nchan"),
    Kind("levain", "poll", path="/live/poll", most=5000),
    Kind("levain", "socket", path="/socket"),
    Kind("levain", processes=2, path="/live/stream", most=8000),
    Kind("socket.io", "socket", path=SOCKET_IO, hello="40"),
    Kind("gevent-generator", packages=("gunicorn", "gevent")),
    Kind("flask-socketio", "socket", packages=("Flask-SocketIO",), path=SOCKET_IO, hello="40", most=5000),
    Kind("flask-sse", packages=("Flask-SSE",), most=5000, silent=True),
    Kind("django-eventstream", packages=("django-eventstream",), path="/stream/", most=5000),
    Kind("gthread-generator", packages=("gunicorn",), most=1000),
)


def nginx_version():
    """Of the nginx on this machine, or ""."""
    return _said("nginx", "-v").strip().removeprefix("nginx version: ").replace("/", " ")


def _nchan_version():
    if not NCHAN.exists():
        return ""
    package = _said("dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-nchan") or "of this machine"
    return f"{package} ({nginx_version()})"


def _socket_io_version():
    found = NODE / "package.json"
    return json.loads(found.read_text())["version"] if shutil.which("node") and found.exists() else ""


def _loop_version():
    return "1" if LOOP.exists() else ""


def _own_version():
    return _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD").strip() or "this"


def _said(program, *arguments):
    path = shutil.which(program)
    if not path:
        return ""
    said = subprocess.run([path, *arguments], capture_output=True, text=True)
    return (said.stdout or said.stderr) if said.returncode == 0 else ""


_VERSIONS = {
    "levain": _own_version,
    "nchan": _nchan_version,
    "socket.io": _socket_io_version,
    "c-loop": _loop_version,
}
