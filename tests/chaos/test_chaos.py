"""The 60-second form of `make chaos`: real processes broken at random, every page compared; and that it can fail."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from live.testing.checker import Seen, Verdict, check

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(240)
def test_the_promise_is_kept_while_things_break():
    settings = {"MINUTES": "1", "CLIENTS": "60", "CHANGES": "8", "SEED": "7"}
    run = subprocess.run(
        [sys.executable, "-m", "bench.chaos"],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    result = json.loads(run.stdout[run.stdout.index("{") :])
    kept = {name: result[name] for name in ("missing", "twice", "out_of_order", "foreign", "unequal_pages")}
    assert kept == dict.fromkeys(kept, 0), run.stdout + run.stderr
    assert result["acknowledged"] == result["changes"] == 8 * 60
    assert result["faults"] >= 2
    assert result["repair_p95_s"] <= 15
    assert run.returncode == 0


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (Seen("a", 0, ["e-1", "e-2"], [1, 2], {1, 2}), Verdict(3, 0, 0, 0, 0)),
        (Seen("a", 0, ["e-1"], [1], {1}), Verdict(3, 1, 0, 0, 0)),
        (Seen("a", 1, ["e-2"], [2], {2}), Verdict(3, 0, 0, 0, 0)),  # what was there before it was opened
        (Seen("a", 0, ["e-1", "e-1", "e-2"], [1, 2], {1, 2}), Verdict(3, 0, 1, 0, 0)),
        (Seen("a", 0, ["e-2", "e-1"], [2, 1], {1, 2}), Verdict(3, 0, 0, 1, 0)),
        (Seen("a", 0, ["e-1", "e-2", "e-3"], [1, 2, 3], {1, 2, 3}), Verdict(3, 0, 0, 0, 1)),
    ],
)
def test_the_checker_finds_each_way_to_break_the_promise(seen, verdict):
    assert check({1: "a", 2: "a", 3: "b"}, [seen]) == verdict
