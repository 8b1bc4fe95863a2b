"""Flink SQL with a type: what an expression of Kinesis SQL becomes.

An expression that can fail for some rows (a division by zero, a text that is no number) is written so that Flink gives
NULL instead of failing the job, and carries the condition under which it fails: such rows go to the error stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from jobs.expand import quote
from jobs.kinesis.column_types import ColumnType

BOOLEAN: Final = ColumnType("BOOLEAN")
INTEGER: Final = ColumnType("INTEGER")
BIGINT: Final = ColumnType("BIGINT")
DOUBLE: Final = ColumnType("DOUBLE")
DECIMAL: Final = ColumnType("DECIMAL")
VARCHAR: Final = ColumnType("VARCHAR")
TIMESTAMP: Final = ColumnType("TIMESTAMP")
DATE: Final = ColumnType("DATE")
TIME: Final = ColumnType("TIME")

_RANGES: Final = {"TINYINT": 2**7, "SMALLINT": 2**15, "INTEGER": 2**31, "BIGINT": 2**63}
_WIDTH: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "REAL", "DOUBLE")
UNIT_MS: Final = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000, "WEEK": 604_800_000}


#: Stands in the SQL of a record's field for the record.
RECORD: Final = "\0"


@dataclass(frozen=True)
class Failure:
    """When a row fails, as SQL that is TRUE then, and why, as the error stream says it."""

    condition: str
    message: str


@dataclass(frozen=True)
class Value:
    """A Flink expression.

    Attributes
    ----------
    sql
        As it stands inside of any other expression.
    type
        Its type in the dialect; None where it has none (NULL, a record) or it is not known.
    failures
        When it fails.
    unit
        Of an interval, which is a BIGINT of milliseconds here: SECOND, MINUTE, HOUR, DAY or WEEK.
    fields
        Of a record: SQL and type of each field by name. The value itself is the text that the fields are read from,
        and `RECORD` stands for it in their SQL: so a field is computed where it is used, and only there. (As a ROW
        Flink's planner would compute the whole record again for each field of it.)
    is_field
        Whether it is a field of such a record, which goes into a text whatever it was taken for.
    """

    sql: str
    type: ColumnType | None
    failures: tuple[Failure, ...] = ()
    unit: str | None = None
    fields: Mapping[str, tuple[str, ColumnType]] | None = None
    is_field: bool = False

    @property
    def is_null(self) -> bool:
        """Whether it is the literal NULL."""
        return self.sql == "NULL"

    def failing(self, values: Iterable[Value]) -> Value:
        """The same, failing where one of the others does too."""
        failures = dict.fromkeys([*(failure for value in values for failure in value.failures), *self.failures])
        return replace(self, failures=tuple(failures))


def guarded(condition: str, values: Iterable[Value]) -> tuple[Failure, ...]:
    """The failures of values that count only where a condition is TRUE."""
    return tuple(Failure(f"({condition}) AND {f.condition}", f.message) for v in values for f in v.failures)


def text_literal(value: str) -> Value:
    """A text; what looks like a placeholder of a pipeline file is none."""
    return Value(quote.text(value.replace("${", "$${")), ColumnType("VARCHAR", length=max(len(value), 1)))


def number_literal(text: str) -> Value:
    """A number as it is written."""
    if "e" in text.lower():
        return Value(text, DOUBLE)
    if "." in text:
        digits, scale = len(text.replace(".", "").lstrip("0")), len(text.partition(".")[2])
        return Value(text, ColumnType("DECIMAL", precision=min(max(digits, scale, 1), 19), scale=min(scale, 19)))
    return Value(text, INTEGER if int(text) < 2**31 else BIGINT)


def wider(types: Iterable[ColumnType | None]) -> ColumnType | None:
    """The type that holds the values of all of these; None where there is none or it is not known."""
    known = [each for each in types if each is not None]
    if not known:
        return None
    first = known[0]
    if all(each.is_numeric for each in known):
        widest = max(known, key=lambda each: _WIDTH.index(each.name))
        if widest.name == "DECIMAL" or all(each == widest for each in known):
            return widest
        return ColumnType(widest.name)
    if all(each.is_text for each in known):
        lengths = [each.length for each in known]
        return VARCHAR if None in lengths else ColumnType("VARCHAR", length=max(n for n in lengths if n is not None))
    return first if all(each.name == first.name for each in known) else None


def epoch_ms(sql: str) -> str:
    """SQL of the milliseconds since 1970 of a TIMESTAMP."""
    return f"(EXTRACT(EPOCH FROM {sql}) * 1000 + EXTRACT(MILLISECOND FROM {sql}))"


def from_epoch_ms(sql: str) -> str:
    """SQL of the TIMESTAMP of milliseconds since 1970; Cutbank's jobs run in UTC."""
    return f"CAST(TO_TIMESTAMP_LTZ({sql}, 3) AS TIMESTAMP(3))"


def assignable(source: ColumnType, target: ColumnType) -> bool:
    """Whether a value may go into a column of the type without a CAST."""
    if source.is_numeric and target.is_numeric:
        return True
    if source.is_text and target.is_text:
        return True
    binary = ("BINARY", "VARBINARY")
    return source.name == target.name or (source.name in binary and target.name in binary)


def cast(value: Value, target: ColumnType) -> Value | None:
    """The value in another type; None where the dialect has no such cast.

    A fraction is cut off towards zero. What does not fit fails the row.
    """
    source = value.type
    flink = target.flink
    if value.unit is not None:
        if not target.is_integer:
            return None
        whole = Value(f"({value.sql} / {UNIT_MS[value.unit]})", BIGINT, value.failures)
        return cast(whole, target)
    if value.is_null or source is None:
        return Value(f"CAST({value.sql} AS {flink})", target, value.failures)
    if source == target:
        return value
    plain = Value(f"CAST({value.sql} AS {flink})", target, value.failures)
    if source.is_numeric and target.is_numeric:
        return _number_to_number(value, source, target, plain)
    if source.is_text and target.is_text:
        return plain
    if source.is_text:
        return _text_to(value, target)
    if target.is_text:
        return plain
    if source.is_time and target.is_time:
        return None if {source.name, target.name} == {"DATE", "TIME"} else plain
    if source.name == target.name or {source.name, target.name} <= {"BINARY", "VARBINARY"}:
        return plain
    if source.name == "BOOLEAN" and target.is_integer:
        return Value(f"CASE WHEN {value.sql} THEN 1 WHEN NOT {value.sql} THEN 0 END", INTEGER, value.failures)
    return None


def _number_to_number(value: Value, source: ColumnType, target: ColumnType, plain: Value) -> Value:
    if target.is_integer:
        fits = source.is_integer and _RANGES[source.name] <= _RANGES[target.name]
        if fits:
            return plain
        high = _RANGES[target.name]
        # cut off towards zero, so up to one beyond the range is still inside
        if source.is_integer or (source.name == "DECIMAL" and target.name == "BIGINT"):
            low_text, high_text = f"({value.sql} < {-high})", f"({value.sql} > {high - 1})"
        elif target.name == "BIGINT":
            low_text, high_text = (
                f"({value.sql} < -9.223372036854775808E18)",
                f"({value.sql} >= 9.223372036854775808E18)",
            )
        else:
            low_text, high_text = f"({value.sql} <= {-high - 1})", f"({value.sql} >= {high})"
        failure = Failure(f"({low_text} OR {high_text})", f"value out of range of {target}")
        return replace(plain, failures=(*value.failures, failure))
    if target.name == "DECIMAL":
        tried = f"TRY_CAST({value.sql} AS {target.flink})"
        failure = Failure(f"({value.sql} IS NOT NULL AND {tried} IS NULL)", f"value out of range of {target}")
        return Value(tried, target, (*value.failures, failure))
    return plain


def _text_to(value: Value, target: ColumnType) -> Value | None:
    if target.name in ("BINARY", "VARBINARY"):
        return None
    trimmed = f"TRIM({value.sql})"
    if target.is_time:
        trimmed = f"REPLACE(REPLACE({trimmed}, 'T', ' '), 'Z', '')"
    tried = f"TRY_CAST({trimmed} AS {target.flink})"
    failure = Failure(f"({value.sql} IS NOT NULL AND {tried} IS NULL)", f"a text that is no {target}")
    return Value(tried, target, (*value.failures, failure))
