"""The table functions that SQL can call: one declaration a file, collected in `registry`.

A declaration says everything about a function once: its arguments with type, range, default and one line of
help, the columns it accepts and adds, how its models are made and how their outputs become columns. Checks,
error messages, ``cutbank functions``, the reference page and the contract tests are made from it.
"""

from __future__ import annotations

from udfs.functions.declaration import (
    AddedColumn,
    Argument,
    ArgumentError,
    ArgumentType,
    TableFunction,
)
from udfs.functions.registry import FUNCTIONS

__all__ = ["FUNCTIONS", "AddedColumn", "Argument", "ArgumentError", "ArgumentType", "TableFunction"]
