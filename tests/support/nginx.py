"""A real nginx in front of the site, as they are found in the wild: buffering, packing, impatient, blocking Upgrade."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

READY_S = 10
KINDS = {
    # nginx's own defaults, and deaf to the header with which the site asks it not to buffer.
    "buffering": "proxy_http_version 1.0; proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;",
    # Packs whatever it can, an event stream too.
    "packing": "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"
    " gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;",
    # Lets everything through, and gives up on whoever says nothing for as long as two beats of the tests take.
    "impatient": "proxy_http_version 1.1; proxy_buffering off; proxy_set_header Upgrade $http_upgrade;"
    " proxy_set_header Connection $http_connection; proxy_read_timeout 2s; proxy_send_timeout 2s; send_timeout 2s;",
    "without-upgrade": 'proxy_http_version 1.1; proxy_buffering off; proxy_set_header Connection "";',
}
CONFIG = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_set_header Host $http_host; {kind} }}
  }}
}}
"""


class Nginx:
    """One nginx on a free port; `url` answers as soon as this is made."""

    def __init__(self, program, kind, upstream, folder, path="/login"):
        folder = Path(folder)
        folder.mkdir(mode=0o711)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        user = "user root;" if os.geteuid() == 0 else ""
        config = CONFIG.format(user=user, folder=folder, port=port, upstream=upstream, kind=KINDS[kind])
        (folder / "nginx.conf").write_text(config)
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [program, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL
        )
        self._wait(folder, path)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def _wait(self, folder, path):
        give_up = time.monotonic() + READY_S
        while time.monotonic() < give_up:
            try:
                return urllib.request.urlopen(self.url + path, timeout=READY_S).close()
            except urllib.error.URLError:
                if self.process.poll() is not None:
                    break
        raise RuntimeError(f"nginx did not start: {(folder / 'error.log').read_text()}")
