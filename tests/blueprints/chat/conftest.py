"""Two rooms."""

import pytest

from blueprints.auth import User
from blueprints.chat.models import Room
from database import db
from tests.support.databases import email_of


@pytest.fixture
def rooms(app):
    """Their ids."""
    with app.app_context():
        rooms = [Room(name="Lounge", about="Everything."), Room(name="Kitchen", about="Dough.")]
        db.session.add_all(rooms)
        db.session.commit()
        return [room.id for room in rooms]


@pytest.fixture
def person(app):
    """person("ada"): the user, for use inside an app context."""
    return lambda name: User.find(email_of(name))
