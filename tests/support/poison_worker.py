"""The worker with kinds of job that nobody should write: they eat memory, vanish, do not hear, take for ever."""

import os
import signal
import sys
import time

import worker
from work import job

NEVER = {"tries": 1}


@job("eater", "Eats memory", **NEVER)
def eater(_run):
    pieces = []
    while True:
        pieces.append(bytearray(64_000_000))


@job("killed", "Is killed", tries=2)
def killed(_run):
    os.kill(os.getpid(), signal.SIGKILL)


@job("vanishing", "Leaves without a word", **NEVER)
def vanishing(_run):
    os._exit(0)


@job("exiting", "Exits", **NEVER)
def exiting(_run):
    sys.exit("I am out")


@job("endless", "Takes for ever", timeout_s=1, **NEVER)
def endless(run):
    while True:
        run.wait(0.05)


@job("deaf", "Does not hear", **NEVER)
def deaf(run):
    run.progress(1, 2, "from now on deaf")
    while True:
        time.sleep(60)


@job("good", "Is good", **NEVER)
def good(run):
    run.progress(1, 1)
    return {"good": 1}


if __name__ == "__main__":
    sys.exit(worker.main())
