"""How long something may take here and now: a promise in seconds holds on a machine that is not overloaded."""

import os

MOST = 10  # beyond it something else is wrong


def in_time(seconds):
    """The seconds, and more of them where more processes want to run than there are cores."""
    return seconds * min(MOST, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))
