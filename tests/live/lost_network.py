"""A site and its readers in a network of their own, which is then taken away: nobody hears from anybody any more.

`unshare -Urn python -m tests.live.lost_network FOLDER` prints after how many seconds each connection had ended.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

from embedded_redis import EmbeddedRedis
from live.testing import SocketClient, StreamClient, connection
from tests.live.conftest import Site

LINES = {StreamClient: '"GET /live/stream HTTP', SocketClient: '"GET /socket HTTP'}
GIVE_UP_S = 70


def main(folder):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with EmbeddedRedis(folder / "redis", aof=False) as redis:
        site = Site(redis.url, folder / "gunicorn.log")
        html, headers = site.page("notes:list:1")
        clients = [client(site.url, headers).connect(connection(html)) for client in LINES]
        subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
        took = ended(site.log_path, {client.kind: LINES[type(client)] for client in clients})
        site.stop()
        for client in clients:
            client.close()
    sys.stdout.write(json.dumps(took))


def ended(log, lines):
    """Seconds until the access log has the line that is written at a connection's end."""
    began, took = time.monotonic(), {}
    while len(took) < len(lines) and time.monotonic() - began < GIVE_UP_S:
        for kind, line in lines.items():
            if re.search(line, log.read_text()):
                took.setdefault(kind, round(time.monotonic() - began, 1))
        time.sleep(0.1)
    return took


if __name__ == "__main__":
    main(Path(sys.argv[1]))
