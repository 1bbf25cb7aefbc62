"""What runs below a process. Linux keeps lists of children; psutil looks through all processes of the machine for
them, which takes milliseconds, before and after each of thousands of tests.
"""

import os
from pathlib import Path

import psutil

LISTS = Path("/proc/thread-self/children")


def below_us():
    """Children, their children, and so on."""
    found, todo = set(), [os.getpid()]
    while todo:
        children = children_of(todo.pop())
        found |= children
        todo += [child.pid for child in children]
    return found


def children_of(pid):
    try:
        return set(_listed(pid) if LISTS.exists() else psutil.Process(pid).children())
    except psutil.NoSuchProcess:
        return set()


def _listed(pid):
    """A thread has the children that it started."""
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(thread).split():
            try:
                yield psutil.Process(int(child))
            except psutil.NoSuchProcess:
                continue


def _read(path):
    try:
        return path.read_text()
    except OSError:  # it has ended
        return ""
