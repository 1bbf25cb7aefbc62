"""The register of what may run. A function that is not in it is never called, whatever somebody wrote into Redis."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

KINDS = {}
PAUSES_S = (10, 60, 300)  # before the second, third, later attempt (FAULTS 3.13)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def everybody(_user):
    return True


def nobody(_user):
    """For what starts by itself, or by another page than the form of its kind."""
    return False


@dataclass(frozen=True)
class Kind:
    """One sort of job.

    Shape: `function(run, **arguments)` gives a dict that JSON can hold; `form` is a WTForms class whose fields are
    the arguments; `result` a template for what came out; `unit` is what progress counts; `cron` when it starts by
    itself, with `occasion(day)` giving its arguments.
    """

    name: str
    title: str
    function: Callable
    form: type | None = None
    about: str = ""
    unit: str = ""
    result: str = "jobs/_result.html"
    may_start: Callable = everybody
    tries: int = 3
    pauses_s: tuple = PAUSES_S
    timeout_s: int = 600
    cron: str = ""
    occasion: Callable | None = None

    def pause(self, attempt):
        """How long to wait after this attempt before the next one."""
        return timedelta(seconds=self.pauses_s[min(attempt, len(self.pauses_s)) - 1] if self.pauses_s else 0)

    def arguments_for(self, moment):
        return self.occasion(moment.astimezone(UTC)) if self.occasion else {}


def job(name, title, **options):
    """Decorates the function that does the work: it gets a Run and its arguments by name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name for a kind of job: {name!r}")

    def register(function):
        if name in KINDS:
            raise ValueError(f"there are two kinds of job called {name!r}")
        KINDS[name] = Kind(name, title, function, **options)
        return function

    return register


def of(name):
    """The kind of that name; one that is no longer registered can still be shown, not run."""
    return KINDS.get(name) or Kind(name, name.replace("_", " ").capitalize(), _gone, tries=1)


def scheduled():
    return [kind for kind in KINDS.values() if kind.cron]


def _gone(_run, **_arguments):
    raise LookupError(f"nothing of that name is registered any more (asked at {datetime.now(UTC)})")
