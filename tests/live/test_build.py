"""The name of a build is that of what browsers are given."""

import os
import shutil

import pytest
from flask import Flask

from live import build


@pytest.fixture
def folder(tmp_path):
    for name in ("templates/page.html", "static/page.js", "static/sub/page.css"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def name(folder):
    return build.name_of(Flask("site", root_path=str(folder)))


def test_it_is_the_same_wherever_and_whenever_the_same_files_were_put(folder, tmp_path_factory):
    before = name(folder)
    os.utime(folder / "static/page.js", (0, 0))
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "app.pyc").write_bytes(b"compiled meanwhile")
    copy = tmp_path_factory.mktemp("elsewhere") / "site"
    shutil.copytree(folder, copy)
    assert (name(folder), name(copy)) == (before, before)


@pytest.mark.parametrize("path", ["templates/page.html", "static/page.js", "static/sub/page.css"])
def test_it_is_another_when_a_file_has_changed_or_has_another_name(folder, path):
    before, file = name(folder), folder / path
    file.write_text("changed")
    changed = name(folder)
    file.rename(file.with_name("other"))
    assert len({before, changed, name(folder)}) == 3


def test_a_site_without_folders_has_one_too(tmp_path):
    assert len(name(tmp_path)) == 12
