"""What an expression says of the types of the columns in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from jobs.kinesis import tree
from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.functions import log_parsers, numbers
from jobs.kinesis.source_tables import IMPLICIT_COLUMNS
from jobs.kinesis.time_arithmetic import CLOCKS

_DOUBLE: Final = ColumnType("DOUBLE")
_TIMESTAMP: Final = ColumnType("TIMESTAMP")
_TEXT: Final = ColumnType("VARCHAR", length=64)
_LINE: Final = ColumnType("VARCHAR", length=1024)

_ARITHMETIC: Final = frozenset("+-*/")
_COMPARISONS: Final = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
_OF_WHOLE_NUMBERS: Final = frozenset({"MOD"})
_OF_NUMBERS: Final = (
    frozenset({"SUM", "AVG", "STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP"} | set(numbers.SCALARS))
    - _OF_WHOLE_NUMBERS
    - {"COALESCE", "NULLIF", "GREATEST", "LEAST"}
)
_OF_TEXTS: Final = frozenset(
    {"UPPER", "LOWER", "INITCAP", "CHAR_LENGTH", "CHARACTER_LENGTH", "SUBSTRING", "POSITION", "OVERLAY", "TRIM"}
    | {"REGEX_REPLACE", "CHAR_TO_TIMESTAMP", "CHAR_TO_DATE", "CHAR_TO_TIME"}
)
_OF_LINES: Final = frozenset(log_parsers.SCALARS)
_OF_ANY: Final = frozenset({"MIN", "MAX", "LAG", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE", "COALESCE", "NULLIF"})
_OF_MILLISECONDS: Final = frozenset({"TO_TIMESTAMP"})
_OF_TIMES: Final = frozenset({"UNIX_TIMESTAMP", "TSDIFF", "TIMESTAMP_TO_CHAR"})
_GROUPS: Final = (
    (_OF_NUMBERS, _DOUBLE),
    (_OF_WHOLE_NUMBERS, ColumnType("INTEGER")),
    (_OF_TEXTS, _TEXT),
    (_OF_LINES, _LINE),
    (_OF_TIMES, _TIMESTAMP),
    (_OF_MILLISECONDS, ColumnType("BIGINT")),
)


@dataclass(frozen=True)
class Guess:
    """A type that a column may have.

    Attributes
    ----------
    type, why
        The type, and what speaks for it.
    rank
        The smaller, the surer: 1 inserted into a column of the type, 9 nothing known.
    column
        The name of the column it goes into.
    """

    type: ColumnType
    why: str
    rank: int
    column: str = ""


def used_types(expression: tree.Expression, wanted: Guess | None = None) -> dict[int, Guess]:
    """A guess for each name in an expression that something is said of, by the ``id`` of its node.

    ``wanted`` is what is said of the expression as a whole; MIN, LAG, COALESCE and the like hand it on.
    """
    found: dict[int, Guess] = {}
    for name, guess in (*_guesses(expression), *_handed_on(expression, wanted)):
        known = found.get(id(name))
        if known is None or guess.rank < known.rank:
            found[id(name)] = guess
    return found


def _handed_on(expression: tree.Expression, wanted: Guess | None) -> Iterator[tuple[tree.Name, Guess]]:
    """What the value of an expression is, its parts are."""
    if wanted is None:
        return
    wanted = replace(wanted, rank=max(wanted.rank, 2))
    if isinstance(expression, tree.Call) and expression.function in _OF_ANY:
        yield from _if_name(expression.arguments[0], wanted)
    elif isinstance(expression, tree.Case):
        for _, value in expression.branches:
            yield from _if_name(value, wanted)


def equal_names(expression: tree.Node) -> Iterator[tuple[tree.Name, tree.Name]]:
    """The pairs of columns that are compared with each other."""
    if isinstance(expression, tree.Binary) and expression.operator in _COMPARISONS:
        left, right = expression.left, expression.right
        if isinstance(left, tree.Name) and isinstance(right, tree.Name):
            yield left, right
    for child in tree.children(expression):
        if not isinstance(child, tree.Query):
            yield from equal_names(child)


def _guesses(node: tree.Node) -> Iterator[tuple[tree.Name, Guess]]:
    if isinstance(node, tree.Binary):
        yield from _of_operator(node)
    elif isinstance(node, tree.Between):
        for side in (node.low, node.high):
            yield from _compared(node.operand, side, exact=False)
    elif isinstance(node, tree.In):
        for value in node.values:
            yield from _compared(node.operand, value, exact=True)
    elif isinstance(node, tree.Like):
        yield from _if_name(node.operand, Guess(_TEXT, f"compared by {node.word}", 3))
    elif isinstance(node, tree.Rounded):
        yield from _if_name(node.operand, Guess(_TIMESTAMP, f"rounded by {node.word} TO {node.unit}", 2))
    elif isinstance(node, tree.Step):
        interval = isinstance(node.size, tree.Interval)
        kind = _TIMESTAMP if interval else ColumnType("INTEGER")
        yield from _if_name(node.operand, Guess(kind, "rounded by STEP", 2))
    elif isinstance(node, tree.Difference):
        for side in (node.left, node.right):
            yield from _if_name(side, Guess(_TIMESTAMP, f"a difference of times in {node.unit}", 2))
    elif isinstance(node, tree.Extract):
        yield from _if_name(node.operand, Guess(_TIMESTAMP, "EXTRACT takes a part of it", 2))
    elif isinstance(node, tree.Call):
        yield from _of_call(node)
    for child in tree.children(node):
        if not isinstance(child, tree.Query):
            yield from _guesses(child)


def _of_operator(node: tree.Binary) -> Iterator[tuple[tree.Name, Guess]]:
    if node.operator in _COMPARISONS:
        exact = node.operator in ("=", "<>", "!=")
        yield from _compared(node.left, node.right, exact=exact)
        yield from _compared(node.right, node.left, exact=exact)
    elif node.operator == "||":
        for side in (node.left, node.right):
            yield from _if_name(side, Guess(_TEXT, "joined by ||", 4))
    elif node.operator in _ARITHMETIC:
        for side, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(other, tree.Interval | tree.Moment):
                yield from _if_name(side, Guess(_TIMESTAMP, "reckoned with as a time", 3))
            else:
                yield from _if_name(side, Guess(_DOUBLE, f"reckoned with: {node.operator}", 5))


def _of_call(node: tree.Call) -> Iterator[tuple[tree.Name, Guess]]:
    if node.function == "LAG" and len(node.arguments) == 3:
        yield from _compared(node.arguments[0], node.arguments[2], exact=False)
    for kinds, kind in _GROUPS:
        if node.function.split()[0] in kinds:
            for argument in node.arguments:
                yield from _if_name(argument, Guess(kind, f"given to {node.function.split()[0]}", 4))


def _compared(side: tree.Expression, other: tree.Expression, *, exact: bool) -> Iterator[tuple[tree.Name, Guess]]:
    """``exact``: what is equal to a whole number is one; what is above it may be anything."""
    if isinstance(other, tree.Unary) and other.operator == "-":
        other = other.operand
    if isinstance(other, tree.Number):
        kind = ColumnType("INTEGER") if exact and other.text.isdigit() else _DOUBLE
        yield from _if_name(side, Guess(kind, f"compared with {other.text}", 3))
    elif isinstance(other, tree.Text):
        length = max(16, 2 ** math.ceil(math.log2(max(len(other.value), 1))))
        yield from _if_name(side, Guess(ColumnType("VARCHAR", length=length), f"compared with '{other.value}'", 3))
    elif isinstance(other, tree.Truth) and other.value is not None:
        yield from _if_name(side, Guess(ColumnType("BOOLEAN"), "compared with TRUE or FALSE", 3))
    elif isinstance(other, tree.Moment):
        yield from _if_name(side, Guess(ColumnType(other.kind), f"compared with a {other.kind}", 3))
    elif _is_time(other):
        yield from _if_name(side, Guess(_TIMESTAMP, "compared with a time", 3))


def _is_time(node: tree.Expression) -> bool:
    if isinstance(node, tree.Name):
        return node.parts[-1] in IMPLICIT_COLUMNS
    if isinstance(node, tree.Binary):
        return isinstance(node.right, tree.Interval) and (node.operator in "+-")
    if isinstance(node, tree.Call):
        return node.function in CLOCKS or node.function in ("TO_TIMESTAMP", "CHAR_TO_TIMESTAMP")
    return isinstance(node, tree.Rounded)


def _if_name(node: tree.Expression, guess: Guess) -> Iterator[tuple[tree.Name, Guess]]:
    if isinstance(node, tree.Name):
        yield node, guess
