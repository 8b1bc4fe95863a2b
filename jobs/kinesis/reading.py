"""From a record to a row of a source stream: the coercions of Kinesis Data Analytics, and the rows that fail them.

Source: "Mapping Streaming Source Elements to SQL Input Columns" of AWS's developer guide.
"""

from __future__ import annotations

from typing import Final

from jobs.expand import quote
from jobs.kinesis.context import Context, Piece, Stream, error_select, simple_name
from jobs.kinesis.json_path import EACH, JsonPath
from jobs.kinesis.outside import ARRIVED, RECORD, csv_fields, json_value, plain_time, source_ddl
from jobs.kinesis.scope import ARRIVAL, ROWTIME, Column
from jobs.kinesis.source_tables import Source, SourceColumn
from jobs.kinesis.values import TIMESTAMP, Failure, Value

#: Types that stay what they are when some values are written as INT.
_TAKES_INT: Final = ("INTEGER", "BIGINT", "DOUBLE")


def source_stream(source: Source, view: str) -> Stream:
    """A source stream as pumps read it."""
    columns = [Column(c.name, Value(quote.name(c.name), c.type)) for c in source.columns]
    if not any(column.name == ARRIVAL for column in columns):
        # where ROWTIME is the record's own timestamp the two are one
        floor = 1 if source.rowtime is None else None
        columns.append(Column(ARRIVAL, Value(quote.name(ARRIVAL), TIMESTAMP), floor, True))
    return Stream(source.name, view, tuple(columns))


def reading_pieces(context: Context, source: Source, view: str) -> list[Piece]:
    """The statements that make a source stream: its records, their texts, its rows."""
    records = context.new_name(f"{simple_name(source.name)}_records")
    texts = context.new_name(f"{simple_name(source.name)}_texts")
    title = f"{source.name}: the records of topic {source.topic}"
    pieces = [Piece(source_ddl(context.place, source, records), None, title)]
    pieces.append(Piece(f"CREATE VIEW {quote.name(texts)} AS\n{_texts(context, source, records)}", None))
    failures = [failure for column in source.columns for failure in _failures(column)]
    if source.format == "json":
        readable = f"({quote.name(RECORD)} IS JSON OBJECT)"
        failures.insert(0, Failure(f"{readable} IS NOT TRUE", "the record is no JSON object"))
    if context.goes_by_time:
        late = f"{quote.name(ROWTIME)} <= CURRENT_WATERMARK({quote.name(ROWTIME)})"
        failures.append(Failure(f"({late})", "the row came later than the watermark allows"))
    values = [f"{_value(c)} AS {quote.name(c.name)}" for c in source.columns]
    if not any(column.name == ARRIVAL for column in source.columns):
        values.append(f"CAST({quote.name(ARRIVED)} AS TIMESTAMP(3)) AS {quote.name(ARRIVAL)}")
    select = ",\n  ".join([quote.name(ROWTIME), *values])
    sql = f"SELECT {select}\nFROM {quote.name(texts)}"
    if failures:
        unfit = "\n  OR ".join(failure.condition for failure in failures)
        sql += f"\nWHERE ({unfit}) IS NOT TRUE"
        branches = " ".join(f"WHEN {f.condition} THEN {quote.text(f.message)}" for f in failures)
        context.errors.append(
            error_select(quote.name(ROWTIME), "'record'", f"CASE {branches} END", f"HEX({_data(source)})", source.name)
            + f"\nFROM {quote.name(texts)}\nWHERE {unfit}"
        )
    pieces.append(Piece(f"CREATE VIEW {quote.name(view)} AS\n{sql}", None))
    return pieces


def _data(source: Source) -> str:
    if source.format == "json":
        return quote.name(RECORD)
    fields = ", ".join(f"COALESCE({quote.name(field)}, '')" for field in csv_fields(source))
    return f"CONCAT_WS({quote.text(source.delimiter)}, {fields})"


def _texts(context: Context, source: Source, records: str) -> str:
    """Every column as the text that stands in the record."""
    _, arrived, _ = context.place.reading(source)
    kept = [quote.name(ROWTIME)]
    kept.append(arrived if arrived == quote.name(ARRIVED) else f"{arrived} AS {quote.name(ARRIVED)}")
    if source.format == "csv":
        fields = [quote.name(field) for field in csv_fields(source)]
        return f"SELECT {', '.join([*kept, *fields])}\nFROM {quote.name(records)}"
    kept.append(quote.name(RECORD))
    for column in source.columns:
        assert column.path is not None
        kept.append(f"{_text_at(column, column.path)} AS {quote.name(_text_name(column))}")
    joined = ""
    if source.unrolled is not None:
        array = f"JSON_QUERY({quote.name(RECORD)}, {quote.text(str(source.unrolled))} RETURNING ARRAY<STRING>)"
        # an array without elements, or none at all, still gives one row
        joined = f"\nLEFT JOIN UNNEST({array}) AS `element`(`element`) ON TRUE"
    return "SELECT " + ",\n  ".join(kept) + f"\nFROM {quote.name(records)}{joined}"


def _text_at(column: SourceColumn, path: JsonPath) -> str:
    source = quote.name(RECORD)
    unrolled = path.unrolled
    if unrolled is not None:
        source, path = "`element`.`element`", JsonPath(path.steps[len(unrolled.steps) + 1 :])
    elif path.steps and path.steps[-1] is EACH:
        path = JsonPath(path.steps[:-1])
    scalar = json_value(source, path)
    if column.type.is_text:
        return f"COALESCE({scalar}, JSON_QUERY({source}, {quote.text(str(path))}))"
    return scalar


def _text_name(column: SourceColumn) -> str:
    return f"{column.name} (text)"


def _value(column: SourceColumn) -> str:
    """The column's value; NULL where its text is none of the type."""
    text, kind = quote.name(_text_name(column)), column.type
    tried = f"TRY_CAST({text} AS {kind.flink})"
    if kind.is_text:
        return text if kind.length is None else f"CAST({text} AS {kind.flink})"
    if kind.is_numeric:
        one, zero = ("1", "0") if kind.name in _TAKES_INT else (f"CAST({n} AS {kind.flink})" for n in (1, 0))
        return f"CASE {text} WHEN 'true' THEN {one} WHEN 'false' THEN {zero} ELSE {tried} END"
    if kind.name == "BOOLEAN":
        number = f"TRY_CAST({text} AS DOUBLE)"
        return (
            f"CASE LOWER({text}) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE"
            f" ELSE CASE WHEN {number} = 0 THEN FALSE WHEN {number} IS NOT NULL THEN TRUE"
            f" WHEN {text} IS NOT NULL THEN FALSE END END"
        )
    if kind.is_time:
        return f"TRY_CAST({plain_time(text)} AS {kind.flink})"
    return f"CAST({text} AS {kind.flink})"


def _failures(column: SourceColumn) -> list[Failure]:
    text, kind = quote.name(_text_name(column)), column.type
    found = []
    if column.not_null:
        found.append(Failure(f"{text} IS NULL", f"{column.name} is missing"))
    if kind.is_text or kind.name in ("BINARY", "VARBINARY"):
        return found
    condition = f"({text} IS NOT NULL AND {_value(column)} IS NULL)"
    if kind.is_integer:
        condition = f"({condition} OR NOT REGEXP({text}, '^([+-]?[0-9]+([.]0*)?|true|false)$'))"
    found.append(Failure(condition, f"{column.name} is no {kind}"))
    return found
