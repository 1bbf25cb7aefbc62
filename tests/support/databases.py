"""A migrated database with the cast in it for each test: made once per run by the real migrations, then copied."""

import shutil
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psycopg
from sqlalchemy.engine import make_url

from app import create_app
from blueprints.auth import User, add_demo_accounts
from database import db, upgrade
from tests.support import once
from tests.support.shared import locked, start_postgres

SECRET_KEY = "a key that only tests use, of 32 bytes and more"
OUTSIDER = "mallory"
TEMPLATE = "levain_template"


def site(url, redis_url, var, **overrides):
    """An app as the tests want it."""
    own = {
        "DATABASE_URL": url,
        "REDIS_URL": redis_url,
        "LEVAIN_VAR": str(var),
        "SECRET_KEY": SECRET_KEY,
        "TESTING": True,
        "LIVE_BUILD": "tests",  # else the name of a build is worked out from all that browsers are given, each time
    }
    app = create_app(own | overrides)
    with app.app_context():
        once.share(app, db.engine)
    return app


def close(app):
    """Give back what an app holds open: the loops of its hub and its database connections."""
    app.extensions["live"].hub.stop()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@contextmanager
def somebody_writes(app, monkeypatch):
    """SQLite's file is locked for a writer all the while, and nobody is patient; PostgreSQL has no such lock."""
    url = make_url(app.config["DATABASE_URL"])
    if not url.drivername.startswith("sqlite"):
        yield
        return
    monkeypatch.setattr("database.LOCK_PATIENCE_S", 0.03)
    with closing(sqlite3.connect(url.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def sqlite_copy(folder, redis_url, target):
    """The URL of a fresh SQLite file in `target`."""
    template = Path(folder) / "template.db"
    with locked(folder, "sqlite"):
        if not template.exists():
            making = template.with_name("making.db")
            making.unlink(missing_ok=True)
            _migrate(f"sqlite:///{making}", redis_url, folder)
            making.rename(template)
    copy = Path(target) / "levain.db"
    shutil.copyfile(template, copy)
    return f"sqlite:///{copy}"


def postgres_copy(folder, redis_url):
    """(URL of a fresh PostgreSQL database, function that gives it back): to make one takes half a second, to put one
    back into the state of a fresh one some milliseconds."""
    admin = start_postgres(folder)
    fresh = _given_back.pop() if _given_back else _new_copy(admin, folder, redis_url)
    return _named(admin, fresh.name), lambda: _give_back(admin, fresh)


class _Fresh(NamedTuple):
    """What a fresh database holds: {table: its rows as COPY writes them}, and where its sequences stand."""

    name: str
    rows: dict
    sequences: list


_given_back = []


def _new_copy(admin, folder, redis_url):
    with locked(folder, "template"), psycopg.connect(admin, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
            connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}_making")
            connection.execute(f"CREATE DATABASE {TEMPLATE}_making")
            _migrate(_named(admin, f"{TEMPLATE}_making"), redis_url, folder)
            connection.execute(f"ALTER DATABASE {TEMPLATE}_making RENAME TO {TEMPLATE}")
        name = f"test_{uuid4().hex}"
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    with psycopg.connect(_named(admin, name)) as connection:
        return _Fresh(
            name, {table: _rows(connection, table) for table in _tables(connection)}, _sequences(connection)
        )


def _tables(connection):
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [table for (table,) in found]


def _sequences(connection):
    query = "SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences"
    return connection.execute(query).fetchall()


def _rows(connection, table):
    with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" TO STDOUT') as copy:
        return b"".join(copy)


def _give_back(admin, fresh):
    try:
        _renew(admin, fresh)
    except psycopg.Error:  # the test has changed its tables
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {fresh.name} WITH (FORCE)")
    else:
        _given_back.append(fresh)


def _renew(admin, fresh):
    with psycopg.connect(_named(admin, fresh.name)) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [fresh.name],
        )
        connection.execute("SET session_replication_role = replica")  # in any order, whoever refers to whom
        if _tables(connection) != list(fresh.rows):
            raise psycopg.ProgrammingError("other tables than before")
        for table, rows in fresh.rows.items():
            connection.execute(f'DELETE FROM "{table}"')
            if rows:
                with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" FROM STDIN') as copy:
                    copy.write(rows)
        for name, value, is_called in fresh.sequences:
            connection.execute("SELECT setval(%s::regclass, %s, %s)", [f'"{name}"', value, is_called])


def empty_postgres(folder):
    """The same without tables, for the tests of the migrations themselves."""
    admin, name = start_postgres(folder), f"test_{uuid4().hex}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return _named(admin, name), lambda: _drop(admin, name)


def _drop(admin, name):
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _named(url, name):
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _migrate(url, redis_url, var):
    app = site(url, redis_url, var)
    with app.app_context():
        upgrade()
        hashed = add_demo_accounts()["ada"].password_hash
        db.session.add(User(email=email_of(OUTSIDER), name="Mallory", role="member", password_hash=hashed))
        db.session.commit()
    close(app)


def email_of(name):
    return f"{name}@levain.test"
