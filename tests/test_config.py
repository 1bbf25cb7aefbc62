"""Settings: what the environment may say, what follows from it, and what is refused with a sentence."""

import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from config import ConfigError, refuse_unsafe, settings, site_settings

ROOT = Path(__file__).parent.parent
OURS = (
    "LEVAIN_",
    "LIVE_",
    "SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "TRUSTED_",
    "HOST",
    "PORT",
    "SESSION_",
    "WEB_",
    "JOB_",
)


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """environment(PORT="9"): set, with none of ours set but the folder."""
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LEVAIN_VAR", str(tmp_path / "var"))
    return lambda **values: [monkeypatch.setenv(name, value) for name, value in values.items()]


def test_nothing_need_be_set(environment, tmp_path):
    config = settings()
    assert config["DATABASE_URL"] == f"sqlite:///{tmp_path}/var/levain.db"
    assert (config["HOST"], config["PORT"], config["REDIS_URL"]) == ("127.0.0.1", 8000, "")
    assert config["TRUSTED_HOSTS"] == ["localhost", "127.0.0.1"]
    assert config["PERMANENT_SESSION_LIFETIME"] == timedelta(days=30)


def test_overrides_win_over_the_environment_and_the_environment_over_defaults(environment):
    environment(PORT="9000", WEB_WORKERS="3", HOST="localhost")
    config = settings({"PORT": 9001, "SESSION_COOKIE_NAME": "mine"})
    assert (config["PORT"], config["WEB_WORKERS"], config["HOST"]) == (9001, 3, "localhost")
    assert config["SESSION_COOKIE_NAME"] == "mine"


def test_what_is_set_to_nothing_is_not_set(environment):
    environment(PORT="", HOST="", DATABASE_URL="")
    assert (settings()["PORT"], settings()["HOST"]) == (8000, "127.0.0.1")
    assert settings()["DATABASE_URL"].startswith("sqlite:")


@pytest.mark.parametrize("text", ["eight", "-1", "1.5", "0x10", " 8", "\u0661"])
@pytest.mark.parametrize("name", ["PORT", "WEB_WORKERS", "TRUSTED_PROXIES", "SESSION_IDLE_S"])
def test_a_number_that_is_none_is_refused_by_name(environment, name, text):
    environment(**{name: text})
    with pytest.raises(ConfigError, match=name):
        settings()


def test_an_unknown_environment_is_refused(environment):
    environment(LEVAIN_ENV="staging")
    with pytest.raises(ConfigError, match="LEVAIN_ENV"):
        settings()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_spoken_to_by_psycopg_3(environment, scheme):
    environment(DATABASE_URL=f"{scheme}://ada:secret@db.example:5433/levain?sslmode=require")
    assert (
        settings()["DATABASE_URL"] == "postgresql+psycopg://ada:secret@db.example:5433/levain?sslmode=require"
    )


def test_settings_of_the_core_keep_the_type_they_are_written_in(environment):
    environment(LIVE_BEAT_S="0.5", LIVE_HISTORY_EVENTS="500", LIVE_SPACE="north")
    config = settings()
    assert [config[name] for name in ("LIVE_BEAT_S", "LIVE_HISTORY_EVENTS", "LIVE_SPACE")] == [
        0.5,
        500,
        "north",
    ]


@pytest.mark.parametrize(
    ("host", "trusted", "expected"),
    [
        ("127.0.0.1", "", ["localhost", "127.0.0.1"]),
        ("0.0.0.0", "", None),
        ("0.0.0.0", "levain.example, .levain.test", ["levain.example", ".levain.test"]),
    ],
)
def test_hosts_are_those_that_are_named_or_this_machine(environment, host, trusted, expected):
    environment(HOST=host, TRUSTED_HOSTS=trusted)
    assert settings()["TRUSTED_HOSTS"] == expected


def test_a_site_without_a_redis_of_its_own_looks_for_that_of_the_launcher(environment, tmp_path):
    config = site_settings()
    assert config["REDIS_URL"] == f"unix://{tmp_path}/var/redis/redis.sock?db=0"
    assert config["RATELIMIT_STORAGE_URI"] == f"redis+unix://{tmp_path}/var/redis/redis.sock?db=0"


def test_the_development_key_is_made_once_and_for_us_alone(environment, tmp_path):
    key = settings()["SECRET_KEY"]
    assert len(key) == 64
    assert settings()["SECRET_KEY"] == key
    files = list((tmp_path / "var").iterdir())
    assert [file.name for file in files] == ["secret_key"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_the_key(environment):
    command = [sys.executable, "-c", "import config; print(config.settings()['SECRET_KEY'])"]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    keys = {process.communicate()[0].strip() for process in started}
    assert len(keys) == 1
    assert len(keys.pop()) == 64


def test_production_makes_no_key(environment, tmp_path):
    environment(LEVAIN_ENV="production")
    assert settings()["SECRET_KEY"] == ""
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("key", ["", "short", "x" * 31])
def test_production_refuses_a_weak_key(environment, key):
    environment(LEVAIN_ENV="production", SECRET_KEY=key)
    with pytest.raises(ConfigError, match="SECRET_KEY"):
        refuse_unsafe(settings())


def test_production_refuses_debug_mode(environment):
    environment(LEVAIN_ENV="production", SECRET_KEY="x" * 32)
    with pytest.raises(ConfigError, match="Debug"):
        refuse_unsafe(settings({"DEBUG": True}))
    refuse_unsafe(settings())
