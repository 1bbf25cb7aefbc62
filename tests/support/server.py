"""The real thing for tests: gunicorn with gevent, and RQ workers, as processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
READY_S = 60
STOP_S = 10


class Server:
    """gunicorn on a free port; `url` answers as soon as this is made. `application` is one of a test's own."""

    def __init__(self, settings, log, *application):
        self.log = Path(log)
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
            # The socket is open before gunicorn is there: the port is surely ours, and the first request just waits.
            self.port = listener.getsockname()[1]
            self.url = f"http://127.0.0.1:{self.port}"
            command = ["gunicorn", "--bind", f"fd://{listener.fileno()}", "--graceful-timeout", "2"]
            self.process = start(
                ["-m", *command, *application], settings, self.log, pass_fds=[listener.fileno()]
            )
        until_it_answers(f"{self.url}/login", self.process, self.log)

    def stop(self):
        stop(self.process)


def start(arguments, settings, log, **options):
    """A Python process of ours in the site's folder, with these settings and no others."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LEVAIN_", "LIVE_", "FLASK_"))}
    environment = inherited | {name: str(value) for name, value in settings.items()}
    with Path(log).open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )


def until_it_answers(url, process, log):
    """The first answer, whatever it is; a server from which none comes is ended, and its log says why."""
    try:
        urllib.request.urlopen(url, timeout=READY_S).close()
    except urllib.error.HTTPError as answer:
        answer.close()
    except OSError as error:
        stop(process)
        raise RuntimeError(f"the site did not start:\n{Path(log).read_text()}") from error


def stop(process):
    """SIGTERM, and after a while SIGKILL for it and whatever it started."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
