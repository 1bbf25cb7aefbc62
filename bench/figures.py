"""What must be shown (issue 4), and whether a run shows it: lines of the table in docs/performance.md."""

from statistics import median

STREAM = ("levain", "stream", 1)
CROWD = 5000


def lines(rows, facts):
    """(figure, must be, is, whether it holds) of everything that was measured."""
    by = {(row["server"], row["transport"], row["processes"], row["readers"]): row for row in rows}
    found = []
    for readers in (1000, 5000):
        trio = [by.get((name, "stream", 1, readers)) for name in ("levain", "nchan", "c-loop")]
        if all(trio):
            found += _side_by_side(readers, *trio)
    found += _alone(by, facts)
    found += [
        line
        for name in ("whole_path", "crowd", "stopped")
        if name in facts
        for line in _SITE[name](facts[name])
    ]
    return found


def _side_by_side(readers, ours, nchan, loop):
    cpu, theirs, least = (row["cpu_us_per_delivery"] for row in (ours, nchan, loop))
    yield (
        f"server CPU per delivery, {readers:,} readers",
        "below nchan's, at most 1.6 x the C loop",
        f"{cpu:.2f} us; nchan {theirs:.2f} us; {cpu / least:.2f} x",
        cpu < theirs and cpu <= 1.6 * least,
    )
    if readers == 1000:
        yield (
            "one event to 1,000 readers, p50 / p99",
            "p99 not above nchan's; 15 / 50 ms",
            f"{ours['p50_ms']:.1f} / {ours['p99_ms']:.1f} ms; nchan {nchan['p50_ms']:.1f} / {nchan['p99_ms']:.1f} ms",
            ours["p99_ms"] <= nchan["p99_ms"] and ours["p50_ms"] <= 15 and ours["p99_ms"] <= 50,
        )
        yield (
            "100 events in a burst to 1,000 readers",
            "all faster than nchan, at most half as many sends as deliveries",
            f"{ours['deliveries_per_s']:,.0f}/s; nchan {nchan['deliveries_per_s']:,.0f}/s;"
            f" {ours['sends_per_delivery']} sends each",
            ours["deliveries_per_s"] > nchan["deliveries_per_s"] and ours["sends_per_delivery"] <= 0.5,
        )


def _alone(by, facts):
    sizes = sorted(key[3] for key in by if key[:3] == STREAM)
    if sizes:
        most = sizes[-1]
        kb, mb = (
            by[*STREAM, min(most, CROWD)]["kb_per_idle_reader"],
            facts["process_mb"].get(f"stream {most}"),
        )
        yield f"memory per idle stream, {min(most, CROWD):,} readers", "2 KB or less", f"{kb} KB", kb <= 2
        yield f"the process with {most:,} idle streams", "less than 100 MB", f"{mb} MB", mb < 100
        opened = median(by[*STREAM, size]["opened_per_s"] for size in sizes)
        yield "streams opened per second", "2,000 or more", f"{opened:,.0f}", opened >= 2000
    if {1000, 10_000} <= set(sizes):
        few, many = (by[*STREAM, size]["cpu_us_per_delivery"] for size in (1000, 10_000))
        yield (
            "cost per delivery, 1,000 to 10,000 readers",
            "within 1.5 x",
            f"{many / few:.2f} x",
            many <= 1.5 * few,
        )
    sockets = [row for key, row in by.items() if key[:3] == ("levain", "socket", 1) and key[3] >= 1000]
    if sockets:
        kb = sockets[0]["kb_per_idle_reader"]
        yield "memory per idle WebSocket, pings on", "40 KB or less", f"{kb} KB", kb <= 40


def _whole_path(found):
    for kind, path in found.items():
        yield (
            f"`POST` answered to shown, whole path, idle site, {kind}: p50 / p99",
            "20 / 100 ms",
            f"{path['p50_ms']} / {path['p99_ms']} ms",
            path["p50_ms"] <= 20 and path["p99_ms"] <= 100,
        )


def _crowd(found):
    near, storm = found["neighbours"], found["storm"]
    times = near["page_p95_ms"] / near["page_p95_ms_alone"]
    yield (
        f"ordinary page, p95, while {near['readers']:,} readers receive 10 events/s",
        "at most 2 x of that without them",
        f"{near['page_p95_ms']} ms, alone {near['page_p95_ms_alone']} ms: {times:.2f} x",
        times <= 2 and not near["page_errors"],
    )
    yield (
        f"{storm['readers']:,} cut at once",
        "95 % back in 15 s, no page error, at most one query per return",
        f"{storm['most_back_s']:.1f} s, {storm['page_errors']} errors in {storm['pages']} pages,"
        f" {storm['queries_per_return']:.2f} queries",
        0 < storm["most_back_s"] <= 15 and not storm["page_errors"] and storm["queries_per_return"] <= 1,
    )


def _stopped(found):
    times = found["others_p99_ms"] / found["others_p99_ms_before"]
    yield (
        f"{found['stopped']:,} of {found['readers']:,} stopped for {found['seconds']} s",
        "others' p99 at most 2 x, 50 MB more at most, the stopped end with the right page",
        f"{found['others_p99_ms']:.0f} ms, before {found['others_p99_ms_before']:.0f} ms: {times:.2f} x;"
        f" {found['mb_more']} MB in the process, {found['kernel_mb_more']} MB in the kernel;"
        f" {found['right_pages']:,} right, {found['came_back']:,} of them on a new connection",
        times <= 2
        and found["mb_more"] + found["kernel_mb_more"] <= 50
        and found["right_pages"] == found["stopped"],
    )


_SITE = {"whole_path": _whole_path, "crowd": _crowd, "stopped": _stopped}
