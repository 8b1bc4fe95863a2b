"""The cache of compiled kernels: found by content wherever the package lies, safe for concurrent writers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from models import kernel_cache

PACKAGE = Path(kernel_cache.__file__).resolve().parent

SMALL = '''
import numpy as np
from models.kernel_cache import entry, inner, ready

@inner
def twice(x):
    """A docstring."""
    return 2 * x

@entry
def total(values):
    found = 0.0
    for k in range(values.size):
        found += twice(values[k])
    return found

def compile_all():
    ready(total, np.zeros(1))
'''

PROGRAM = """
import sys
import numpy as np
from models import small
small.compile_all()
assert small.total(np.arange(4.0)) == {expected}
stats = small.total.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def package_at(folder: Path, text: str = SMALL) -> Path:
    """A copy of the package's cache module with one small module of kernels."""
    (folder / "models").mkdir(parents=True)
    for name in ("__init__.py", "kernel_cache.py"):
        shutil.copy(PACKAGE / name, folder / "models" / name)
    (folder / "models" / "small.py").write_text(text)
    return folder


def start(folder: Path, cache: Path, expected: float = 12.0) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(folder), kernel_cache.VARIABLE: str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(expected=expected)],
        env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, int]:
    """(hits, misses) of the cache."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    hits, misses = out.split()
    return int(hits), int(misses)


def test_found_from_another_folder(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert finish(start(package_at(tmp_path / "a"), cache)) == (0, 1)
    again = package_at(tmp_path / "elsewhere" / "b")
    assert finish(start(again, cache)) == (1, 0)
    for file in again.rglob("*.py"):
        os.utime(file, (1, 1))
    assert finish(start(again, cache)) == (1, 0), "the age of a file does not matter"


def test_prose_does_not_matter_but_code_does(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    finish(start(package_at(tmp_path / "a"), cache))
    prose = SMALL.replace("A docstring.", "Other words.").replace("@entry", "# a comment\n@entry")
    assert finish(start(package_at(tmp_path / "b", prose), cache)) == (1, 0)
    code = SMALL.replace("2 * x", "3 * x")  # in a function that is only inlined
    assert finish(start(package_at(tmp_path / "c", code), cache, expected=18.0)) == (0, 1)


def test_imported_modules_count(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    split = SMALL.replace("2 * x", "factor() * x").replace("@inner", "from models.other import factor\n\n@inner", 1)
    other = "from models.kernel_cache import inner\n\n@inner\ndef factor():\n    return {}\n"
    for name, factor, result in (("a", 2, (0, 1)), ("b", 2, (1, 0)), ("c", 5, (0, 1))):
        folder = package_at(tmp_path / name, split)
        (folder / "models" / "other.py").write_text(other.format(factor))
        assert finish(start(folder, cache, expected=6.0 * factor)) == result


def test_concurrent_writers(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    folders = [package_at(tmp_path / str(k)) for k in range(3)]
    results = [finish(process) for process in [start(folder, cache) for folder in folders]]
    assert sum(misses for _, misses in results) == 1, "one compiles, the others wait and find"
    assert sum(hits for hits, _ in results) == 2


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Where nothing can be kept, kernels go to the temporary folder of the user."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    process = start(package_at(tmp_path / "a"), blocked / "cache")
    assert sum(finish(process)) == 1


def test_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(kernel_cache.VARIABLE, str(tmp_path))
    assert kernel_cache.cache_root() == tmp_path
    monkeypatch.delenv(kernel_cache.VARIABLE)
    assert kernel_cache.cache_root().parts[-2:] == ("cutbank", "kernels")


def test_numba_is_left_as_it_was() -> None:
    import numba

    assert numba.config.CACHE_LOCATOR_CLASSES in ("", os.environ.get("NUMBA_CACHE_LOCATOR_CLASSES", ""))


def test_warm_start_is_quick(tmp_path: Path) -> None:
    """A fresh process on a warm cache gives its first scores in well under 3 s of processor time, import included."""
    program = (
        "import time, numpy as np\n"
        "from models.random_cut_forest import RandomCutForest\n"
        "RandomCutForest(1).process(np.arange(300.0))\n"
        "print(time.process_time())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    seconds = [
        float(subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True).stdout)
        for _ in range(2)
    ]
    assert min(seconds) < 3.0


def test_threads_do_not_parse_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that are told to meet inside the parser never do."""
    parse, meeting, met = kernel_cache.ast.parse, threading.Barrier(2), []

    def parse_together(*arguments: Any) -> Any:
        try:
            meeting.wait(0.2)
            met.append(True)
        except threading.BrokenBarrierError:
            pass
        return parse(*arguments)

    monkeypatch.setattr(kernel_cache.ast, "parse", parse_together)
    names = ("models.pool", "models.errors")
    threads = [threading.Thread(target=kernel_cache.syntax_of.__wrapped__, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not met
