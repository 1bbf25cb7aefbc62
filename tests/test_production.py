"""Production refuses to start unsafely: one sentence on stderr, an exit code that is not 0, nothing served.

Each of the three programs that a site is made of is really started, as an operator would.
"""

import os
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAMS = {"app": ["app.py"], "gunicorn": ["-m", "gunicorn"], "worker": ["worker.py"]}
EACH = ["app", *(pytest.param(program, marks=pytest.mark.long) for program in ("gunicorn", "worker"))]
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def production(tmp_path, redis_url):
    """The environment of a production that lacks nothing but migrated tables."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LIVE_", "FLASK_"))}
    return inherited | {
        "LEVAIN_ENV": "production",
        "LEVAIN_VAR": str(tmp_path / "var"),
        "SECRET_KEY": KEY,
        "DATABASE_URL": f"sqlite:///{tmp_path}/site.db",
        "REDIS_URL": redis_url,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "TRUSTED_HOSTS": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
    }


def refusal(program, environment):
    """What a program said on stderr when it refused to start, without gunicorn's own first line."""
    command = [sys.executable, *PROGRAMS[program]]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30)
    assert ended.returncode not in (0, None)
    assert ended.stdout == ""
    [sentence] = [line for line in ended.stderr.splitlines() if "Starting gunicorn" not in line]
    return sentence


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_a_secret_key_nothing_starts(production, program):
    assert "SECRET_KEY must have 32 bytes" in refusal(program, production | {"SECRET_KEY": ""})


def test_a_short_secret_key_is_refused(production):
    assert "SECRET_KEY must have 32 bytes" in refusal("app", production | {"SECRET_KEY": KEY[:-1]})


@pytest.mark.parametrize("program", EACH)
def test_debug_mode_is_refused(production, program):
    assert "Debug mode must be off" in refusal(program, production | {"FLASK_DEBUG": "1"})


@pytest.mark.parametrize("program", EACH)
def test_a_database_that_is_not_migrated_is_refused_and_left_alone(production, tmp_path, program):
    assert "flask db upgrade" in refusal(program, production)
    with closing(sqlite3.connect(tmp_path / "site.db")) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == []


@pytest.mark.parametrize("program", EACH)
def test_a_setting_that_makes_no_sense_is_one_sentence(production, program):
    assert "WEB_WORKERS is 'many'" in refusal(program, production | {"WEB_WORKERS": "many"})


def test_a_database_that_cannot_be_reached_is_one_sentence(production):
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    assert "database" in refusal("app", production | {"DATABASE_URL": nowhere})


def test_with_everything_in_place_production_starts_and_shows_no_demo_accounts(production):
    migrate = [sys.executable, "-m", "flask", "db", "upgrade"]
    subprocess.run(migrate, cwd=ROOT, env=production, check=True, capture_output=True)
    site = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=production,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed = [line for line, _ in zip(site.stdout, range(4), strict=False)]
        assert "Levain is at" in "".join(printed)
        assert "levain.test" not in "".join(printed)
        with urllib.request.urlopen(f"http://127.0.0.1:{production['PORT']}/login", timeout=20) as answer:
            assert b"levain.test" not in answer.read()
        site.terminate()
        assert site.wait(10) == 143
    finally:
        site.kill()
        site.communicate()
