"""Arithmetic with times and intervals: sums, differences, rounding, and the clocks of the dialect.

An interval is a number of milliseconds with the unit it is counted in; months and years are no intervals but moves.
"""

from __future__ import annotations

from typing import Final

from jobs.kinesis import tree
from jobs.kinesis.values import (
    DATE,
    TIME,
    TIMESTAMP,
    UNIT_MS,
    Failure,
    Value,
    cast,
    epoch_ms,
    from_epoch_ms,
)
from jobs.sql.located import LocatedText

#: Functions without arguments that tell the time.
CLOCKS: Final = ("CURRENT_TIMESTAMP", "CURRENT_ROW_TIMESTAMP", "LOCALTIMESTAMP", "CURRENT_DATE", "CURRENT_TIME")


def is_time(value: Value) -> bool:
    """Whether a value is a TIMESTAMP, DATE or TIME."""
    return value.type is not None and value.type.is_time


def combined(text: LocatedText, node: tree.Binary, left: Value, right: Value) -> Value:
    """``left + right`` and the like, where one of the two is a time or an interval.

    Raises
    ------
    SqlError
        It has no meaning.
    """
    operator, numbers = node.operator, {"left": _is_number(left), "right": _is_number(right)}
    if left.unit and right.unit and operator in "+-":
        return Value(f"({left.sql} {operator} {right.sql})", None, (), left.unit)
    if left.unit and numbers["right"] and operator in "*/":
        if operator == "*":
            return Value(f"CAST({left.sql} * {right.sql} AS BIGINT)", None, (), left.unit)
        divisor = Value(f"NULLIF({right.sql}, 0)", right.type)
        failures = () if right.sql.strip("0.") else (Failure(f"({right.sql} = 0)", "division by zero"),)
        return Value(f"CAST({left.sql} / {divisor.sql} AS BIGINT)", None, failures, left.unit)
    if numbers["left"] and right.unit and operator == "*":
        return Value(f"CAST({left.sql} * {right.sql} AS BIGINT)", None, (), right.unit)
    if is_time(left) and right.unit and operator in "+-":
        return _shifted(text, node, left, f"{operator} {right.sql}")
    if left.unit and is_time(right) and operator == "+":
        return _shifted(text, node, right, f"+ {left.sql}")
    if is_time(left) and is_time(right) and operator == "-":
        raise text.error("the difference of two times needs a unit: write (a - b) SECOND", node.start)
    shown = [str(side.type) if side.unit is None else "an interval" for side in (left, right)]
    raise text.error(f"{shown[0]} {operator} {shown[1]} has no meaning", node.start)


def _is_number(value: Value) -> bool:
    return value.unit is None and (value.type is None or value.type.is_numeric)


def _shifted(text: LocatedText, node: tree.Node, moment: Value, by: str) -> Value:
    if moment.type != TIMESTAMP:
        raise text.error(f"an interval can be added to a TIMESTAMP, got {moment.type}: CAST it", node.start)
    return Value(from_epoch_ms(f"({epoch_ms(moment.sql)} {by})"), TIMESTAMP)


def plus_months(text: LocatedText, node: tree.Binary, moment: Value, months: int) -> Value:
    """A time moved by months; a day that the month does not have becomes its last.

    Raises
    ------
    SqlError
        What is moved is no time.
    """
    if node.operator not in "+-" or not is_time(moment):
        raise text.error("an interval of months or years can only be added to a time", node.start)
    signed = months if node.operator == "+" else -months
    return Value(f"TIMESTAMPADD(MONTH, {signed}, {moment.sql})", moment.type, moment.failures)


def difference(text: LocatedText, node: tree.Difference, left: Value, right: Value) -> Value:
    """``(a - b) SECOND``: an interval.

    Raises
    ------
    SqlError
        A side is no time, or the unit has no fixed length.
    """
    sides = []
    for side, value in ((node.left, left), (node.right, right)):
        value = (cast(value, TIMESTAMP) or value) if value.type == DATE else value
        if value.type is not None and value.type != TIMESTAMP:
            raise text.error(f"(a - b) {node.unit} needs two times, got {value.type}", side.start)
        sides.append(value)
    if node.unit not in UNIT_MS:
        raise text.error(f"a difference of times in {node.unit} has no fixed length: take DAY or smaller", node.start)
    sql = f"({epoch_ms(sides[0].sql)} - {epoch_ms(sides[1].sql)})"
    return Value(sql, None, (), node.unit).failing(sides)


def rounded(text: LocatedText, node: tree.Rounded, operand: Value) -> Value:
    """``FLOOR(x TO unit)`` and ``CEIL(x TO unit)`` of a time or an interval.

    Raises
    ------
    SqlError
        It is neither, or an interval of the unit has no fixed length.
    """
    if operand.unit is not None:
        size = UNIT_MS.get(node.unit)
        if size is None:
            raise text.error(f"an interval cannot be rounded to {node.unit}", node.start)
        whole = f"({node.word}(CAST({operand.sql} AS DOUBLE) / {size}))"
        return Value(f"(CAST({whole} AS BIGINT) * {size})", None, operand.failures, node.unit)
    if operand.type is not None and not operand.type.is_time:
        raise text.error(f"{node.word} TO {node.unit} needs a time, got {operand.type}", node.start)
    return Value(f"{node.word}({operand.sql} TO {node.unit})", operand.type, operand.failures)


def stepped(text: LocatedText, node: tree.Step, operand: Value, step: int | None) -> Value:
    """``STEP(x BY size)``; `step` is the size where it is a whole number.

    Raises
    ------
    SqlError
        The size is not positive, or none that what is rounded can have.
    """
    if isinstance(node.size, tree.Interval):
        size = node.size.milliseconds
        if size is None or size <= 0:
            raise text.error(
                "the size of STEP is a positive interval of days, hours, minutes or seconds", node.size.start
            )
        if operand.type is not None and operand.type != TIMESTAMP:
            raise text.error(f"STEP by an interval needs a TIMESTAMP, got {operand.type}", node.operand.start)
        return Value(from_epoch_ms(_down(epoch_ms(operand.sql), size)), TIMESTAMP, operand.failures)
    if step is None or step <= 0:
        raise text.error("the size of STEP is an interval or a whole number above 0, written out", node.size.start)
    if operand.type is not None and not operand.type.is_integer:
        raise text.error(f"STEP by a number needs a whole number, got {operand.type}", node.operand.start)
    return Value(_down(operand.sql, step), operand.type, operand.failures)


def _down(sql: str, size: int) -> str:
    """A whole number rounded down to a multiple, also below zero."""
    return f"({sql} - MOD(MOD({sql}, {size}) + {size}, {size}))"


def of_the_row(text: LocatedText, node: tree.Call, rowtime: str | None) -> Value:
    """The time of the row: every clock of the dialect goes by ROWTIME here, so that a replay gives the same.

    Raises
    ------
    SqlError
        There is no ROWTIME: a reference table has none.
    """
    name = node.function
    if rowtime is None:
        raise text.error(f"{name} needs a stream: a reference table has no time", node.start)
    moment = f"CAST({rowtime} AS TIMESTAMP(3))"
    if name == "CURRENT_DATE":
        return Value(f"CAST({moment} AS DATE)", DATE)
    return Value(f"CAST({moment} AS TIME(3))", TIME) if name == "CURRENT_TIME" else Value(moment, TIMESTAMP)
