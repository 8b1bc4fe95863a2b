"""What a scalar function of the dialect is, written down once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.values import Failure, Value


class ArgumentFault(Exception):
    """An argument is not one the function takes; ``index`` says which."""

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.index = index


@dataclass(frozen=True)
class Scalar:
    """A scalar function.

    Attributes
    ----------
    low, high
        How many arguments it takes.
    build
        Its Flink expression. Failures of the arguments are added by the caller. Raises `ArgumentFault`.
    python
        ``(SQL name, "module.object")`` of the Python function that the expression calls; None for plain SQL.
    """

    low: int
    high: int
    build: Callable[[Sequence[Value]], Value]
    python: tuple[str, str] | None = None


#: What kind of argument a letter of `simple` stands for.
_KINDS: Final = {"n": "a number", "s": "a text", "t": "a TIMESTAMP", "d": "a DATE, TIME or TIMESTAMP", "a": "any value"}


def simple(kinds: str, template: str, result: ColumnType | None, optional: int = 0) -> Scalar:
    """A function that is one expression of its arguments.

    Parameters
    ----------
    kinds
        A letter an argument: n a number, s a text, t a timestamp, d anything of time, a anything.
    template
        SQL with ``{0}``, ``{1}`` for the arguments and ``{all}`` for all with commas.
    result
        Its type; None: that of the first argument.
    optional
        How many of the last arguments may be left out (`template` has to use ``{all}`` then).
    """

    def build(values: Sequence[Value]) -> Value:
        check_kinds(values, kinds)
        given = [value.sql for value in values]
        return Value(template.format(*given, all=", ".join(given)), result or values[0].type)

    return Scalar(len(kinds) - optional, len(kinds), build)


def check_kinds(values: Sequence[Value], kinds: str) -> None:
    """Check arguments against the letters of `simple`.

    Raises
    ------
    ArgumentFault
        One is of another kind.
    """
    for index, (value, kind) in enumerate(zip(values, kinds, strict=False)):
        if not _fits(value, kind):
            got = "an interval" if value.unit else "a record" if value.fields else str(value.type)
            raise ArgumentFault(f"expected {_KINDS[kind]}, got {got}", index)


def _fits(value: Value, kind: str) -> bool:
    if value.unit is not None or value.fields is not None:
        return False
    if value.type is None or kind == "a":
        return True
    return {
        "n": value.type.is_numeric,
        "s": value.type.is_text,
        "t": value.type.name == "TIMESTAMP",
        "d": value.type.is_time,
    }[kind]


def fails_where(value: Value, condition: str, message: str) -> Value:
    """The value, with one more reason to fail."""
    return Value(value.sql, value.type, (*value.failures, Failure(condition, message)), value.unit, value.fields)


def literal_text(value: Value) -> str | None:
    """The text that a literal holds; None for anything else."""
    if len(value.sql) >= 2 and value.sql[0] == value.sql[-1] == "'" and "'" not in value.sql[1:-1].replace("''", ""):
        return value.sql[1:-1].replace("''", "'")
    return None


def constant_text(values: Sequence[Value], index: int, name: str) -> str:
    """The text that an argument is.

    Raises
    ------
    ArgumentFault
        It is not written out.
    """
    found = literal_text(values[index])
    if found is None:
        raise ArgumentFault(f"{name} must be a text that is written out, got {values[index].sql}", index)
    return found


def whole_literal(value: Value) -> int | None:
    """The whole number that a literal is; None for anything else."""
    return int(value.sql.strip("()")) if re.fullmatch(r"\d+|\(-\d+\)|-\d+", value.sql) else None
