"""docs/performance.md and its plots, from the rows of one run."""

import datetime
import os
import platform
from pathlib import Path

try:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot
except ImportError:
    pyplot = None

PLOTS = {
    "cpu_us_per_delivery": "server CPU per delivery (us)",
    "kb_per_idle_reader": "resident memory per idle reader (KB)",
    "p99_ms": "one event to all readers, p99 (ms)",
    "deliveries_per_s": "burst of 100 events, deliveries per second",
}
COLUMNS = (
    "server", "version", "transport", "readers", "opened_per_s", "kb_per_idle_reader", "cpu_us_per_delivery",
    "sends_per_delivery", "deliveries_per_s", "burst_complete", "p50_ms", "p99_ms", "max_ms", "client_cpu_share",
)  # fmt: skip
METHOD = """\
Each server runs as one process pinned to one core, the load client (`bench/client.c`, one epoll loop) on the other.
Events are 125 bytes, sent by `POST` to the server itself and stamped with the moment before that; a delivery is the
arrival of the stamp. CPU is user and system time of the server's processes (not of Redis, which Levain and Flask-SSE
use), memory their resident size less that of the empty server. Ten single events, each awaited by all readers, give
CPU and latency; a burst of 100 gives the rate. Medians of the rounds.
"""


def write(rows, missing, took_s, root):
    """Writes the page; the plots only where matplotlib is installed."""
    docs = Path(root) / "docs"
    images = [_plot(rows, name, title, docs / "plots") for name, title in PLOTS.items()] if pyplot else []
    text = "\n\n".join(
        [
            "# Performance",
            f"Measured on {datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d} by `make bench` in {took_s:.0f} s, on "
            f"{os.cpu_count()} cores ({_processor()}), Linux {platform.release()}, Python "
            f"{platform.python_version()}; load of the machine at the end: {os.getloadavg()[0]:.1f}.",
            "## Method",
            METHOD.strip(),
            "## Figures",
            _verdicts(rows),
            *images,
            "## All rows",
            _table(rows),
            "## Not measured",
            "\n".join(f"- {each}" for each in missing) or "Everything was.",
        ]
    )
    (docs / "performance.md").write_text(text + "\n")


def _processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


def _table(rows):
    head = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    return "\n".join(
        head + ["| " + " | ".join(str(row.get(name, "")) for name in COLUMNS) + " |" for row in rows]
    )


def _verdicts(rows):
    lines = ["| figure | must be | is |", "|---|---|---|"]
    by = {(row["server"], row["transport"], row["readers"]): row for row in rows}
    for readers in (1000, 5000):
        ours, nchan, loop = (by.get((name, "stream", readers)) for name in ("levain", "nchan", "c-loop"))
        if not (ours and nchan and loop):
            continue
        cpu = ours["cpu_us_per_delivery"]
        loops = cpu / max(loop["cpu_us_per_delivery"], 0.01)
        lines += [
            f"| CPU per delivery, {readers} readers | below nchan's, at most 1.6 x the C loop |"
            f" {cpu} us, nchan {nchan['cpu_us_per_delivery']} us, {loops:.2f} x |",
            f"| one event, p99, {readers} readers | not above nchan's |"
            f" {ours['p99_ms']} ms, nchan {nchan['p99_ms']} ms |",
            f"| burst, {readers} readers | faster than nchan; sends at most half of the deliveries |"
            f" {ours['deliveries_per_s']}/s, nchan {nchan['deliveries_per_s']}/s; {ours['sends_per_delivery']} |",
            f"| memory per idle stream, {readers} readers | 2 KB | {ours['kb_per_idle_reader']} KB |",
            f"| connections opened per second | 2000 | {ours['opened_per_s']} |",
        ]
    return "\n".join(lines)


def _plot(rows, name, title, folder):
    folder.mkdir(exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for server, transport in sorted({(row["server"], row["transport"]) for row in rows}):
        mine = [row for row in rows if (row["server"], row["transport"]) == (server, transport) and row[name]]
        axes.plot(
            [row["readers"] for row in mine],
            [row[name] for row in mine],
            "o-",
            label=f"{server} ({transport})",
        )
    axes.set(xscale="log", yscale="log", xlabel="readers", ylabel=title)
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(folder / f"{name}.svg")
    pyplot.close(figure)
    return f"![{title}](plots/{name}.svg)"
