"""How gunicorn serves the site, in development as in production; `python -m gunicorn` needs no arguments.

It runs in gunicorn's master, which must import neither ssl nor the app on our account: each worker patches
the standard library for gevent before it loads the app, and what was imported earlier would stay unpatched.
To deploy without a refused connection send HUP to the master, or let systemd hold the socket: it stays open.
"""

import resource
import subprocess
import sys
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
forwarded_allow_ips = ""  # X-Forwarded-* are believed only where TRUSTED_PROXIES says so (app.py)
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


def post_worker_init(worker):
    """SIGTERM must reach the open pages at once; gunicorn alone would keep them until graceful_timeout cuts them."""
    import gevent  # here, in the worker, after the standard library was patched

    gevent.spawn(_drain, worker, gevent.sleep)
    worker.wsgi.extensions["work"].start()  # so that somebody notices when nobody runs a job any more


def _drain(worker, pause):
    while worker.alive:
        pause(DRAIN_CHECK_S)
    worker.wsgi.extensions["live"].hub.stop()


def _allow_many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


_allow_many_files()
