"""The engine: what may be written when, who waits for whom, times in UTC, and migrations that are really there."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import request
from sqlalchemy.exc import OperationalError, StatementError

import database
from blueprints.auth import User
from database import NotMigrated, db, end_reading, only_reading, refuse_unmigrated, upgrade, utcnow, writing
from tests.support import databases

ROOT = Path(__file__).parent.parent
WRITERS, WRITES = 2, 25


def file_of(app):
    return sa.make_url(app.config["DATABASE_URL"]).database


def rename_ada(name):
    db.session.execute(sa.update(User).where(User.email == "ada@levain.test").values(name=name))
    db.session.commit()


def ada():
    return db.session.scalar(sa.select(User).where(User.email == "ada@levain.test"))


@pytest.mark.both_databases
def test_writers_at_the_same_time_wait_for_each_other_and_lose_nothing(app):
    start, errors = threading.Barrier(WRITERS), []

    def count_up():
        start.wait()
        for _ in range(WRITES):
            try:
                with app.app_context():
                    ada().rights_version = User.rights_version + 1
                    db.session.commit()
            except OperationalError as error:
                errors.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        assert not errors
        assert ada().rights_version == 1 + WRITERS * WRITES


def test_a_writer_waits_until_the_file_is_free(app):
    with closing(sqlite3.connect(file_of(app), isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.1, lambda: other.execute("COMMIT"))
        release.start()
        with app.app_context():
            rename_ada("Waited")
            assert ada().name == "Waited"
        release.join()


def test_a_writer_gives_up_after_its_patience_and_the_page_says_503(app, client, monkeypatch):
    monkeypatch.setattr(database, "LOCK_PATIENCE_S", 0.03)
    with closing(sqlite3.connect(file_of(app), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = client.post("/login", data={"email": "ada@levain.test", "password": "levain"})
        other.execute("ROLLBACK")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert client.post("/login", data={"email": "ada@levain.test", "password": "levain"}).status_code == 303


def test_readers_do_not_wait_for_a_writer(app, client, monkeypatch):
    monkeypatch.setattr(database, "LOCK_PATIENCE_S", 0.03)
    with closing(sqlite3.connect(file_of(app), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert client.get("/login").status_code == 200
        other.execute("ROLLBACK")


def test_a_reader_sees_one_moment_and_not_what_is_committed_meanwhile(app):
    with app.test_request_context():
        before = ada().name
        with closing(sqlite3.connect(file_of(app))) as other:
            other.execute("UPDATE user SET name = 'Later' WHERE email = 'ada@levain.test'")
            other.commit()
        assert db.session.scalar(sa.select(User.name).where(User.email == "ada@levain.test")) == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_request_of_a_safe_method_cannot_write(app, method):
    with app.test_request_context(method=method), pytest.raises(OperationalError, match="readonly"):
        rename_ada("Changed by a GET")
    with app.app_context():
        assert ada().name == "Ada"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_request_of_an_unsafe_method_can_write(app, method):
    with app.test_request_context(method=method):
        rename_ada("Changed")
        assert ada().name == "Changed"


def test_a_command_inside_a_get_can_write_and_reading_comes_back_afterwards(app):
    with app.test_request_context():
        assert request.method == "GET"
        with writing():
            rename_ada("By a command")
        assert ada().name == "By a command"
        db.session.rollback()
        with pytest.raises(OperationalError, match="readonly"):
            rename_ada("After it")


def test_what_is_asked_before_a_change_keeps_nobody_waiting_and_stays_known(app, monkeypatch):
    monkeypatch.setattr(database, "LOCK_PATIENCE_S", 0.03)
    with app.test_request_context(method="POST"):
        with only_reading():
            me = ada()
        with closing(sqlite3.connect(file_of(app), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert me.name == "Ada"  # asks nobody
            with only_reading():
                assert ada() is me
            other.execute("ROLLBACK")
        me.name = "Changed"
        db.session.commit()
        assert ada().name == "Changed"


def test_reading_may_pause_and_a_change_that_has_begun_goes_on(app):
    with app.test_request_context():
        me = ada()
        end_reading()
        assert not db.session().in_transaction()
        rename_elsewhere(app, "Later")
        assert me.name == "Ada"  # asks nobody
        assert db.session.scalar(sa.select(User.name).where(User.id == me.id)) == "Later"
    with app.test_request_context(method="POST"):
        ada().name = "Begun"
        end_reading()
        assert db.session().in_transaction()
        db.session.rollback()
        assert ada().name == "Later"


def rename_elsewhere(app, name):
    with closing(sqlite3.connect(file_of(app))) as other, other:
        other.execute("UPDATE user SET name = ? WHERE email = 'ada@levain.test'", [name])


def test_a_change_where_only_reading_was_promised_is_refused_and_can_be_made_after_it(app):
    with app.test_request_context(method="POST"):
        with pytest.raises(OperationalError, match="readonly"), only_reading():
            rename_ada("Changed")
        rename_ada("Changed after it")
        ada().name = "Begun"
        with only_reading():  # a part of what has begun, which goes on
            assert ada().name == "Begun"
        db.session.commit()
        assert ada().name == "Begun"


def test_reading_outside_of_requests_waits_for_no_writer_where_it_says_so(app, monkeypatch):
    monkeypatch.setattr(database, "LOCK_PATIENCE_S", 0.03)
    with app.app_context(), closing(sqlite3.connect(file_of(app), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with db.engine.connect().execution_options(postgresql_readonly=True) as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(User)) > 0
            with pytest.raises(OperationalError, match="readonly"):
                connection.execute(sa.update(User).values(name="Changed"))
        with pytest.raises(OperationalError, match="locked"), db.engine.connect() as connection:
            connection.scalar(sa.select(User.id))
        other.execute("ROLLBACK")


def test_what_is_not_worth_waiting_for_fails_at_once(app):
    with app.app_context(), closing(sqlite3.connect(file_of(app), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        with pytest.raises(OperationalError, match="locked"), writing(patience=0):
            rename_ada("Changed")
        assert time.monotonic() - begun < database.LOCK_PATIENCE_S
        other.execute("ROLLBACK")
        db.session.rollback()
        with writing(patience=0):
            rename_ada("Changed")


@pytest.mark.parametrize("places", [2, 3])
def test_only_so_many_wait_for_the_file_and_the_next_is_refused_at_once(app, monkeypatch, places):
    monkeypatch.setattr(database, "_places", threading.BoundedSemaphore(places))
    results = []

    def rename():
        try:
            with app.app_context():
                rename_ada("Changed")
            results.append("changed")
        except OperationalError:
            results.append("refused")

    with closing(sqlite3.connect(file_of(app), isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        threads = [threading.Thread(target=rename) for _ in range(3)]
        for thread in threads:
            thread.start()
        while len(results) < 3 - places:
            time.sleep(0.01)
        other.execute("COMMIT")
        for thread in threads:
            thread.join()
    assert sorted(results) == ["changed"] * places + ["refused"] * (3 - places)


def test_the_file_is_in_wal_mode_with_foreign_keys_and_full_synchronisation(app):
    with app.app_context():
        found = [db.session.execute(sa.text(f"PRAGMA {name}")).scalar() for name in
                 ("journal_mode", "foreign_keys", "synchronous")]  # fmt: skip
    assert found == ["wal", 1, 2]


@pytest.mark.both_databases
def test_times_come_back_aware_and_in_utc(app):
    somewhere = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=somewhere)
    with app.app_context():
        ada().created_at = moment
        db.session.commit()
        assert ada().created_at == moment
        assert ada().created_at.tzinfo == UTC
        assert utcnow().tzinfo == UTC


def test_a_time_without_a_zone_is_refused(app):
    with app.app_context():
        ada().created_at = datetime(2030, 1, 1)  # noqa: DTZ001 - the point of the test
        with pytest.raises(StatementError, match="naive"):
            db.session.commit()


def postgres(url):
    engine = sa.create_engine(url.replace("://", "+psycopg://"), poolclass=sa.NullPool)
    return engine.begin()


@pytest.mark.usefixtures("postgres_url")
def test_a_database_that_a_test_gives_back_is_as_fresh_as_a_new_one(run_folder, redis_url):
    def use(url):
        with postgres(url) as connection:
            names = connection.scalars(sa.text('SELECT name FROM "user" ORDER BY id')).all()
            connection.execute(sa.text("DELETE FROM \"user\" WHERE name <> 'Ada'"))
            room = "INSERT INTO rooms (name, about, kind, posted) VALUES ('R', '', 'open', 0) RETURNING id"
            return names, connection.scalar(sa.text(room))

    url, give_back = databases.postgres_copy(run_folder, redis_url)
    first = use(url)
    give_back()
    again, give_back = databases.postgres_copy(run_folder, redis_url)
    assert (again, use(again)) == (url, first)
    with postgres(again) as connection:
        connection.execute(sa.text("CREATE TABLE more (id int)"))
    give_back()
    other, give_back = databases.postgres_copy(run_folder, redis_url)
    assert (other != url, use(other)) == (True, first)
    give_back()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request, run_folder, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    request.getfixturevalue("postgres_url")
    url, drop = databases.empty_postgres(run_folder)
    yield url
    drop()


def test_a_database_without_migrations_is_refused_and_one_with_them_is_not(
    empty_database, redis_url, tmp_path
):
    app = databases.site(empty_database, redis_url, tmp_path)
    with pytest.raises(NotMigrated, match="flask db upgrade"):
        refuse_unmigrated(app)
    with app.app_context():
        upgrade()
    refuse_unmigrated(app)
    databases.close(app)


def test_migrations_go_up_and_down_and_say_what_the_models_say(empty_database, redis_url, tmp_path):
    app = databases.site(empty_database, redis_url, tmp_path)
    with app.app_context():
        upgrade()
        flask_migrate.check()  # exits when a model has something that no migration makes
        flask_migrate.downgrade(revision="base")
        assert set(sa.inspect(db.engine).get_table_names()) == {"alembic_version"}
    databases.close(app)


def test_a_database_that_is_away_is_refused_with_a_sentence(redis_url, tmp_path):
    app = databases.site(f"postgresql://nobody@/nothing?host={tmp_path}", redis_url, tmp_path)
    with pytest.raises(NotMigrated, match="cannot be asked"):
        refuse_unmigrated(app)
    databases.close(app)


def test_only_who_migrates_waits_for_alembic(tmp_path):
    start = "import sys, app; app.create_app(); sys.exit('alembic' in sys.modules)"
    subprocess.run(
        [sys.executable, "-c", start], cwd=ROOT, env=os.environ | {"LEVAIN_VAR": str(tmp_path)}, check=True
    )
