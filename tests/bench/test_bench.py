"""`make bench`, in small: its rows are complete and sane, the site's loads measure something, no failure ends it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bench import figures, loads, report
from bench.client import PROGRAM
from bench.kinds import KINDS, LOOP, Kind
from bench.run import Run, within
from bench.site import Site
from embedded_redis import EmbeddedRedis

ROOT = Path(__file__).parents[2]
FIELDS = [
    "server", "version", "transport", "processes", "readers", "opened_per_s", "kb_per_idle_reader",
    "cpu_us_per_delivery", "sends_per_delivery", "deliveries_per_s", "p50_ms", "p99_ms", "max_ms", "client_cpu_share",
]  # fmt: skip
READERS = 20
pytestmark = [pytest.mark.xdist_group("bench"), pytest.mark.long, pytest.mark.timeout(180)]


@pytest.fixture(scope="module", autouse=True)
def programs():
    """The load client and the loop in C, as `make bench` builds them."""
    if not shutil.which("cc"):
        if os.environ.get("LEVAIN_REQUIRE_ALL") == "1":
            pytest.fail("the benchmark needs a C compiler")
        pytest.skip("NOT TESTED: the benchmark needs a C compiler (cc)")
    LOOP.parent.mkdir(parents=True, exist_ok=True)
    for source, program in (("bench/client.c", PROGRAM), ("bench/peers/loop.c", LOOP)):
        fresh = program.with_suffix(".new")  # the old one may be running
        subprocess.run(["cc", "-O2", "-o", fresh, ROOT / source], check=True)
        fresh.replace(program)


@pytest.fixture(scope="module")
def side_by_side(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("bench"))
    broken = Kind("gevent-generator", packages=("gunicorn",), path="/nowhere")
    absent = Kind("flask-sse", packages=("no-such-package",))
    mine = [kind for kind in KINDS if kind.server in ("c-loop", "levain", "gevent-generator")]
    run.side_by_side([broken, absent, *mine], [READERS])
    return run


def test_each_row_has_exactly_its_fields_and_sane_values(side_by_side):
    assert {(row["server"], row["transport"]) for row in side_by_side.rows} >= {
        ("c-loop", "stream"),
        ("levain", "stream"),
        ("levain", "poll"),
        ("levain", "socket"),
        ("gevent-generator", "stream"),
    }
    for row in side_by_side.rows:
        assert sorted(row) == sorted(FIELDS)
        assert row["readers"] == READERS
        assert row["version"]
        assert 0 < row["p50_ms"] <= row["p99_ms"] <= row["max_ms"] < 30_000
        assert 0 < row["cpu_us_per_delivery"] < 100_000
        assert 0 < row["client_cpu_share"] <= 1.1
        assert row["deliveries_per_s"] > 0
        assert (row["sends_per_delivery"] is None) == (row["server"] != "levain" or row["processes"] > 1)
        assert (row["opened_per_s"] is None) == (row["transport"] == "poll")


def test_two_processes_are_measured_where_nginx_is_installed(side_by_side):
    if not shutil.which("nginx"):
        pytest.skip("NOT TESTED: two processes need nginx as their proxy")
    assert [row["transport"] for row in side_by_side.rows if row["processes"] == 2] == ["stream"]


def test_who_fails_or_is_not_installed_is_named_and_the_others_are_measured(side_by_side):
    assert any(
        "gevent-generator" in line and "no reader could connect" in line for line in side_by_side.missing
    )
    assert f"flask-sse (stream) with {READERS} readers: not installed" in side_by_side.missing
    assert len(side_by_side.rows) >= 5


def test_what_takes_too_long_ends_and_the_limit_around_it_holds(side_by_side):
    with side_by_side.noting("first", 2):
        with side_by_side.noting("second", 1):
            subprocess.run(["sleep", "30"], check=True)
        with within(60):
            subprocess.run(["sleep", "30"], check=True)
    assert [line for line in side_by_side.missing if "TimeoutError" in line] == [
        "second: TimeoutError: longer than 1 s",
        "first: TimeoutError: longer than 60 s",
    ]


def test_the_site_is_measured_and_the_page_is_written(side_by_side, tmp_path):
    facts = {"process_mb": {f"stream {READERS}": 50.0}}
    with EmbeddedRedis(tmp_path / "redis") as redis:
        site = Site(tmp_path, redis.url, people=5)
        with site.running():
            facts["whole_path"] = loads.whole_path(site, 5)
            facts["crowd"] = loads.neighbours_and_storm(site, READERS, 1)
            facts["stopped"] = loads.stopped(site, READERS, 2)
    assert facts["crowd"]["neighbours"]["arrived"] == 1
    assert facts["crowd"]["storm"]["readers"] == READERS
    assert facts["crowd"]["storm"]["page_errors"] == 0
    assert facts["crowd"]["storm"]["queries_per_return"] <= 1
    assert facts["stopped"]["right_pages"] == facts["stopped"]["stopped"] == READERS // 10
    (tmp_path / "docs").mkdir()
    report.write(side_by_side.rows, facts, ["somebody: not installed"], 60, tmp_path / "docs")
    page = (tmp_path / "docs" / "performance.md").read_text()
    for figure, *_ in figures.lines(side_by_side.rows, facts):
        assert figure in page
    assert "- somebody: not installed" in page
