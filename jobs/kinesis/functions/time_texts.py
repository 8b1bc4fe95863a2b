"""Times read from texts and written as texts, by patterns of SimpleDateFormat; and EXTRACT.

Source: "Datetime Conversion Functions" and "EXTRACT" of AWS's SQL reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.functions.declaration import ArgumentFault, Scalar, check_kinds, constant_text, fails_where
from jobs.kinesis.functions.time_reading import read_time
from jobs.kinesis.functions.time_writing import write_time
from jobs.kinesis.values import BIGINT, DATE, TIME, TIMESTAMP, UNIT_MS, VARCHAR, Value

EXTRACTED: Final = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")

_SECONDS: Final = ColumnType("DECIMAL", precision=5, scale=3)


def _char_to(kind: ColumnType) -> Scalar:
    """A row whose text does not fit its pattern fails, as in AWS's examples."""

    def build(values: Sequence[Value]) -> Value:
        check_kinds(values, "ss")
        pattern, text = constant_text(values, 0, "the pattern"), values[1].sql
        try:
            time = read_time(text, pattern)
        except ValueError as error:
            raise ArgumentFault(str(error), 0) from error
        sql = time.sql if kind == TIMESTAMP else f"CAST({time.sql} AS {kind.flink})"
        return fails_where(Value(sql, kind), time.fails, f"a text that does not fit the pattern {pattern}")

    return Scalar(2, 2, build)


def _to_char(kind: ColumnType, null: str | None = None) -> Scalar:
    """``null`` is what a missing time is written as."""

    def build(values: Sequence[Value]) -> Value:
        pattern, time = constant_text(values, 0, "the pattern"), values[1]
        check_kinds(values, "sd")
        if time.type is not None and time.type != kind:
            raise ArgumentFault(f"expected a {kind}, got {time.type}", 1)
        try:
            written = write_time(time.sql if kind == TIMESTAMP else f"CAST({time.sql} AS TIMESTAMP(3))", pattern)
        except ValueError as error:
            raise ArgumentFault(str(error), 0) from error
        return Value(written if null is None else f"COALESCE({written}, '{null}')", VARCHAR)

    return Scalar(2, 2, build)


def extract(unit: str, time: Value) -> Value:
    """EXTRACT: a whole number, but for SECOND, which has the milliseconds.

    Parameters
    ----------
    unit
        One of YEAR, MONTH, DAY, HOUR, MINUTE, SECOND.
    time
        A DATE, TIME or TIMESTAMP, or an interval: milliseconds, with a ``unit``.

    Raises
    ------
    ArgumentFault
        Another unit, or a value that has no such part.
    """
    if unit not in EXTRACTED:
        raise ArgumentFault(f"expected one of {', '.join(EXTRACTED)}, got {unit}")
    if time.unit is not None:
        return _of_interval(unit, time.sql)
    check_kinds((time,), "d")
    # Flink finds hours, minutes and seconds in a DATE
    sql = f"CAST({time.sql} AS TIMESTAMP(3))" if time.type == DATE else time.sql
    if unit != "SECOND":
        return Value(f"EXTRACT({unit} FROM {sql})", BIGINT)
    return _thousandths(f"EXTRACT(SECOND FROM {sql}) * 1000 + EXTRACT(MILLISECOND FROM {sql})")


def _of_interval(unit: str, milliseconds: str) -> Value:
    above = {"HOUR": "DAY", "MINUTE": "HOUR", "SECOND": "MINUTE"}
    if unit not in UNIT_MS:
        raise ArgumentFault(f"an interval of days and times has no {unit}")
    rest = f"MOD({milliseconds}, {UNIT_MS[above[unit]]})" if unit in above else milliseconds
    if unit == "SECOND":
        return _thousandths(rest)
    return Value(f"CAST({rest} / {UNIT_MS[unit]} AS BIGINT)", BIGINT)


def _thousandths(sql: str) -> Value:
    return Value(f"CAST(({sql}) / 1000.000 AS {_SECONDS.flink})", _SECONDS)


SCALARS: Final[Mapping[str, Scalar]] = {
    "CHAR_TO_TIMESTAMP": _char_to(TIMESTAMP),
    "CHAR_TO_DATE": _char_to(DATE),
    "CHAR_TO_TIME": _char_to(TIME),
    # the reference: "if the input is null, the output will be the string null"
    "TIMESTAMP_TO_CHAR": _to_char(TIMESTAMP, null="null"),
    "DATE_TO_CHAR": _to_char(DATE),
    "TIME_TO_CHAR": _to_char(TIME),
}
