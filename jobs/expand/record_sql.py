"""SQL that reads one JSON record strictly: for each column its value, and whether it is what the column wants.

A record is parsed once, into a VARIANT; each field is taken out of it as JSON text, whose first letter tells its type,
and cast. Expressions are evaluated in stages, ``CROSS JOIN UNNEST(ARRAY[...])`` of one element each: Flink's planner
would merge projections and evaluate a shared expression once for every use.
"""

from __future__ import annotations

from dataclasses import dataclass

from jobs.expand import quote
from jobs.sql.tables import Column
from udfs.functions.declaration import base_type

_ISO = "yyyy-MM-dd'T'HH:mm:ss[.SSSSSSSSS][.SSSSSSSS][.SSSSSSS][.SSSSSS][.SSSSS][.SSSS][.SSS][.SS][.S]"
_SQL = _ISO.replace("'T'", " ")

_WHOLE = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_LARGEST = {"DOUBLE": "1.7976931348623157E308", "FLOAT": "3.4028234E38"}
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


def time_of(json_value: str, sql_type: str, sql_timestamps: bool) -> str:
    """SQL of a time attribute from its JSON text; NULL where it is none, or has no zone where one is needed."""
    pattern = _SQL if sql_timestamps else _ISO
    if base_type(sql_type) == "TIMESTAMP_LTZ":
        return f"TO_TIMESTAMP_LTZ({json_value}, {quote.text(pattern + chr(39) + 'Z' + chr(39))}, 'UTC')"
    return f"TO_TIMESTAMP({json_value}, {quote.text(pattern)})"


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
    if base in ("DOUBLE", "FLOAT", "DECIMAL"):
        return f"TRY_CAST({{0}} AS {sql_type})"
    if base in _WHOLE:
        return (
            f"CASE WHEN {{0}} NOT LIKE '%.%' AND {{0}} NOT LIKE '%E%' THEN TRY_CAST({{0}} AS {sql_type}) END"
        )
    if base == "BOOLEAN":
        return "CASE {0} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"
    if base == "TIMESTAMP_LTZ":
        return f"CAST({time_of('JSON_UNQUOTE({0})', sql_type, sql_timestamps)} AS {sql_type})"
    if base in ("TIMESTAMP", "DATE", "TIME"):
        return f"CASE WHEN {{0}} LIKE '\"%' THEN TRY_CAST(JSON_UNQUOTE({{0}}) AS {sql_type}) END"
    if (
        base == "ARRAY"
        and _value(_element(sql_type), sql_timestamps) is not None
        and "<" not in _element(sql_type)
    ):
        return f"TRY_CAST(JSON_QUERY({{0}}, '$' RETURNING ARRAY<STRING>) AS {sql_type})"
    return None


def _element(sql_type: str) -> str:
    return sql_type.partition("<")[2].rpartition(">")[0].strip()
