"""A worker of Flink replaces `print`; numba has to be imported with the genuine one, and the worker's kept."""

from __future__ import annotations

import builtins
import subprocess
import sys
import threading

import pytest

from udfs.worker import genuine_print


class CustomPrint:
    """As PyFlink's worker has it: the original is kept in `_print`."""

    def __init__(self, original: object) -> None:
        self._print = original

    def print(self, *args: object) -> None:
        """Writes to the log."""


def test_genuine_print_within_and_the_workers_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.print
    replaced = CustomPrint(original).print
    monkeypatch.setattr(builtins, "print", replaced)
    with genuine_print():
        assert builtins.print is original
    assert builtins.print is replaced


def test_the_workers_print_comes_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced = CustomPrint(builtins.print).print
    monkeypatch.setattr(builtins, "print", replaced)
    with pytest.raises(ZeroDivisionError), genuine_print():
        raise ZeroDivisionError
    assert builtins.print is replaced


def test_nothing_changes_where_nothing_was_replaced() -> None:
    original = builtins.print
    with genuine_print():
        assert builtins.print is original
    assert builtins.print is original


def test_one_operator_does_not_take_it_away_from_another_that_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.print
    monkeypatch.setattr(builtins, "print", CustomPrint(original).print)
    came_in, first_is_out = threading.Event(), threading.Event()
    found: list[object] = []

    def second() -> None:
        with genuine_print():
            came_in.set()
            assert first_is_out.wait(30)
            found.append(builtins.print)

    thread = threading.Thread(target=second)
    with genuine_print():
        thread.start()
        came_in.wait(0.5)  # where they are kept apart it has to wait outside
    first_is_out.set()
    thread.join(30)
    assert found == [original]


PROGRAM = """
import builtins, sys, types

# as in a worker: a bound method, which claims to live in a module that has no `print`
module = types.ModuleType("beam_sdk_worker_main")
sys.modules["beam_sdk_worker_main"] = module
class CustomPrint:
    def __init__(self, _print): self._print = _print
    def print(self, *args): pass
CustomPrint.print.__module__ = "beam_sdk_worker_main"
builtins.print = CustomPrint(builtins.print).print
from udfs.worker import genuine_print
if sys.argv[1] == "genuine":
    with genuine_print():
        import numba
else:
    import numba
"""


@pytest.mark.parametrize(("how", "works"), [("genuine", True), ("replaced", False)])
def test_numba_can_be_imported_in_a_worker(how: str, works: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode == 0) is works, done.stderr
    if not works:
        # when this no longer fails, `genuine_print` is no longer needed
        assert "has no attribute 'print'" in done.stderr
