"""Telling which expressions are ROWTIME rounded down, however they are spelled.

STEP(ROWTIME BY INTERVAL '10' SECOND), FLOOR(ROWTIME TO MINUTE) and
FLOOR((ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 10 TO SECOND) all stay the same for a while and then go up:
they are what a tumbling window of the dialect is made of, also under an alias and with arithmetic around.
"""

from __future__ import annotations

import math
from typing import Final

from jobs.errors import SqlError
from jobs.kinesis import tree
from jobs.kinesis.scope import ARRIVAL, ROWTIME, Scope

_FIXED: Final = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}
_EPOCH: Final = ("1970-01-01 00:00:00", "1970-01-01")


def floor_ms(node: tree.Expression, scope: Scope) -> int | None:
    """To what multiple of milliseconds an expression rounds ROWTIME down; 1 is ROWTIME itself; None: it is another.

    Raises
    ------
    SqlError
        It is ROWTIME rounded in a way that makes no window of a fixed length.
    """
    if isinstance(node, tree.Name):
        return scope.find(node).floor_ms
    if isinstance(node, tree.Call) and node.function == "MONOTONIC" and len(node.arguments) == 1:
        return _monotonic(node, scope)
    if isinstance(node, tree.Step):
        inner = floor_ms(node.operand, scope)
        if inner is None or not isinstance(node.size, tree.Interval) or not node.size.milliseconds:
            return None
        return _nested(inner, node.size.milliseconds, node, scope)
    if isinstance(node, tree.Rounded) and node.word == "FLOOR":
        return _rounded(node, scope)
    if isinstance(node, tree.Difference):
        is_epoch = isinstance(node.right, tree.Moment) and node.right.value in _EPOCH
        return floor_ms(node.left, scope) if is_epoch else None
    if isinstance(node, tree.Cast):
        return floor_ms(node.operand, scope)
    if isinstance(node, tree.Binary) and node.operator in ("+", "-", "*", "/"):
        return _arithmetic(node, scope)
    return None


def _rounded(node: tree.Rounded, scope: Scope) -> int | None:
    operand: tree.Expression = node.operand
    times = 1
    if isinstance(operand, tree.Binary) and operand.operator == "/" and isinstance(operand.left, tree.Difference):
        divisor = operand.right
        if not isinstance(divisor, tree.Number) or not divisor.text.isdigit():
            return None
        operand, times = operand.left, int(divisor.text)
    inner = floor_ms(operand, scope)
    if inner is None:
        return None
    size = _FIXED.get(node.unit)
    if size is None:
        raise scope.text.error(
            f"a window of one {node.unit} has no fixed length in Flink: take DAY or smaller, or STEP by an interval",
            node.start,
        )
    return _nested(inner, size * times, node, scope)


def _nested(inner: int, size: int, node: tree.Node, scope: Scope) -> int:
    if size % inner:
        raise scope.text.error(
            f"this rounds a time that was rounded to {inner} ms before to {size} ms, which is no multiple of it",
            node.start,
        )
    return size


def _arithmetic(node: tree.Binary, scope: Scope) -> int | None:
    """Arithmetic with constants keeps a rounded time a rounded time."""
    found = [floor_ms(side, scope) for side in (node.left, node.right)]
    times = [each for each in found if each is not None]
    if len(times) != 1 or times[0] == 1:
        return None
    other = node.right if found[0] is not None else node.left
    constant = isinstance(other, tree.Number | tree.Interval | tree.Moment)
    return times[0] if constant else None


def _monotonic(node: tree.Call, scope: Scope) -> int:
    found = floor_ms(node.arguments[0], scope)
    if found is None:
        raise scope.text.error(
            "MONOTONIC holds for ROWTIME only: Flink's windows go by the time of the source. Name the column as "
            'rowtime = "..." under [sources] and group by ROWTIME',
            node.start,
        )
    return found


def window_ms(terms: list[tuple[tree.Expression, int]], scope: Scope) -> int:
    """The length of the window that several rounded times make.

    Raises
    ------
    SqlError
        One is no multiple of the shortest.
    """
    shortest = min(size for _, size in terms)
    for node, size in terms:
        if math.gcd(size, shortest) != shortest:
            raise scope.text.error(
                f"two windows, of {shortest} ms and {size} ms: the longer must be a multiple of the shorter", node.start
            )
    return shortest


def no_window(scope: Scope, what: str, start: int) -> SqlError:
    """The error for something that needs a window and has none."""
    columns = {column.name for column in scope.all_columns}
    arrival = f" ({ARRIVAL} goes too where ROWTIME is the time of arrival)" if ARRIVAL in columns else ""
    return scope.text.error(
        f"{what} over a stream needs an expression of {ROWTIME} that only goes up, such as "
        f"STEP({ROWTIME} BY INTERVAL '60' SECOND) or FLOOR({ROWTIME} TO MINUTE){arrival}",
        start,
    )
