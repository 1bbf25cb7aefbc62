"""Open pages hold no database session: twenty of them on one process, over each transport, on both databases."""

import psutil
import pytest
from sqlalchemy import text

from blueprints.chat.models import Room
from database import db
from live.testing import TRANSPORTS, connection
from tests.support import databases
from tests.support.sessions import cookie

PAGES = 20
pytestmark = pytest.mark.long


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", ["stream", "socket"])
def test_open_pages_hold_no_database_session(app, as_user, serve, kind):
    with app.app_context():
        db.session.add(room := Room(name="Lounge", about=""))
        db.session.commit()
        address = f"/chat/rooms/{room.id}"
    ada, server = as_user("ada"), serve(SECRET_KEY=databases.SECRET_KEY)
    headers = {"Cookie": f"levain={cookie(ada)}", "Sec-Fetch-Site": "same-origin"}
    before, pages = held(app, server), []
    try:
        for _ in range(PAGES):
            page = connection(ada.get(address).text)
            pages.append(TRANSPORTS[kind](server.url, headers).connect(page))
        assert held(app, server) <= before + 3  # the pool's own, for requests one after the other
    finally:
        for page in pages:
            page.close()


def held(app, server):
    """How many connections the web process has to its database, whether in use or not; none may be in a transaction."""
    (worker,) = psutil.Process(server.process.pid).children()
    with app.app_context():
        path = db.engine.url.database
        if db.engine.name == "sqlite":
            return sum(file.path == path for file in worker.open_files())
        rows = db.session.execute(
            text(
                "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND client_port IS NOT NULL"
            )
        ).all()
    assert not [state for (state,) in rows if "transaction" in (state or "")]
    return len(rows)
