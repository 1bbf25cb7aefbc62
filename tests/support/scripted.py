"""A kind of job for tests that does what its arguments say, step by step, and waits for a word; with the site and the
worker that know it. Somebody may start it by its form; a test that wants other steps makes the job itself.
"""

import os
import sys
import time
from pathlib import Path

from wtforms import IntegerField

import worker
from app import create_app
from work import KINDS, Kind, Output
from work.forms import JobForm

TRIES, PAUSE_S, TICK_S = 3, 4, 0.02
EXPORT = [["progress", 40, 100], ["until", "go"], ["file", "export.csv", "a,b\n1,2\n"]]


class ScriptForm(JobForm):
    rows = IntegerField("Rows", default=100)


def script(run, steps=EXPORT, rows=0):
    files = []
    for step, *arguments in steps:
        if step == "file":
            files.append({"name": arguments[0], "mime": "text/csv", "data": arguments[1].encode()})
        else:
            STEPS[step](run, *arguments)
    return Output({"Rows": rows}, files)


def word(folder, name):
    """Where the word is that a job waits for: whoever writes the file says it."""
    return Path(folder) / f"word-{name}"


def _until(run, name):
    while not word(os.environ["LEVAIN_VAR"], name).exists():
        run.wait(TICK_S)


def _deaf_until(_run, name):
    while not word(os.environ["LEVAIN_VAR"], name).exists():
        time.sleep(TICK_S)


def _say(run, first, last):
    for number in range(first, last + 1):
        run.say(f"line {number}")


def _steady(run, seconds, total):
    """As many as a clock says; reported thousands of times a second."""
    begin = time.monotonic()
    while (spent := time.monotonic() - begin) < seconds:
        run.progress(int(total * spent / seconds), total, f"{spent:.1f} s")
        time.sleep(0.0001)


def _fail_in(run, attempt):
    if run.attempt == attempt:
        raise ValueError("as it was told")


STEPS = {
    "progress": lambda run, *said: run.progress(*said),
    "say": _say,
    "wait": lambda run, seconds: run.wait(seconds),
    "until": _until,
    "deaf_until": _deaf_until,
    "steady": _steady,
    "fail_in": _fail_in,
}

SCRIPT = Kind("script", "Export", script, form=ScriptForm, tries=TRIES, pauses_s=(PAUSE_S,), unit="rows")


def site():
    """For gunicorn."""
    KINDS[SCRIPT.name] = SCRIPT
    return create_app()


if __name__ == "__main__":
    KINDS[SCRIPT.name] = SCRIPT
    sys.exit(worker.main())
