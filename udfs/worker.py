"""What is peculiar to a Python worker of Flink."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Operators of one job open in threads of one process: without it one takes the genuine function away from another
#: that is still importing.
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def genuine_print() -> Iterator[None]:
    """Give `print` back its own self while numba is imported.

    A process-mode worker replaces ``builtins.print`` by a bound method that writes to the log. numba registers the
    function it finds under that name as a global of the module it claims to live in, and fails: the module has none.
    """
    with _ONE_AT_A_TIME:
        replaced = builtins.print
        original = getattr(getattr(replaced, "__self__", None), "_print", None)
        if original is not None:
            builtins.print = original
        try:
            yield
        finally:
            builtins.print = replaced
