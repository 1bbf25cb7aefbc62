"""How Alembic runs our migrations: on the app's own engine, for SQLite and PostgreSQL alike.

Called by `flask db ...`, by `python app.py` and by the tests; always inside an app context. In SQLite a migration is
one transaction too, and tables are changed by copying (render_as_batch), which is why constraints have names.
"""

from contextlib import contextmanager

from alembic import context
from flask import current_app
from sqlalchemy import text

migrate = current_app.extensions["migrate"]
# A number of our own for PostgreSQL's lock: two processes that start together migrate one after the other.
MIGRATION_LOCK = 7_502_116


def drop_empty(_context, _revision, directives):
    """`flask db migrate` without a change makes no file."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def migrate_online():
    options = {"process_revision_directives": drop_empty, "transactional_ddl": True} | migrate.configure_args
    with migrate.db.engine.connect() as connection, unchecked(connection):
        context.configure(connection=connection, target_metadata=migrate.db.metadata, **options)
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATION_LOCK})
            context.run_migrations()


@contextmanager
def unchecked(connection):
    """SQLite without foreign keys: changing a table drops the old copy, and that would delete its children with it."""
    if connection.dialect.name != "sqlite":
        yield
        return
    run = connection.connection.driver_connection.execute
    run("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        run("PRAGMA foreign_keys=ON")


def write_sql():
    """`flask db upgrade --sql`: the statements, for whoever may not let a program change the database."""
    url = migrate.db.engine.url.render_as_string(hide_password=False)
    context.configure(url=url, target_metadata=migrate.db.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    write_sql()
else:
    migrate_online()
