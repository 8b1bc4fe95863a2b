"""Imports go one way, jobs -> udfs -> models; feeds know the settings and errors of jobs only; models know no Flink."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.settings import PROJECT_ROOT

#: What each package of ours may import of the others, besides itself; a name ends where a module of it may follow.
ALLOWED = {
    "models": (),
    "udfs": ("models",),
    "jobs": ("udfs", "models"),
    "feeds": ("jobs.settings", "jobs.errors"),
}
#: The command line is where packages meet: `cutbank feed` starts a feed.
MEETING_PLACE = ("jobs/cli/", "jobs/demo/")

SOURCES = sorted(file for package in ALLOWED for file in (PROJECT_ROOT / package).rglob("*.py"))


def imported(source: str, package: str = "") -> set[str]:
    """Dotted names of everything a source text imports, wherever it does; of ``from a import b`` both a and a.b."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            module = base + (node.module or "")
            names |= {f"{module.rstrip('.')}.{alias.name}" for alias in node.names}
    return names


def breaches(file: Path) -> list[str]:
    """What a file imports of ours and may not."""
    relative = file.relative_to(PROJECT_ROOT).as_posix()
    package = relative.split("/")[0]
    allowed = (package, *ALLOWED[package], *(("feeds",) if relative.startswith(MEETING_PLACE) else ()))
    found = imported(
        file.read_text(encoding="utf-8"), relative.removesuffix(".py").rpartition("/")[0].replace("/", ".")
    )
    ours = {name for name in found if name.split(".")[0] in {*ALLOWED, "tests", "benchmarks"}}
    return sorted(name for name in ours if not any(name == other or name.startswith(f"{other}.") for other in allowed))


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.relative_to(PROJECT_ROOT).as_posix())
def test_imports_go_one_way(file: Path) -> None:
    assert breaches(file) == []


def test_there_are_sources_of_every_package() -> None:
    assert {file.relative_to(PROJECT_ROOT).parts[0] for file in SOURCES} == set(ALLOWED)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import udfs.pack as p", {"udfs.pack"}),
        ("from udfs import pack, bucket", {"udfs.pack", "udfs.bucket"}),
        ("def f():\n    from jobs.stack.rest import FlinkRest", {"jobs.stack.rest.FlinkRest"}),
        ("from ..pack import Pack", {"udfs.pack.Pack"}),
        ("from . import pack", {"udfs.functions.pack"}),
        ("if TYPE_CHECKING:\n    import pyflink", {"pyflink"}),
    ],
)
def test_every_way_to_import_is_seen(source: str, names: set[str]) -> None:
    assert imported(source, "udfs.functions") == names


#: Modules that importing a package must not load.
UNWANTED = {
    "models": ("pyflink", "pandas", "kafka", "py4j", "apache_beam", "pydantic", "sklearn", "jobs", "udfs", "feeds"),
    "udfs.functions.registry": ("pyflink", "pandas", "kafka", "numba", "jobs", "feeds"),
    "udfs.bucket": ("pyflink", "pandas", "kafka", "numba", "jobs", "feeds"),
    "feeds": ("pyflink", "pandas", "numba", "udfs", "models"),
    "jobs.cli": ("pyflink", "pandas", "numba", "feeds"),
}

PROGRAM = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
if "every" in sys.argv[2:]:
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("module", UNWANTED)
def test_a_fresh_interpreter_loads_nothing_unwanted(module: str) -> None:
    """Of models and feeds every module, of the others what its name alone loads."""
    every = ["every"] if module in ("models", "feeds") else []
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module, *every],
        capture_output=True, text=True, timeout=120, check=True, cwd=PROJECT_ROOT,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert module.split(".")[0] in loaded
    assert loaded & set(UNWANTED[module]) == set()
