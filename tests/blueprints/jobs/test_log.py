"""A job's log: all lines from the first, in order, over all attempts; bounded; in pieces that a page can hold."""

import pytest

from blueprints.jobs.broadcasts import log_topic
from database import db
from live.testing import capture
from tests.blueprints.pages import followed, soup
from tests.support.jobs import relay
from work import Job, Note, Refused, moves, notes
from work.notes import LINE_CHARS, LINES_KEPT, LINES_SHOWN, LINES_TOGETHER

pytestmark = pytest.mark.both_databases


@pytest.fixture
def talk(kind, job_of, run):
    """talk(7): the id of a job that has said lines 1 to 7 and is done."""

    def start(most):
        def work(run):
            for number in range(1, most + 1):
                run.say(f"line {number}")

        job_id = job_of("ada", kind(work))
        run(job_id)
        return job_id

    return start


def lines(page):
    return "\n".join(each.text for each in page.select("#job-log li")).split("\n")


def kept(app, job_id):
    with app.app_context():
        query = db.select(Note.text).where(Note.job_id == job_id).order_by(Note.last_line)
        return "\n".join(db.session.scalars(query)).split("\n")


def test_a_page_opens_with_all_lines_from_the_first(as_user, talk):
    page = soup(as_user("ada").get(f"/jobs/{talk(LINES_SHOWN)}"))
    assert lines(page) == [f"line {n}" for n in range(1, LINES_SHOWN + 1)]
    assert page.select_one(".older") is None


def test_what_is_more_than_a_page_holds_is_in_older_pieces_without_a_hole(as_user, talk):
    ada, everything = as_user("ada"), 2 * LINES_SHOWN + 7
    address, seen = f"/jobs/{talk(everything)}", []
    while address:
        page = soup(ada.get(address))
        assert len(lines(page)) <= LINES_SHOWN
        seen = lines(page) + seen
        older = page.select_one(".older")
        address = older and older["href"]
    assert seen == [f"line {n}" for n in range(1, everything + 1)]
    assert "of 10,007" in page.select_one("#log-piece").text
    assert page.find("a", string="To the newest lines")


def test_an_older_piece_stays_as_it_is_and_an_address_of_none_is_the_newest(as_user, talk):
    ada, job_id = as_user("ada"), talk(300)
    older, newest = ada.get(f"/jobs/{job_id}?until=200"), ada.get(f"/jobs/{job_id}")
    assert log_topic(job_id) in followed(newest.text)
    assert log_topic(job_id) not in followed(older.text)
    older, newest = soup(older), soup(newest)
    assert lines(older)[-1] == "line 200"
    for wrong in ("0", "-5", "300", "9" * 30, "x", "99999"):
        assert lines(soup(ada.get(f"/jobs/{job_id}?until={wrong}"))) == lines(newest), wrong


def test_the_newest_lines_are_kept_and_the_page_says_that_others_are_not(app, as_user, talk):
    job_id = talk(LINES_KEPT + 2 * LINES_TOGETHER)
    assert len(kept(app, job_id)) == LINES_KEPT
    assert kept(app, job_id)[-1] == f"line {LINES_KEPT + 2 * LINES_TOGETHER}"
    page = soup(as_user("ada").get(f"/jobs/{job_id}?until=1000"))
    assert "Lines before 401 are no longer kept" in page.select_one("#log-piece").text


def test_lines_are_counted_on_over_attempts(app, kind, job_of, run):
    def work(run):
        run.say(f"in attempt {run.attempt}")
        raise Refused("no")

    job_id = job_of("ada", kind(work))
    run(job_id)
    with app.app_context():
        moves.retry(Job.find(job_id))
        db.session.commit()
    run(job_id)
    assert kept(app, job_id) == ["in attempt 1", "in attempt 2"]
    with app.app_context():
        assert notes.count(job_id) == 2


def test_the_last_lines_are_there_however_it_ended(app, kind, job_of, run):
    def broken(run):
        run.say("before it broke")
        raise RuntimeError

    job_id = job_of("ada", kind(broken, tries=1))
    run(job_id)
    assert kept(app, job_id) == ["before it broke"]


def test_a_line_is_what_both_databases_take(app, kind, job_of, run):
    def work(run):
        run.say("two\r\nlines\0 and \ud800")
        run.say("")
        run.say("x" * (LINE_CHARS + 1))
        run.progress(1, 2, "\0")
        run.wait(0.6)

    job_id = job_of("ada", kind(work))
    run(job_id)
    assert kept(app, job_id) == ["two", "lines? and ?", "", "x" * LINE_CHARS]


def test_viewers_get_a_bounded_number_of_lines_four_times_a_second(app, kind, job_of, run):
    def work(run):
        for number in range(LINES_TOGETHER * 50):
            run.say(f"line {number}")
        run.wait(1.2)

    job_id = job_of("ada", kind(work))
    with capture(app.extensions["live"]) as captured:
        run(job_id)
        relay(app)
        pushed = [event for event in captured.events if event.topic == log_topic(job_id)]
    partials = [event for event in pushed if "hx-partial" in event.data]
    assert 1 <= len(partials) <= 5 * 1.2 + 2
    assert all(event.data.count("line") <= LINES_TOGETHER + 5 for event in partials)
    assert [event.name for event in pushed if event not in partials] == [
        "live:refresh"
    ]  # the rest, at the end
    assert len(kept(app, job_id)) == LINES_TOGETHER * 50
