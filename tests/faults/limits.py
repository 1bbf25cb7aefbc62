"""How long something may take here and now: a promise in seconds holds on a machine that is not overloaded."""

import os
import time

MOST = 10  # beyond it something else is wrong


def in_time(seconds):
    """The seconds, and more of them where more processes want to run than there are cores."""
    return seconds * min(MOST, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))


def until(true, seconds=15):
    """Waits for what happens somewhere else: `true()`."""
    give_up = time.monotonic() + in_time(seconds)
    while not true():
        assert time.monotonic() < give_up, f"not after {seconds} s"
        time.sleep(0.01)
