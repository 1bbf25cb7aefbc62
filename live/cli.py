"""`flask live ...`: what an operator of a site does to its live core by hand."""

import click
import redis
from flask import current_app
from flask.cli import AppGroup

group = AppGroup("live", help="The live pages of this site.")


@group.command("reset")
def reset() -> None:
    """Begin a new history, so that every open page fetches itself: after a restore of the database."""
    try:
        position = current_app.extensions["live"].log.reset()
    except redis.RedisError as error:
        raise click.ClickException(f"Redis does not answer ({error}); nothing was done.") from None
    click.echo(f"The history begins anew ({position.epoch}); every open page fetches itself now.")
