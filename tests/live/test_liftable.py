"""`live/` alone in an empty folder can be imported: that is what liftable means."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

LIVE = Path(__file__).parents[2] / "live"


def test_live_alone_is_imported_and_makes_a_site(tmp_path):
    shutil.copytree(LIVE, tmp_path / "live", ignore=shutil.ignore_patterns("__pycache__"))
    use = (
        "import live, live.testing, sys, flask; app = flask.Flask('x'); "
        "app.config.update(SECRET_KEY='x', REDIS_URL='redis://'); "
        "live.Live().init_app(app, identify=lambda: None, recheck=lambda ids: {}); "
        "print(live.__file__, 'sqlalchemy' in sys.modules, 'bs4' in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", use], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(tmp_path / "live" / "__init__.py"), "False", "False"], done.stderr
