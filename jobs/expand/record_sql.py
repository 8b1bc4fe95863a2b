"""SQL that reads one JSON record strictly: for each column its value, and whether it is what the column wants.

A record is parsed once, into a VARIANT; each field is taken out of it as JSON text, whose first letter tells its type,
and cast. Expressions are evaluated in stages, ``CROSS JOIN UNNEST(ARRAY[...])`` of one element each: Flink's planner
would merge projections and evaluate a shared expression once for every use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from jobs.expand import quote
from jobs.expand.crossing import precision_of
from jobs.sql.tables import Column
from udfs.functions.declaration import base_type
from udfs.record_check import time_pattern

_ISO = "yyyy-MM-dd'T'HH:mm:ss[.SSSSSSSSS][.SSSSSSSS][.SSSSSSS][.SSSSSS][.SSSSS][.SSSS][.SSS][.SS][.S]"
_SQL = _ISO.replace("'T'", " ")
#: Length of a time with three digits behind the second, in quotes.
_MILLISECONDS = len('"2026-03-02T12:00:00.000Z"')

#: Whole numbers, and how many digits any number of the type may have.
_WHOLE = {"TINYINT": 2, "SMALLINT": 4, "INT": 9, "BIGINT": 18}
#: The largest FLOAT is 3.40282346...E38: written shorter it would be refused itself.
_LARGEST = {"DOUBLE": "1.7976931348623157E308", "FLOAT": "3.4028235E38"}
_TEXTS = ("STRING", "VARCHAR", "CHAR")


@dataclass(frozen=True)
class FieldSql:
    """How one column comes out of a record.

    Parameters
    ----------
    name
        The column.
    value
        SQL of its value, NULL where the JSON text ``{0}`` is not of its type.
    """

    name: str
    value: str

    def is_right(self, json_text: str, required: bool) -> str:
        """SQL condition that the column, computed into its own name, is what it should be."""
        column = quote.name(self.name)
        if required:
            return f"{column} IS NOT NULL"
        return f"({column} IS NOT NULL OR {json_text} IS NULL OR {json_text} = 'null')"


def time_of(text: str, sql_type: str, sql_timestamps: bool) -> str:
    """SQL of a TIMESTAMP or TIMESTAMP_LTZ from a text.

    Flink reads more than the format says (a day alone, hour 24, a 30th of February as the 28th): `is_time` tells.
    """
    pattern = _SQL if sql_timestamps else _ISO
    if base_type(sql_type) == "TIMESTAMP_LTZ":
        return f"TO_TIMESTAMP_LTZ({text}, {quote.text(pattern + chr(39) + 'Z' + chr(39))}, 'UTC')"
    return f"TO_TIMESTAMP({text}, {quote.text(pattern)})"


def time_in_record(json_text: str, sql_type: str, sql_timestamps: bool) -> str:
    """SQL of the time in a JSON text that `is_time`; of any other text it is NULL or some time, and never an error.

    With three digits behind the second, as our feeds write them, it is put together from whole numbers: a formatter
    that takes none to nine digits tries nine patterns, and copies what it has read for each.
    """
    read = time_of(f"JSON_UNQUOTE({json_text})", sql_type, sql_timestamps)
    if base_type(sql_type) != "TIMESTAMP_LTZ":
        return read

    def number(start: int, length: int, worth: int) -> str:
        return f"TRY_CAST(SUBSTRING({json_text}, {start}, {length}) AS INT) * {worth}"

    day = f"TIMESTAMPDIFF(DAY, DATE '1970-01-01', TRY_CAST(SUBSTRING({json_text}, 2, 10) AS DATE))"
    of_day = " + ".join([number(13, 2, 3_600_000), number(16, 2, 60_000), number(19, 2, 1_000), number(22, 3, 1)])
    quick = f"TO_TIMESTAMP_LTZ(CAST({day} AS BIGINT) * 86400000 + {of_day}, 3)"
    return f"CASE WHEN CHAR_LENGTH({json_text}) = {_MILLISECONDS} THEN {quick} ELSE {read} END"


def is_time(json_text: str, sql_type: str, sql_timestamps: bool) -> str:
    """SQL condition that a JSON text is written as a time of this type, and that its day exists."""
    pattern = f'^"{time_pattern(sql_type, sql_timestamps)}"$'
    written = f"REGEXP({json_text}, {quote.text(pattern)})"
    if base_type(sql_type) == "TIME":
        return written
    day = f"SUBSTRING({json_text}, 10, 2) <= '28' OR TRY_CAST(SUBSTRING({json_text}, 2, 10) AS DATE) IS NOT NULL"
    return f"{written} AND ({day})"


def json_value(source: str, field: str) -> str:
    """SQL of a scalar field of a JSON text, straight from the bytes: what a watermark may use."""
    path = "$['" + field.replace("\\", "\\\\").replace("'", "\\'") + "']"
    return f"JSON_VALUE({source}, {quote.text(path)})"


def field_of(column: Column, sql_timestamps: bool) -> FieldSql | None:
    """How a column comes out of a record; None for a type that has no strict reading."""
    value = _value(column.sql_type, sql_timestamps)
    return None if value is None else FieldSql(column.name, value)


def finite(column: Column) -> str | None:
    """SQL condition that a floating point column is finite, NULL included; None for other types."""
    largest = _LARGEST.get(base_type(column.sql_type))
    if largest is None:
        return None
    name = quote.name(column.name)
    return f"({name} IS NULL OR ABS({name}) <= {largest})"


def _value(sql_type: str, sql_timestamps: bool) -> str | None:
    base = base_type(sql_type)
    quoted = "CASE WHEN {0} LIKE '\"%' THEN JSON_UNQUOTE({0}) END"
    if base in _TEXTS:
        unlimited = sql_type.upper() == "STRING"
        return quoted if unlimited else f"CAST({quoted} AS {sql_type})"
    if base == "DECIMAL":
        # straight to DECIMAL(3, 3) no text is cast, and 999.995 to a DECIMAL(5, 2) of 1000.00
        scale = re.findall(r"\d+", sql_type)[1:] or ["0"]
        return f"TRY_CAST(TRY_CAST({{0}} AS DECIMAL(38, {scale[0]})) AS {sql_type})"
    if base in ("DOUBLE", "FLOAT"):
        return f"TRY_CAST({{0}} AS {sql_type})"
    if base in _WHOLE:
        return f"CASE WHEN {{0}} NOT LIKE '%.%' AND {{0}} NOT LIKE '%E%' THEN TRY_CAST({{0}} AS {sql_type}) END"
    if base == "BOOLEAN":
        return "CASE {0} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"
    if base in ("TIMESTAMP", "TIMESTAMP_LTZ", "DATE", "TIME"):
        value = _time_value(sql_type, sql_timestamps)
        return value and f"CASE WHEN {is_time('{0}', sql_type, sql_timestamps)} THEN {value} END"
    if base == "ARRAY":
        return _array(sql_type, sql_timestamps)
    return None


def _time_value(sql_type: str, sql_timestamps: bool) -> str | None:
    """SQL of a time that `is_time`; None for a type finer than what Flink can make of an instant."""
    text, base = "JSON_UNQUOTE({0})", base_type(sql_type)
    if base in ("DATE", "TIME"):
        return f"TRY_CAST({text} AS {sql_type})"
    precision = precision_of(sql_type, 6)
    if base == "TIMESTAMP_LTZ" and precision <= 3:
        return f"CAST({time_in_record('{0}', sql_type, sql_timestamps)} AS {sql_type})"
    # those functions read milliseconds, a cast reads all
    plain = f"TRANSLATE({text}, 'TZ', ' ')"
    if base == "TIMESTAMP":
        return f"TRY_CAST({plain} AS {sql_type})"
    utc = f"TRY_CAST({plain} AS TIMESTAMP(6))"
    micros = f"EXTRACT(EPOCH FROM {utc}) * 1000000 + EXTRACT(MICROSECOND FROM {utc})"
    return f"CAST(TO_TIMESTAMP_LTZ({micros}, 6) AS {sql_type})" if precision <= 6 else None


def _array(sql_type: str, sql_timestamps: bool) -> str | None:
    element = _element(sql_type)
    if "<" in element or _value(element, sql_timestamps) is None:
        return None
    texts = "JSON_QUERY({0}, '$' RETURNING ARRAY<STRING>)"
    cast = f"TRY_CAST({texts} AS {sql_type})"
    if base_type(element) not in _WHOLE:
        return cast
    # Nothing but numbers that fit: split, which is several times as fast. No group is repeated in the patterns: a long
    # array would take Java's whole stack.
    fit = f"REGEXP({{0}}, '^\\[[-0-9,]+\\]$') AND NOT REGEXP({{0}}, '[0-9]{{{_WHOLE[base_type(element)] + 1}}}')"
    split = f"CAST(SPLIT(SUBSTRING({{0}}, 2, CHAR_LENGTH({{0}}) - 2), ',') AS {sql_type})"
    # 1.5 would become 1
    odd = f"CASE WHEN CAST({cast} AS STRING) = CAST({texts} AS STRING) THEN {cast} END"
    return f"CASE WHEN {fit} THEN {split} ELSE {odd} END"


def _element(sql_type: str) -> str:
    return sql_type.partition("<")[2].rpartition(">")[0].strip()
