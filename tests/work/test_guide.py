"""docs/jobs.md, followed to the letter: its fifteen lines make a job that people can start."""

import re
from pathlib import Path

import pytest

from blueprints.chat.models import Room
from database import db
from tests.blueprints.pages import soup
from tests.support.jobs import attempt
from work import Job, kinds

GUIDE = Path(__file__).parents[2] / "docs" / "jobs.md"


@pytest.fixture
def lines():
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[1]
    exec(compile(code, GUIDE.name, "exec"), {})  # noqa: S102 - our own page, as a reader would type it in
    yield code.splitlines()
    del kinds.KINDS["open_rooms"]


def test_fifteen_lines_make_a_job(app, as_user, lines):
    imports = [line for line in lines if line.startswith("from ")]
    assert len([line for line in lines if line]) - len(imports) <= 15
    ada = as_user("ada")
    assert "As many rooms" in soup(ada.get("/jobs/")).find(id="start-open_rooms").text
    wrong = ada.post("/jobs/?kind=open_rooms", data={"rooms": "1000"})
    assert "from 1 to 100" in soup(wrong).find(id="open_rooms-rooms-problem").text
    started = ada.post("/jobs/?kind=open_rooms", data={"rooms": "12"})
    attempt(app, int(started.location.rsplit("/", 1)[1]))
    assert "Rooms opened" in soup(ada.get(started.location)).select_one(".figures").text
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count(Room.id))) == 12
        assert db.session.scalar(db.select(Job.state)) == "done"
