"""The name of a build: another one tells open pages that what they have loaded is old."""

import hashlib
from pathlib import Path

from flask import Flask

HERE = Path(__file__).parent


def name_of(app: Flask) -> str:
    """The same in every process, and on every machine, that serves the same templates, scripts and styles."""
    theirs = [Path(app.root_path, folder) for folder in (app.template_folder, app.static_folder) if folder]
    folders = [*theirs, HERE / "templates", HERE / "static"]
    # By what is in them: a checkout makes new times, and Python's own files come while processes start.
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(folder)} {path.stat().st_size} ".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
