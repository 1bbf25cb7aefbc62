"""Settings: defaults, then the environment, then what a test passes; every one is in the README's table.

The only module that reads os.environ. It imports nothing of ours; `create_app` calls it once, the launcher too.
"""

import os
import pathlib
import secrets
from contextlib import suppress
from datetime import timedelta
from urllib.parse import quote

ROOT = pathlib.Path(__file__).resolve().parent
LOOPBACK = ["localhost", "127.0.0.1"]
MIN_SECRET_BYTES = 32

TEXTS = {
    "LEVAIN_ENV": "development",
    "LEVAIN_VAR": str(ROOT / "var"),
    "HOST": "127.0.0.1",
    "SECRET_KEY": "",
    "SECRET_KEY_FALLBACKS": "",
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "TRUSTED_HOSTS": "",
}
NUMBERS = {
    "PORT": 8000,
    "WEB_WORKERS": 1,
    "JOB_WORKERS": 1,
    "TRUSTED_PROXIES": 0,
    "SESSION_IDLE_S": 8 * 3600,
    "SESSION_LIFE_S": 7 * 86400,
    "SESSION_REMEMBER_S": 30 * 86400,
}
FIXED = {
    "MAX_CONTENT_LENGTH": 1_000_000,
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    # The row in the database ends a session; a cookie renewed at each answer would promise more than the row keeps.
    "SESSION_REFRESH_EACH_REQUEST": False,
    "RATELIMIT_KEY_PREFIX": "levain",
    "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
}


class ConfigError(RuntimeError):
    """A setting with which the site must not start; its text is one sentence for the operator."""


def settings(overrides=None):
    """All settings as one dict. What is derived (cookie flags, the engine) follows the overrides or is overridden."""
    overrides = overrides or {}
    config = FIXED | _from_environment() | overrides
    config["LEVAIN_VAR"] = str(pathlib.Path(config["LEVAIN_VAR"]).absolute())
    for name in ("TRUSTED_HOSTS", "SECRET_KEY_FALLBACKS"):
        config[name] = _items(config[name])
    if config["LEVAIN_ENV"] not in ("development", "production"):
        raise ConfigError(f"LEVAIN_ENV is {config['LEVAIN_ENV']!r}: it must be development or production.")
    return config | _derived(config) | {k: v for k, v in overrides.items() if k not in TEXTS}


def site_settings(overrides=None):
    """Settings for a process of the site: REDIS_URL, where it is not set, is the socket of the launcher's own Redis."""
    config = settings(overrides)
    if not config["REDIS_URL"]:
        config["REDIS_URL"] = f"unix://{quote(config['LEVAIN_VAR'])}/redis/redis.sock?db=0"
        config |= _rate_limits(config["REDIS_URL"])
    return config


def refuse_unsafe(config):
    """Raise ConfigError for what must never face the internet; in development anything goes."""
    if config["LEVAIN_ENV"] != "production":
        return
    if len((config["SECRET_KEY"] or "").encode()) < MIN_SECRET_BYTES:
        raise ConfigError(
            f"SECRET_KEY must have {MIN_SECRET_BYTES} bytes or more in production; it has fewer or is not set."
        )
    if config.get("DEBUG"):
        raise ConfigError("Debug mode must be off in production; unset FLASK_DEBUG.")


def _from_environment():
    live = {name: _plain(value) for name, value in os.environ.items() if name.startswith("LIVE_")}
    texts = {name: os.environ.get(name) or default for name, default in TEXTS.items()}
    return live | texts | {name: _number(name, default) for name, default in NUMBERS.items()}


def _number(name, default):
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit():
        raise ConfigError(f"{name} is {text!r}: it must be a whole number.")
    return int(text)


def _plain(text):
    """A LIVE_ setting as the type it is written in: the core, which owns the defaults, is not known here."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _items(value):
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _derived(config):
    production = config["LEVAIN_ENV"] == "production"
    url = _database_url(config)
    return {
        "DATABASE_URL": url,
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(url),
        "SECRET_KEY": config["SECRET_KEY"]
        or ("" if production else _development_secret(config["LEVAIN_VAR"])),
        "SESSION_COOKIE_SECURE": production,
        "SESSION_COOKIE_NAME": "__Host-levain" if production else "levain",
        "PERMANENT_SESSION_LIFETIME": timedelta(seconds=config["SESSION_REMEMBER_S"]),
        "TRUSTED_HOSTS": config["TRUSTED_HOSTS"]
        or (LOOPBACK if config["HOST"] in LOOPBACK and not production else None),
        **_rate_limits(config["REDIS_URL"]),
    }


def _database_url(config):
    url = config["DATABASE_URL"] or f"sqlite:///{config['LEVAIN_VAR']}/levain.db"
    scheme, colon, rest = url.partition(":")
    return f"postgresql+psycopg:{rest}" if scheme in ("postgres", "postgresql") else scheme + colon + rest


def _engine_options(url):
    if url.startswith("sqlite"):
        # No waiting inside SQLite, which stops every greenlet; database.py does it.
        return {"connect_args": {"timeout": 0}, "pool_size": 10, "max_overflow": 90, "pool_timeout": 5}
    arguments = {"connect_timeout": 3, "options": "-c lock_timeout=5000"}
    return {
        "connect_args": arguments,
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 10,
        "pool_timeout": 5,
    }


def _rate_limits(redis_url):
    uri = f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
    options = {"socket_timeout": 1, "socket_connect_timeout": 1}
    return {"RATELIMIT_STORAGE_URI": uri, "RATELIMIT_STORAGE_OPTIONS": options}


def _development_secret(var):
    """Made once and kept; linked into place, so that processes that start together agree on one."""
    path = pathlib.Path(var) / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"secret_key.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(MIN_SECRET_BYTES))
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text().strip()
