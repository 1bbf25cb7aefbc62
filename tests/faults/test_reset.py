"""A database restored from yesterday, and the command that tells every page of it."""

import shutil
from pathlib import Path

import pytest

from tests.faults.conftest import notes_config
from tests.faults.notes_server import NotesServer

pytestmark = pytest.mark.xdist_group("faults-redis")


def test_every_page_shows_the_restored_database(notes, pages):
    gone = notes.post(2)
    for page in pages:
        page.until_shown(gone)
    with notes.app.engine.begin() as connection:  # the restore: what was written since is not in it
        connection.execute(notes.app.notes.delete().where(notes.app.notes.c.id.in_(gone)))
    said = notes.app.test_cli_runner().invoke(args=["live", "reset"])
    assert said.exit_code == 0, said.output
    assert "every open page fetches itself now" in said.output
    for page in pages:
        page.until(lambda page: not set(gone) & set(page.shown), timeout_s=5)
        assert set(page.shown) == set(notes.ids())


def test_without_redis_it_says_so_and_fails(notes, own_redis):
    own_redis.stop()
    try:
        said = notes.app.test_cli_runner().invoke(args=["live", "reset"])
    finally:
        own_redis.start()
    assert said.exit_code == 1
    assert "Redis does not answer" in said.output


@pytest.mark.long
def test_a_site_started_on_an_older_database_finds_it_out_by_itself(own_redis, tmp_path, open_page):
    """Redis was restarted since the copy was made, so the database remembers another epoch than the one in use."""
    config = notes_config(tmp_path, own_redis.url, LIVE_SPACE="restored")
    first = NotesServer(config, tmp_path / "first.log")
    page = open_page(first, "stream")
    page.until_shown(first.post())
    Path(f"{tmp_path}/backup").mkdir()
    first.end()
    shutil.copy(f"{tmp_path}/notes.db", f"{tmp_path}/backup/notes.db")
    own_redis.stop()
    own_redis.start()
    second = NotesServer(config, tmp_path / "second.log")
    second.post(3)
    asleep = open_page(second, "stream")
    asleep.close()
    second.end()
    for path in tmp_path.glob("notes.db*"):
        path.unlink()
    shutil.copy(f"{tmp_path}/backup/notes.db", f"{tmp_path}/notes.db")
    third = NotesServer(config, tmp_path / "third.log")
    try:
        asleep.site = third
        asleep.until(lambda page: page.resyncs)
        assert asleep.shown == third.ids()
    finally:
        third.end()
