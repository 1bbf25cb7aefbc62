"""What the documents say exists: every setting has its row in the README, every command and every link its target."""

import re
from pathlib import Path

import pytest

import config
from live import extension

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


def rows_of_the_settings_table():
    section = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`[^|]*) \|", section, flags=re.MULTILINE)
    return {name for cell in first_cells for name in re.findall(r"`([A-Z_]+)`", cell)}


def test_the_readme_lists_every_setting_and_no_other():
    assert rows_of_the_settings_table() == {*config.TEXTS, *config.NUMBERS, *extension.DEFAULTS}


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_make_command_in_the_documents_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    said = set(re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(), flags=re.MULTILINE))
    assert said <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_link_to_a_file_of_ours_leads_somewhere(path):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_make_help_shows_every_target_that_a_person_would_call():
    makefile = (ROOT / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.*)", makefile, flags=re.MULTILINE)
    explained = re.findall(r"^([a-z-]+):.*## \w", makefile, flags=re.MULTILINE)
    assert set(phony.split()) == set(explained)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_python_package_is_pinned_and_says_why_it_is_here(name):
    lines = [
        line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r "))
    ]
    assert lines
    assert [line for line in lines if not re.match(r"[a-z0-9\[\]-]+==[\w.]+ .*# \w", line)] == []


def test_pages_load_only_vendored_files_that_the_setup_copies():
    copied = set(
        re.findall(r'"[\w@/.-]+/([\w.-]+\.(?:js|css))"', (ROOT / "tools" / "frontend.py").read_text())
    )
    pages = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    assert set(re.findall(r"vendor/([\w.-]+)", pages)) == copied


def test_the_lock_file_names_no_registry():
    lock = (ROOT / "package-lock.json").read_text()
    assert "integrity" in lock
    assert "://" not in lock
