"""The load client from Python: bench/client.c as a process of its own, on the other core."""

import json
import os
import subprocess

from bench.kinds import VAR
from bench.servers import pin

PROGRAM = VAR / "bench-bin" / "client"
AT_ONCE = 200  # connections that are opened at the same time


class Client:
    """So many open readers; what they were sent is counted until `reset`.

    Shape: `requests` are pairs (text, position); readers use them in turn. `opened` says how many are open.
    """

    def __init__(self, port, readers, how, requests, message=""):
        take, self._commands = os.pipe()
        self.process = subprocess.Popen(
            [*pin(1), str(PROGRAM), str(port), str(readers), str(AT_ONCE), how, message],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[take],
            env=os.environ | {"COMMANDS": str(take)},
        )
        os.close(take)
        self.process.stdin.write(b"".join(f"{text}\0{position}\0".encode() for text, position in requests))
        self.process.stdin.close()
        self.opened = json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._commands)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def reset(self):
        """Begins to count anew; what the client has spent so far is in the answer."""
        self._ask("reset")
        return self.wait_for(0, 0)

    def wait_for(self, deliveries, limit_s):
        """The report, as soon as so many have arrived; what has come when the time is over."""
        return self._ask(f"await {deliveries} {limit_s * 1000:.0f}")

    def cut(self, spread_s):
        """Ends every connection; each is back after a random time, as a page's first attempt is."""
        return self._ask(f"cut {spread_s * 1000:.0f}")

    def _ask(self, command):
        os.write(self._commands, f"{command}\n".encode())
        return json.loads(self.process.stdout.readline())
