"""The engine and its transactions: what SQLite needs to serve many greenlets, and times in UTC.

SQLite locks the whole file for a writer, and waiting inside the library stops every greenlet of the process. So a
transaction says at its BEGIN what it is: requests that may not change anything only read (a write in them is an
error), everything else takes the write lock at once and waits for it here, yielding. Whoever has the lock must not
yield before the commit: what must be known before a change, but may take its time (who is asking, are they too fast),
is asked in a transaction of its own that only reads. PostgreSQL needs none of this.
It imports nothing of ours; models, the app and the tests use it.
"""

import random
import sqlite3
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import current_app, has_request_context, request
from flask.cli import ScriptInfo
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, MetaData, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

MIGRATIONS = str(Path(__file__).parent / "migrations")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOCK_PATIENCE_S = 5.0  # a thread may `patience_s.set` less, where it tries again by itself
LOCK_PAUSE_S, LOCK_MAX_PAUSE_S = 0.002, 0.05
MAX_WAITING = 60  # for the write lock, in this process; the other connections are for who only reads
# FULL: what was answered with success survives a power cut. The busy time-out is a setting of the connection.
PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON", "PRAGMA synchronous=FULL")
# Names for constraints: without them Alembic cannot change a table of SQLite later.
CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

patience_s = ContextVar("patience_s")
_writes = ContextVar("writes", default=None)  # where somebody said so; else the request's method says it
_places = threading.BoundedSemaphore(MAX_WAITING)


class NotMigrated(RuntimeError):
    """The database has not the tables this code expects; its text is one sentence for the operator."""


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=CONVENTION)


class UtcDateTime(TypeDecorator):
    """An aware datetime in Python, UTC in the database; a naive one is refused, for nobody knows what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value, _dialect):
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        return value.astimezone(UTC)

    def process_result_value(self, value, _dialect):
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


db = SQLAlchemy(model_class=Base)


def utcnow():
    return datetime.now(UTC)


@contextmanager
def writing(*, patience=None):
    """Transactions begun inside may write, although the request around them is a GET: a WebSocket's command. With a
    patience of 0 seconds what is not worth waiting for fails at once where somebody else writes."""
    patience = patience_s.get(LOCK_PATIENCE_S) if patience is None else patience
    tokens = (_writes, _writes.set(True)), (patience_s, patience_s.set(patience))
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)


@contextmanager
def only_reading():
    """What happens inside only reads, in a transaction that ends with it, so that nobody waits for the one who asks
    Redis or draws a picture next. What was loaded stays loaded. Inside a transaction it is a part of that."""
    session = db.session()
    if session.in_transaction() or reading():
        yield
        return
    token = _writes.set(False)
    try:
        yield
        end_reading()
    finally:
        session.rollback()
        _writes.reset(token)


def end_reading():
    """Ends a transaction that only read, so that nobody holds a connection for what takes its time. What was loaded
    stays loaded, and the next question begins another one. A transaction that may write goes on."""
    session = db.session()
    if not reading():
        return
    session.expire_on_commit = False
    try:
        session.commit()
    finally:
        session.expire_on_commit = True


def reading():
    """May the transaction that begins now only read? True in a request of a safe method, outside `writing`."""
    if _writes.get() is not None:
        return not _writes.get()
    return has_request_context() and request.method in SAFE_METHODS


# -- migrations: Flask-Migrate, and Alembic with it, are loaded by who migrates; no other start waits for them --------


class MigrationCommands(click.Command):
    """`flask db`, in whose place Flask-Migrate's commands run."""

    def make_context(self, info_name, args, parent=None, **extra):
        from flask_migrate.cli import db as commands

        _bind_migrations(parent.ensure_object(ScriptInfo).load_app())
        return commands.make_context(info_name, args, parent, **extra)


def upgrade():
    """Brings the database of the current app to the newest tables."""
    import flask_migrate

    _bind_migrations(current_app)
    flask_migrate.upgrade()


def refuse_unmigrated(app):
    """Raise NotMigrated unless the database is at the newest migration. For the start of production only:
    `flask db upgrade` must stay possible, so creating an app does not ask."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    try:
        with app.app_context(), db.engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_heads()
    except SQLAlchemyError as error:
        raise NotMigrated(
            f"The database cannot be asked for its version ({type(error).__name__})."
        ) from error
    if set(found) != set(ScriptDirectory(MIGRATIONS).get_heads()):
        raise NotMigrated("The database is not migrated: run `flask db upgrade` before the start.")


def _bind_migrations(app):
    from flask_migrate import Migrate

    Migrate(app, db, directory=MIGRATIONS, render_as_batch=True)


@event.listens_for(Engine, "connect")
def _prepare(connection, _record):
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # the library must not begin transactions of its own
        connection.create_function("lower", 1, _lower, deterministic=True)
        for pragma in PRAGMAS:
            _patiently(connection.execute, pragma)


def _lower(value):
    """SQLite's own knows the letters of ASCII only, so a name with an accent was not found in the other case."""
    return value.lower() if isinstance(value, str) else value


@event.listens_for(Engine, "begin")
def _begin(connection):
    if connection.dialect.name != "sqlite":
        return
    run = connection.connection.driver_connection.execute
    only_reads = reading() or connection.get_execution_options().get("postgresql_readonly", False)
    try:
        run(f"PRAGMA query_only={int(only_reads)}")
        _patiently(_snapshot if only_reads else _lock, run)
    except sqlite3.OperationalError as error:
        raise OperationalError("BEGIN", None, error) from error


def _lock(run):
    run("BEGIN IMMEDIATE")


def _snapshot(run):
    """BEGIN alone reads nothing; the first read, which fixes what this request sees, may also meet a locked file."""
    run("BEGIN")
    try:
        run("PRAGMA schema_version")
    except sqlite3.OperationalError:
        run("ROLLBACK")
        raise


def _patiently(function, *arguments):
    """Call again while another transaction holds the file; time.sleep yields under gevent, SQLite's wait does not."""
    try:
        return function(*arguments)
    except sqlite3.OperationalError as error:
        if (
            "locked" not in str(error)
            or not patience_s.get(LOCK_PATIENCE_S)
            or not _places.acquire(blocking=False)
        ):
            raise
    try:
        return _wait(function, *arguments)
    finally:
        _places.release()


def _wait(function, *arguments):
    give_up, pause_s = time.monotonic() + patience_s.get(LOCK_PATIENCE_S), LOCK_PAUSE_S
    while True:
        time.sleep(random.uniform(pause_s / 2, pause_s))
        pause_s = min(LOCK_MAX_PAUSE_S, 2 * pause_s)
        try:
            return function(*arguments)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= give_up:
                raise
