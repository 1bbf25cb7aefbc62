"""docs/performance.md from the rows and facts of one run; what no run can say by itself stands in bench/notes.md."""

import datetime
import os
import platform
from pathlib import Path

from bench import figures, plots
from bench.kinds import ROOT, nginx_version

COLUMNS = (
    "server", "version", "transport", "processes", "readers", "opened_per_s", "kb_per_idle_reader",
    "cpu_us_per_delivery", "sends_per_delivery", "deliveries_per_s", "p50_ms", "p99_ms", "max_ms", "client_cpu_share",
)  # fmt: skip


def write(rows, facts, missing, took_s, docs=ROOT / "docs"):
    """Writes the page; the plots only where matplotlib is installed."""
    drawn = [f"![{title}](plots/{name})" for title, name in plots.draw(rows, docs / "plots")]
    notes = (ROOT / "bench" / "notes.md").read_text().strip()
    parts = [
        "# Performance",
        _where(took_s),
        "## What must be shown",
        _verdicts(figures.lines(rows, facts)),
        notes,
        _where_the_time_goes(rows),
        "## Side by side",
        *drawn,
        _table(rows),
        "## Not measured, or lost",
        "\n".join(f"- {each}" for each in dict.fromkeys(missing)) or "Everything was measured, nothing lost.",
    ]
    (docs / "performance.md").write_text("\n\n".join(part for part in parts if part) + "\n")


def _where(took_s):
    quick = " with `QUICK=1`, each figure once" if os.environ.get("QUICK") else ""
    return (
        f"Measured on {datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d} by `make bench`{quick} in {took_s:.0f} s, on"
        f" {os.cpu_count()} cores ({_processor()}), Linux {platform.release()}, Python {platform.python_version()},"
        f" {nginx_version() or 'no nginx'}; load of the machine at the end: {os.getloadavg()[0]:.1f}."
    )


def _processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


def _verdicts(lines):
    table = ["| figure | must be | is | |", "|---|---|---|---|"]
    for figure, must, found, holds in lines:
        table.append(f"| {figure} | {must} | {found} | {'yes' if holds else '**missed**'} |")
    return "\n".join(table)


def _where_the_time_goes(rows):
    """What an event costs whatever its readers, and what each reader adds: a line through two points of the run."""
    costs = {
        row["readers"]: row["cpu_us_per_delivery"] * row["readers"]
        for row in rows
        if (row["server"], row["transport"], row["processes"]) == figures.STREAM
    }
    if len(costs) < 2:
        return ""
    few, many = min(costs), max(costs)
    each = (costs[many] - costs[few]) / (many - few)
    return (
        f"In this run an event cost Levain {(costs[few] - each * few) / 1000:.1f} ms whatever its readers, and"
        f" {each:.1f} us for each of them."
    )


def _table(rows):
    head = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    order = sorted(rows, key=lambda row: (row["readers"], row["cpu_us_per_delivery"]))
    return "\n".join(head + ["| " + " | ".join(_cell(row[name]) for name in COLUMNS) + " |" for row in order])


def _cell(value):
    return "" if value is None else str(value)
