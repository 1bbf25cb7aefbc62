"""How far a reader has read, as one plain string for all its topics: `<epoch>-<n>`.

Pure functions; the hub decides whether a position can be proven complete.
"""

import re
from dataclasses import dataclass

NONE = "none"  # what a page is given while Redis is away: it resyncs once when it is back
# 15 digits stay exact in JavaScript's numbers (2^53 is 16 digits).
_FORM = re.compile(r"([0-9a-z]{8,32})-(0|[1-9][0-9]{0,14})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """Everything up to number `n` of one lifetime of the history has been seen.

    Source: DESIGN 4.2.
    """

    epoch: str
    n: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.n}"


def read(text: str | None) -> Position | None:
    """The position written in a text, or None when it is malformed, absent or "none"."""
    match = _FORM.fullmatch(text or "")
    return Position(match[1], int(match[2])) if match else None
