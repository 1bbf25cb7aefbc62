"""How gunicorn serves the site, in development as in production; `python -m gunicorn` needs no arguments.

It runs in gunicorn's master, which must import neither ssl nor the app on our account: each worker patches
the standard library for gevent before it loads the app, and what was imported earlier would stay unpatched.
To deploy without a refused connection send HUP to the master, or let systemd hold the socket: it stays open.
"""

import gc
import resource
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from config import ConfigError, settings

ROOT = Path(__file__).resolve().parent
DRAIN_CHECK_S = 0.2
FILES = 65_536  # one for each open page and some; a login shell allows 1,024

try:
    _config = settings()
except ConfigError as refusal:
    sys.exit(f"Levain does not start: {refusal}")
_host = _config["HOST"]

wsgi_app = "app:create_app()"
chdir = str(ROOT)
bind = f"[{_host}]:{_config['PORT']}" if ":" in _host else f"{_host}:{_config['PORT']}"
workers = _config["WEB_WORKERS"]
worker_class = "gevent"
worker_connections = 12_000  # above LIVE_MAX_STREAMS, which must be the limit that says no
# A heartbeat on a disk that hangs would look like a worker that hangs.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn unlinks it at once
control_socket_disable = True  # it would be made in the home directory

timeout = 60  # a worker that does not turn its loop for so long is replaced
graceful_timeout = 30
keepalive = 75  # longer than nginx keeps an idle connection (60 s), or now and then a POST would get a 502
max_requests = 0  # a worker replaced for its age would cut every page that it keeps live
forwarded_allow_ips = ""  # X-Forwarded-* are believed only where TRUSTED_PROXIES says so (security.py)
limit_request_line = 8190  # a page with many topics sends its signed list in the address

accesslog = "-"
# Without the query string: addresses of streams carry signed topics, those of searches what people look for.
access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(M)sms'


def on_starting(_server):
    """Refuse an unsafe production with one sentence, in a process of its own that may import the app."""
    if _config["LEVAIN_ENV"] == "production":
        code = subprocess.run(
            [sys.executable, "-c", "import launcher; raise SystemExit(launcher.check())"], cwd=ROOT
        )
        if code.returncode:
            sys.exit(code.returncode)


# Connections of this worker, and those of them in which a request is under way.
_open, _busy = set(), set()


def pre_request(_worker, request):
    _busy.add(request.unreader.sock)


def post_request(_worker, request, _environ, _response):
    _busy.discard(request.unreader.sock)


def post_worker_init(worker):
    """SIGTERM must reach the open pages at once; gunicorn alone would keep them until graceful_timeout cuts them."""
    import gevent  # here, in the worker, after the standard library was patched

    # What was loaded stays for good: not looked through again each time Python looks for garbage, while all wait.
    gc.collect()
    gc.freeze()
    worker.handle = _remembering(worker.handle)
    gevent.spawn(_drain, worker, gevent.sleep)
    worker.wsgi.extensions["work"].start()  # so that somebody notices when nobody runs a job any more


def worker_exit(_arbiter, worker):
    """What was adopted since, and what the kernel had no room for, still gets its goodbye (at most two seconds)."""
    if extensions := getattr(getattr(worker, "wsgi", None), "extensions", None):
        extensions["live"].hub.stop()


def _remembering(handle):
    def remember(listener, client, address):
        _open.add(client)
        try:
            handle(listener, client, address)
        finally:
            _open.discard(client)
            _busy.discard(client)

    return remember


def _drain(worker, pause):
    """Nothing new first, then goodbye to every page, also to those whose request was still on its way in."""
    while worker.alive or any(listener.fileno() >= 0 for listener in worker.sockets):
        pause(DRAIN_CHECK_S)
    hub = worker.wsgi.extensions["live"].hub
    _end_idle()
    hub.stop()
    while True:
        hub.send_away()
        _end_idle()
        pause(DRAIN_CHECK_S)


def _end_idle():
    """A browser keeps its connection for minutes after an answer, and gunicorn would wait for it. What has arrived
    already is still read and answered."""
    for client in _open - _busy:
        with suppress(OSError):
            client.shutdown(socket.SHUT_RD)


def _allow_many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


_allow_many_files()
