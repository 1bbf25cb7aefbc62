"""docs/faults.md says of each fault what became of it; what it names exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| \d+ \|", line)
]
NAMED = re.compile(r"`(tests/[\w/.-]+)::(\w+)`")
FAULTS = 59  # sections 2.1 to 2.4 of the list


def test_every_fault_has_its_row():
    assert [int(row[0]) for row in ROWS] == list(range(1, FAULTS + 1))


def test_every_row_says_tested_or_not_ours():
    for number, fault, state, *_ in ROWS:
        is_tested = state.startswith("tested") and NAMED.search(state)
        assert is_tested or re.match(r"not ours: \w", state), (number, fault, state)


def test_every_test_that_is_named_exists():
    named = set(NAMED.findall(PAGE))
    assert named
    assert [pair for pair in sorted(named) if pair[1] not in functions(pair[0])] == []


def test_everything_that_is_done_about_htmx_has_its_row():
    done = [
        row
        for name in ("stream.js", "swap.js")
        for row in re.findall(r"^// ([SW]\d)  ", (ROOT / "live/static" / name).read_text(), re.MULTILINE)
    ]
    assert re.findall(r"^\| ([SW]\d) \|", PAGE, re.MULTILINE) == done


def functions(name):
    path = ROOT / name
    nodes = ast.walk(ast.parse(path.read_text())) if path.exists() else ()
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
