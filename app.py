"""The site put together: `create_app` binds extensions, features and hooks; `python app.py` runs everything.

The only module that knows all features. What launcher.py and worker.py need of the other modules they get from here.
"""

import pathlib

from flask import Flask

import errors
import security
import work
from blueprints import auth, chat, home, jobs, orders
from blueprints.auth import DEMO
from config import ConfigError, refuse_unsafe, site_settings
from database import MigrationCommands, NotMigrated, db, refuse_unmigrated, upgrade
from extensions import limiter, live, login_manager, sock
from seed import seed

__all__ = ["DEMO", "ConfigError", "NotMigrated", "create_app", "refuse_unmigrated", "seed", "upgrade"]

FEATURES = (home, auth, orders, chat, jobs)


def create_app(overrides=None):
    """A ready site. `overrides` win over the environment: what a test passes. Refuses unsafe production settings."""
    app = Flask(__name__)
    app.config.update(site_settings(overrides))
    refuse_unsafe(app.config)
    pathlib.Path(app.config["LEVAIN_VAR"]).mkdir(parents=True, exist_ok=True)
    _bind_extensions(app)
    for feature in FEATURES:
        app.register_blueprint(feature.bp)
    return app


def _bind_extensions(app):
    # First: its hook takes a page's position ahead of everything that reads the database (DESIGN 4.3).
    live.init_app(app, identify=auth.identify, recheck=auth.recheck, session=db.session, metadata=db.metadata)
    security.init_app(app)
    errors.init_app(app)
    db.init_app(app)
    app.cli.add_command(MigrationCommands("db", help="Change the tables: `flask db upgrade`."))
    limiter.init_app(app)
    login_manager.init_app(app)
    sock.init_app(app)
    work.init_app(app)


if __name__ == "__main__":
    import sys

    import launcher

    sys.exit(launcher.main())
