"""Who may import whom: the layering drawn in the README, kept true by a test."""

import ast
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent

# layer -> the layers of ours it may import (itself always; a feature's layer is blueprints.<name>)
MAY_IMPORT = {
    "live": set(),
    "config": set(),
    "database": set(),
    "embedded_redis": set(),
    "security": set(),
    "errors": {"database"},
    "extensions": {"database", "live"},
    "work": {"database", "extensions", "live"},
    "blueprints.*": {"database", "extensions", "live", "work", "blueprints.auth"},
    "seed": {"blueprints", "database"},
    "app": {
        "config",
        "database",
        "extensions",
        "live",
        "blueprints",
        "errors",
        "launcher",
        "security",
        "seed",
        "work",
    },
    "launcher": {"app", "config", "embedded_redis"},
    "worker": {"app", "work"},
}
OURS = {layer.partition(".")[0] for layer in MAY_IMPORT}
SOURCES = [
    path for path in sorted(ROOT.rglob("*.py")) if path.relative_to(ROOT).parts[0].removesuffix(".py") in OURS
]


def layer_of(module):
    head, _, rest = module.partition(".")
    feature = rest.partition(".")[0]
    return f"blueprints.{feature}" if head == "blueprints" and feature else head


def imports(path):
    """(module, line) for each import of our own code in the file, relative ones made absolute."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *filter(None, [node.module])])
            # `from blueprints import chat` names a feature only in what it imports
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "blueprints" else [module]
        else:
            continue
        yield from ((name, node.lineno) for name in names if name.partition(".")[0] in OURS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    here = layer_of(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    allowed = MAY_IMPORT.get(here, MAY_IMPORT["blueprints.*"]) | {here}
    for name, line in imports(path):
        there = layer_of(name)
        assert {there, there.partition(".")[0]} & allowed, (
            f"{path.relative_to(ROOT)}:{line}: {here} may not import {name}"
        )


def test_every_source_at_the_top_has_a_layer():
    # gunicorn.conf.py is gunicorn's; nobody can import a name with a dot in it.
    top = {path.stem for path in ROOT.glob("*.py") if "." not in path.stem}
    assert top <= OURS, f"say in MAY_IMPORT what these may import: {sorted(top - OURS)}"


def test_only_config_reads_the_environment():
    reading = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv")
        and getattr(node.value, "id", "") == "os"
    ]
    # The launcher writes REDIS_URL there for the processes it starts.
    assert [place for place in reading if not place.startswith(("config.py", "launcher.py"))] == []


def test_live_stands_alone(tmp_path):
    """Copied into an empty folder it can be imported with nothing of ours in reach: that is what liftable means."""
    shutil.copytree(ROOT / "live", tmp_path / "live", ignore=shutil.ignore_patterns("__pycache__"))
    modules = [
        ".".join(path.relative_to(tmp_path).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((tmp_path / "live").rglob("*.py"))
    ]
    lines = "\n".join(f"import {module}" for module in modules)
    code = f"import sys; sys.path.insert(0, '.')\n{lines}\nassert live.__file__.startswith({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
