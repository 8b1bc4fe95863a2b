"""The tables of an application at its edges: topics it reads and writes, files of reference tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from jobs.expand import quote
from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.json_path import JsonPath
from jobs.kinesis.scope import ROWTIME
from jobs.kinesis.source_tables import Destination, Reference, Source

#: The columns of a source table beside what the record holds.
RECORD, ARRIVED = "record", "arrived"


class Place(Protocol):
    """Where an application reads and writes."""

    def reading(self, source: Source) -> tuple[Sequence[str], str, Mapping[str, str]]:
        """Further columns, SQL of when a record arrived, a TIMESTAMP_LTZ(3), and options of the table."""
        ...

    def writing(self, destination: Destination) -> Mapping[str, str]:
        """Options of the table."""
        ...

    def file_of(self, reference: Reference) -> Path:
        """The file of a reference table."""
        ...


class Kafka:
    """Topics of Kafka; files beside ``sources.toml``.

    Parameters
    ----------
    application
        Its name, part of the ids of its transactions.
    folder
        Where files of reference tables are looked for.
    """

    def __init__(self, application: str, folder: Path) -> None:
        self.application, self.folder = application, folder

    def reading(self, source: Source) -> tuple[Sequence[str], str, Mapping[str, str]]:
        """The topic from its beginning; a record comes when Kafka says it did."""
        options = {
            "connector": "kafka",
            "topic": source.topic,
            "properties.bootstrap.servers": "${bootstrap_servers:-localhost:19092}",
            "scan.startup.mode": "earliest-offset",
        }
        column = f"{quote.name(ARRIVED)} TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL"
        return [column], quote.name(ARRIVED), options

    def writing(self, destination: Destination) -> Mapping[str, str]:
        """The topic, exactly once, by one writer into one partition: the order of rows is that of the records."""
        return {
            "connector": "kafka",
            "topic": destination.topic,
            "properties.bootstrap.servers": "${bootstrap_servers:-localhost:19092}",
            "sink.parallelism": "1",
            "sink.partitioner": "fixed",
            "sink.delivery-guarantee": "exactly-once",
            "sink.transactional-id-prefix": f"{self.application}-{destination.topic}",
            "properties.transaction.timeout.ms": "900000",
        }

    def file_of(self, reference: Reference) -> Path:
        """The file, from the folder on."""
        return (self.folder / reference.file).resolve()


def source_ddl(place: Place, source: Source, name: str) -> str:
    """The table of a source stream's records: their text or, of csv, their fields; ROWTIME and the watermark."""
    lines = []
    if source.format == "json":
        lines.append(f"{quote.name(RECORD)} STRING")
    else:
        lines += [f"{quote.name(field)} STRING" for field in csv_fields(source)]
    columns, arrived, options = place.reading(source)
    lines += columns
    lines.append(f"{quote.name(ROWTIME)} AS {_rowtime(source, arrived)}")
    lines.append(f"WATERMARK FOR {quote.name(ROWTIME)} AS {quote.name(ROWTIME)} - INTERVAL '${{delay:-1}}' SECOND")
    made = dict(options)
    if source.format == "json":
        made.setdefault("format", "raw")
    else:
        made |= {"format": "csv", "csv.field-delimiter": source.delimiter, "csv.ignore-parse-errors": "true"}
    return _create(name, lines, made)


def csv_fields(source: Source) -> list[str]:
    """The names of the fields of a csv record, as the table of its records has them."""
    return [f"{column.name} (text)" for column in source.columns]


def _rowtime(source: Source, arrived: str) -> str:
    arrived = f"CAST({arrived} AS TIMESTAMP(3))"
    if source.rowtime is None:
        return arrived
    column = source.rowtime_column
    if source.format == "csv":
        text = quote.name(csv_fields(source)[[c.name for c in source.columns].index(source.rowtime)])
    else:
        assert source.rowtime_path is not None
        text = json_value(quote.name(RECORD), source.rowtime_path)
    milliseconds = f"CAST(TO_TIMESTAMP_LTZ(TRY_CAST({text} AS BIGINT), 3) AS TIMESTAMP(3))"
    written = f"TRY_CAST({plain_time(text)} AS TIMESTAMP(3))"
    if column is not None and column.type.is_integer:
        return f"COALESCE({milliseconds}, {arrived})"
    if column is not None and column.type.name == "TIMESTAMP":
        return f"COALESCE({written}, {arrived})"
    return f"COALESCE({written}, {milliseconds}, {arrived})"


def plain_time(text: str) -> str:
    """SQL of a time's text as Flink casts it: ISO 8601 in UTC, or with a space as SQL has it."""
    return f"REPLACE(REPLACE(TRIM({text}), 'T', ' '), 'Z', '')"


def json_value(text: str, path: JsonPath) -> str:
    """SQL of the scalar at a path."""
    return f"JSON_VALUE({text}, {quote.text(str(path))})"


def sink_ddl(place: Place, destination: Destination, name: str, columns: Sequence[tuple[str, ColumnType]]) -> str:
    """The table of a destination."""
    lines = [f"{quote.name(column)} {'STRING' if kind.is_time else kind.flink}" for column, kind in columns]
    options = dict(place.writing(destination))
    options["format"] = destination.format
    if destination.format == "csv":
        options["csv.field-delimiter"] = destination.delimiter
    return _create(name, lines, options)


def written(column: str, kind: ColumnType) -> str:
    """SQL of a column as a destination takes it: times leave as text."""
    sql = quote.name(column)
    if kind.name == "TIMESTAMP":
        return f"DATE_FORMAT({sql}, 'yyyy-MM-dd HH:mm:ss.SSS') AS {sql}"
    return f"CAST({sql} AS STRING) AS {sql}" if kind.is_time else sql


def reference_ddl(place: Place, reference: Reference, name: str, keys: Sequence[str]) -> str:
    """The table of a reference file, of which each row holds from the beginning of time."""
    lines = []
    for column in reference.columns:
        kind = "STRING" if column.type.is_text else column.type.flink
        lines.append(f"{quote.name(column.name)} {kind}")
    lines.append("`since` AS TIMESTAMP '1970-01-01 00:00:00.000'")
    lines.append("WATERMARK FOR `since` AS `since`")
    lines.append(f"PRIMARY KEY ({quote.names(keys)}) NOT ENFORCED")
    options = {"connector": "filesystem", "path": place.file_of(reference).as_uri(), "format": reference.format}
    if reference.format == "csv":
        options |= {"csv.field-delimiter": reference.delimiter, "csv.ignore-parse-errors": "true"}
    return _create(name, lines, options)


def _create(name: str, lines: Sequence[str], options: Mapping[str, str]) -> str:
    body = ",\n".join(f"  {line}" for line in lines)
    return f"CREATE TABLE {quote.name(name)} (\n{body}\n) WITH (\n{quote.options(options)}\n)"
