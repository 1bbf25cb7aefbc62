"""docs/live.md to the letter: the small foreign site it starts from, its ten lines, and two browsers."""

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/live.md").read_text()
SECRET = "a key that only this test uses, of many bytes"


def block(kind):
    return re.findall(rf"```{kind}\n(.*?)```", DOCUMENT, re.DOTALL)


def patched(text, hunk):
    """The text with one hunk of the document applied, which must fit exactly once."""
    lines = hunk.splitlines()
    old = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    new = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    assert text.count(old) == 1, f"this does not stand in the site:\n{old}"
    return text.replace(old, new)


@pytest.fixture
def notes_site(tmp_path, redis_url):
    """The address of the site, before anything is there but the document's text, htmx and live/."""
    (python,), (page,), (fragment,) = block("python before"), block("jinja before"), block("jinja fragment")
    for hunk in block("diff notes.py"):
        python = patched(python, hunk)
    for hunk in block("diff templates/index.html"):
        page = patched(page, hunk)
    for folder in ("templates", "static", "without_sqlalchemy"):
        (tmp_path / folder).mkdir()
    (tmp_path / "notes.py").write_text(python)
    (tmp_path / "templates/index.html").write_text(page)
    (tmp_path / "templates/_note.html").write_text(fragment)
    (tmp_path / "without_sqlalchemy/sqlalchemy.py").write_text(
        "raise ImportError('this site has no SQLAlchemy')"
    )
    for name in ("htmx.min.js", "hx-sse.min.js"):
        shutil.copy(ROOT / "static/vendor" / name, tmp_path / "static")
    shutil.copytree(ROOT / "live", tmp_path / "live")
    yield from _served(tmp_path, redis_url)


def _served(folder, redis_url):
    settings = {"FLASK_SECRET_KEY": SECRET, "FLASK_REDIS_URL": redis_url, "PYTHONPATH": "without_sqlalchemy"}
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port, number = listener.getsockname()[1], listener.fileno()
        command = [
            "-m",
            "gunicorn",
            "--worker-class",
            "gevent",
            "--bind",
            f"fd://{number}",
            "--no-control-socket",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command, "--graceful-timeout", "1", "notes:app"],
                cwd=folder, env=os.environ | settings, pass_fds=[number], stdout=log, stderr=log,
            )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        urllib.request.urlopen(url, timeout=30).close()
        yield url
    except OSError as error:
        raise RuntimeError((folder / "log").read_text()) from error
    finally:
        process.terminate()
        process.wait()


def test_there_are_ten_lines():
    hunks = block("diff notes.py") + block("diff templates/index.html")
    added = [line for hunk in hunks for line in hunk.splitlines() if line.startswith("+") and line != "+"]
    assert len(added) <= 10


def test_the_page_is_live_in_two_browsers(notes_site, chromium):
    pages = [chromium.new_context().new_page() for _ in range(2)]
    for name, page in zip(("ann", "bob"), pages, strict=True):
        page.goto(f"{notes_site}/?name={name}")
        page.goto(notes_site)
        expect(page.locator("html")).to_have_attribute("data-live", "live")
    pages[0].get_by_label("Note").fill("milk & <b>bread</b>")
    pages[0].get_by_role("button").click()
    for page in pages:
        expect(page.locator("#notes li")).to_have_text(["milk & <b>bread</b>"])
    for page in pages:
        page.context.close()
