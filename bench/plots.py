"""The plots of docs/performance.md, one SVG for each figure that all servers have."""

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
    "deliveries_per_s": "burst, deliveries per second",
}


def draw(rows, folder):
    """Draws them; the pairs of title and file name. None where matplotlib is not installed."""
    if pyplot is None:
        return []
    matplotlib.rcParams.update({"svg.hashsalt": "levain", "font.size": 9})
    folder.mkdir(exist_ok=True)
    return [(title, _plot(rows, name, title, folder)) for name, title in PLOTS.items()]


def _plot(rows, name, title, folder):
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for server, transport, processes in sorted({_key(row) for row in rows}):
        mine = sorted(
            (row["readers"], row[name]) for row in rows if _key(row) == (server, transport, processes)
        )
        points = [(readers, value) for readers, value in mine if value]
        if points:
            own = server == "levain"
            label = f"{server}, {transport}" + (f", {processes} processes" if processes > 1 else "")
            axes.plot(
                *zip(*points, strict=True),
                "o-",
                label=label,
                linewidth=2.5 if own else 1,
                zorder=3 if own else 2,
            )
    axes.set(xscale="log", yscale="log", xlabel="readers", ylabel=title)
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend(fontsize=7, ncols=2)
    figure.tight_layout()
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    pyplot.close(figure)
    return f"{name}.svg"


def _key(row):
    return row["server"], row["transport"], row["processes"]
