"""A TCP proxy in front of a site that counts what is asked and, by path, answers itself, holds back, or falls silent.

Each connection carries one request (`Connection: close` both ways), so a rule is a matter of the request's path.
Everything is bytes: what a browser sees of a bad network is what it would see of a real one.
"""

import re
import socket
import threading
from contextlib import suppress

HOLD_ALL, HOLD_BODY, SILENT, REFUSE = "hold all", "hold the body", "silent", "refuse"
_CONNECTION = re.compile(rb"\r\nConnection: keep-alive", re.IGNORECASE)


def answer(status, body="", **headers):
    """The bytes of an answer that is not the site's."""
    lines = {"Content-Type": "text/html", "Content-Length": len(body), "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} x\r\n{head}\r\n{body}".encode()


class Door:
    """`rules` maps the beginning of a path to a way of failing, or to the bytes of an answer; `asked` counts."""

    def __init__(self, upstream):
        self.upstream, self.rules, self.asked = upstream, {}, []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock, self._open, self._threads = threading.Lock(), set(), []
        self._run(self._accept)

    def count(self, path):
        return sum(asked.startswith(path) for asked in self.asked)

    def open(self, path):
        """How many connections of the path are open now."""
        with self._lock:
            return sum(line.path.startswith(path) for line in self._open)

    def cut(self, path="/"):
        """Every open connection of the path ends at once, as when a machine is gone."""
        self._each(path, lambda line: line.close())

    def silence(self, path="/"):
        """No bytes any more on the connections that are open; they stay open. New ones follow the rules."""
        self._each(path, lambda line: line.mute())

    def stop(self):
        self._listener.close()
        with suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def way(self, path):
        found = [start for start in self.rules if path.startswith(start)]
        return self.rules[max(found, key=len)] if found else None

    def _each(self, path, what):
        with self._lock:
            lines = [line for line in self._open if line.path.startswith(path)]
        for line in lines:
            what(line)

    def _run(self, what, *arguments):
        thread = threading.Thread(target=what, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._run(self._serve, client)

    def _serve(self, client):
        line = _Line(client)
        with self._lock:
            self._open.add(line)
        with suppress(OSError, ValueError):
            self._forward(line)
        with self._lock:
            self._open.discard(line)
        line.close()

    def _forward(self, line):
        head = line.read_head()
        self.asked.append(line.path)
        way = self.way(line.path)
        if way == REFUSE:
            return line.close()
        if isinstance(way, bytes):
            return line.client.sendall(way)
        if way == SILENT:
            return line.swallow()
        line.way = way
        site = line.site = socket.create_connection(("127.0.0.1", self.upstream))
        site.sendall(_CONNECTION.sub(b"\r\nConnection: close", head, count=1))
        back = threading.Thread(target=line.pump, args=(line.client, site), daemon=True)
        back.start()
        line.pump_answer()
        line.close()
        return back.join(5)


class _Line:
    """One request of a browser, and its connection to the site."""

    def __init__(self, client):
        self.client, self.site, self.path, self.way, self._muted = client, None, "", None, False

    def read_head(self):
        head = b""
        while b"\r\n\r\n" not in head:
            received = self.client.recv(65536)
            if not received:
                raise ValueError("no request")
            head += received
        self.path = head.split(b" ", 2)[1].decode()
        return head

    def pump(self, source, target):
        with suppress(OSError):
            while received := source.recv(65536):
                if not self._muted:
                    target.sendall(received)
            self.close()

    def pump_answer(self):
        """What the site answers, as the rule lets it through."""
        if self.way is None:
            return self.pump(self.site, self.client)
        held = b""
        while received := self.site.recv(65536):
            held += received
            if self.way == HOLD_BODY and b"\r\n\r\n" in held:
                head, held = held.split(b"\r\n\r\n", 1)
                self.client.sendall(head + b"\r\n\r\n")
                self.way = HOLD_ALL
        return self.client.sendall(held) if self.way == HOLD_ALL else None

    def swallow(self):
        while self.client.recv(65536):
            pass

    def mute(self):
        self._muted = True

    def close(self):
        for each in (self.client, self.site):
            if each:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
