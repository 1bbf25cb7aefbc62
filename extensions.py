"""The extension objects, not yet bound to an app: features import them, `create_app` binds them."""

import click
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_sock import Sock

from live import Live


class Migrations:
    """Flask-Migrate, and Alembic with it, for who migrates: no other start waits a quarter of a second for them.
    What asks for it in `app.extensions` finds this first, and is answered by what takes its place."""

    def init_app(self, app, *what, **options):
        app.extensions["migrate"] = _Later(app, what, options)
        app.cli.add_command(_commands, "db")


class _Later:
    def __init__(self, app, what, options):
        self._what = (app, *what), options

    def __getattr__(self, name):
        from flask_migrate import Migrate

        (app, *what), options = self._what
        Migrate().init_app(app, *what, **options)
        return getattr(app.extensions["migrate"], name)


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def _commands(context, arguments):
    """Change the tables: `flask db upgrade`."""
    from flask_migrate.cli import db

    with db.make_context("db", list(arguments), parent=context.parent) as inner:
        db.invoke(inner)


live = Live()
sock = Sock()
login_manager = LoginManager()
limiter = Limiter(key_func=get_remote_address)
migrate = Migrations()
