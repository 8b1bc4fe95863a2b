"""Where compiled kernels are kept, so that they are compiled once and found by every later process.

numba keys its cache by the path and the age of a source file. Flink unpacks shipped code into a new temporary
folder for every job, so every job would compile again. Here the key is what a kernel is *made of*: the syntax
tree of its module and of every module of ours which that one imports (comments and docstrings do not count),
the versions of Python, numba and llvmlite, and the processor. Equal content is equal code, wherever it lies.

    CUTBANK_KERNEL_CACHE    the folder; default: the user's cache folder, ``cutbank/kernels`` below it

``python -m models.kernel_cache`` compiles everything ahead of time.

The place is handed to numba through its documented setting ``CACHE_LOCATOR_CLASSES``, set only while one of
our entry kernels is being declared; other users of numba in the same process notice nothing. Several
processes may compile at once: numba replaces files whole, but two processes may give two signatures of one
kernel the same file name, so every load or compilation goes through `ready`, which holds a lock file
meanwhile.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import importlib.util
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding
import numba

#: Options of every kernel. No fast-math flag at all: sums are taken in the order written, products and sums
#: are not fused, so a number has the same bits on every processor with IEEE arithmetic and for every way to
#: cut a batch.
OPTIONS: dict[str, Any] = {"nogil": True, "boundscheck": False, "error_model": "numpy"}

VARIABLE = "CUTBANK_KERNEL_CACHE"

#: Python before 3.11.8 counts the depth of what it parses for all threads together, and fails where two parse at once
#: (CPython issue 106905); operators of one job open in threads of one process.
_PARSING = threading.Lock()


def cache_root() -> Path:
    """Folder of all compiled kernels: the variable CUTBANK_KERNEL_CACHE, else the user's cache folder."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "cutbank" / "kernels"


@cache
def source_of(module: str) -> str:
    """Source text of a module, from a folder or from a zip file."""
    spec = importlib.util.find_spec(module)
    loader = None if spec is None else spec.loader
    text = loader.get_source(module) if loader is not None and hasattr(loader, "get_source") else None
    if text is None:
        raise RuntimeError(f"the source of {module} cannot be read, which the kernel cache needs: ship .py files")
    return str(text)


@cache
def syntax_of(module: str) -> ast.Module:
    """Syntax tree of a module without its docstrings, so that prose does not cause compilation."""
    text = source_of(module)
    with _PARSING:
        tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                first.value.value = ""
    return tree


def imports_of(module: str) -> set[str]:
    """Names of the modules of our top-level package which `module` imports, wherever in its text."""
    top = module.split(".")[0]
    found: set[str] = set()
    for node in ast.walk(syntax_of(module)):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names if name.name.split(".")[0] == top)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == top:
            assert node.module is not None
            found.add(node.module)
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                with contextlib.suppress(ModuleNotFoundError):
                    if importlib.util.find_spec(inner) is not None:
                        found.add(inner)
    return found


@cache
def digest(module: str) -> str:
    """Hash of all that the kernels of `module` are made of: sources by content, versions, processor."""
    closure, waiting = {module}, [module]
    while waiting:
        fresh = imports_of(waiting.pop()) - closure
        closure |= fresh
        waiting.extend(fresh)
    state = hashlib.sha256()
    facts = (
        platform.python_version(), numba.__version__, llvmlite.__version__, platform.machine(),
        llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten(),
    )  # fmt: skip
    state.update(repr(facts).encode())
    for name in sorted(closure):
        state.update(f"\n{name}\n{ast.dump(syntax_of(name))}".encode())
    return state.hexdigest()[:32]


@cache
def folder_of(module: str) -> Path:
    """Folder of a module's compiled kernels: below the cache root, or, where that cannot be written and does
    not hold them yet, below this user's temporary folder."""
    place = cache_root() / digest(module)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError:
        if any(place.glob("*.nbi")):
            return place
        user = os.getuid() if hasattr(os, "getuid") else "user"
        place = Path(tempfile.gettempdir()) / f"cutbank-kernels-{user}" / digest(module)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


class ContentLocator:
    """numba's view of `folder_of`; numba imports this class by name and asks it where a function's code is
    kept."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._module = str(function.__module__)

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> ContentLocator:
        """Called by numba: a locator for the function."""
        return cls(py_func)

    def ensure_cache_path(self) -> None:
        """Called by numba before it writes."""
        folder_of(self._module).mkdir(parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        """Called by numba: the folder."""
        return str(folder_of(self._module))

    def get_source_stamp(self) -> str:
        """Called by numba: entries with another stamp are stale. The folder's name already says it all."""
        return digest(self._module)

    def get_disambiguator(self) -> str:
        """Called by numba: part of the file name. Names of kernels are unique in a module."""
        return self._module.replace(".", "_")


def inner(function: Callable[..., Any]) -> Any:
    """Decorator: a function that kernels call. It becomes part of its callers' code and is not cached by
    itself."""
    return numba.njit(**OPTIONS)(function)


def inline(function: Callable[..., Any]) -> Any:
    """Decorator: as `inner`, but always inlined, for the few lines a loop is made of."""
    return numba.njit(forceinline=True, **OPTIONS)(function)


def entry(function: Callable[..., Any]) -> Any:
    """Decorator: a kernel that Python calls; compiled once on a machine and cached by content."""
    before = numba.config.CACHE_LOCATOR_CLASSES
    numba.config.CACHE_LOCATOR_CLASSES = f"models.kernel_cache.{ContentLocator.__name__}"
    try:
        return numba.njit(cache=True, **OPTIONS)(function)
    finally:
        numba.config.CACHE_LOCATOR_CLASSES = before


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock file of a cache folder; where locks or writing are impossible, go on without."""
    try:
        import fcntl

        handle = open(folder / "lock", "a+")  # noqa: SIM115 - closed below, and opening may be refused
    except (ImportError, OSError):
        yield
        return
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


def ready(kernel: Any, *arguments: Any) -> None:
    """Make a kernel callable with arguments of these types: load it from the cache, or compile and store it.

    Cost: some 20 ms from the cache, some seconds to compile. Later calls with the same types cost
    microseconds.
    """
    signature = tuple(numba.typeof(value) for value in arguments)
    if signature in kernel.overloads:
        return
    with _locked(folder_of(kernel.py_func.__module__)):
        kernel.compile(signature)


#: Modules with a function `compile_all` that makes all their kernels ready.
MODULES = (
    "models.random_cut_forest.kernels", "models.random_cut_forest.snapshot_kernels", "models.anomaly_detector.kernels",
    "models.hotspots.kernels", "models.metrics.kernels", "models.drift.adwin", "models.drift.page_hinkley",
    "models.drift.kswin", "models.drift.ddm", "models.features.hashing", "models.linear.kernels",
    "models.naive_bayes.kernels", "models.trees.kernels", "models.champion.kernels",
    "models.original_gate.kernels",
    "models.indicators.kernels", "models.arbitrage.kernels", "models.signals.kernels",
    "models.original_market.kernels",
    "models.recommend.kernels", "models.recommend.blend_kernels", "models.user_vectors.kernels",
)  # fmt: skip


def compile_kernels() -> None:
    """Compile every kernel of the models, or find it in the cache. About a minute the first time."""
    for name in MODULES:
        importlib.import_module(name).compile_all()


if __name__ == "__main__":
    # by its real name, so that the kernels are declared by one and the same module
    importlib.import_module("models.kernel_cache").compile_kernels()
