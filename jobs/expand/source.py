"""What a source table becomes.

A table that is read as JSON from Kafka, or that feeds a model call, is split in stages:

    `t (source)`    the physical table: for JSON the raw bytes with their place in Kafka, and the watermark
    `t (rows)`      each record once, with its status: good, late or rejected; a stream, so that it is computed once
                    and every reader sees the same decision
    t               the good rows, under the name and with the columns the user gave
    `t (ordered)`   the same with partition and offset, which order equal times in a model call
    `t (refused)`   the others; a process function counts them and writes them to the topics `-rejects` and `-late`

Late rows are told apart only where a model call reads them: plain Flink windows drop late rows by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.expand import quote
from jobs.sql.located import LocatedText
from jobs.sql.tables import Column, CreateTable
from udfs.record_tap import TapPlan

#: Columns in front of the user's in `t (rows)`.
STATUS, PARTITION, OFFSET, TIMESTAMP_MS, RAW = (
    "__status",
    "__partition",
    "__offset",
    "__timestamp_ms",
    "__raw",
)
#: What `t (ordered)` has behind the user's columns: partition and offset as one number, the order of equal times. One
#: array crosses to Python instead of two; a partition of more than 2^48 records is not to be expected.
HIDDEN = "__order"
HIDDEN_SQL = f"CAST({quote.name(PARTITION)} AS BIGINT) * 281474976710656 + {quote.name(OFFSET)} AS {quote.name(HIDDEN)}"

#: Type and Kafka's key of the columns that say where a record lies.
PLACE = {PARTITION: ("INT", "partition"), OFFSET: ("BIGINT", "offset")}


def metadata_name(table: CreateTable, key: str, own: str) -> str:
    """The column, quoted, that has this key of Kafka's metadata: the user's where the table has one, else ours."""
    return quote.name(next((column.name for column in table.columns if column.metadata_key == key), own))


def metadata_lines(table: CreateTable, wanted: Mapping[str, tuple[str, str]]) -> list[str]:
    """Columns of ours for keys of Kafka's metadata; Flink reads a key once, so they may have to copy the user's.

    They must stand behind the user's.
    """
    lines = []
    for own, (sql_type, key) in wanted.items():
        name = metadata_name(table, key, own)
        is_ours = name == quote.name(own)
        lines.append(
            f"{name} {sql_type} METADATA FROM '{key}' VIRTUAL"
            if is_ours
            else f"{quote.name(own)} AS CAST({name} AS {sql_type})"
        )
    return lines


@dataclass(frozen=True)
class Sinks:
    """Where the refused records of a source go; None where they are only counted."""

    rejects_topic: str | None
    late_topic: str | None
    statements: tuple[str, ...]


@dataclass(frozen=True)
class SourceExpansion:
    """What a source table becomes, as SQL.

    Parameters
    ----------
    table
        As the user wrote it.
    physical
        CREATE TABLE of `t (source)`.
    rows
        Query of `t (rows)`.
    row_names
        Its columns.
    time
        The time attribute's column; None where the table has no watermark.
    tap
        What the process function of refused records gets; None where no record is ever refused.
    sinks
        Where they go.
    is_kafka
        Whether there is a partition and an offset.
    """

    table: CreateTable
    physical: LocatedText
    rows: str
    row_names: tuple[str, ...]
    time: str | None
    tap: TapPlan | None
    sinks: Sinks
    is_kafka: bool
    computed: tuple[Column, ...] = ()
    is_json: bool = False

    @property
    def name(self) -> str:
        """The user's name of the table."""
        return self.table.name

    def stage(self, what: str) -> str:
        """The name of a stage, unquoted: ``loudness (rows)``."""
        return f"{self.name} ({what})"

    def view(self, *, ordered: bool = False) -> str:
        """The query behind the user's name: good rows and declared columns, with hidden ones for `ordered`."""
        columns = [
            f"{column.expression} AS {quote.name(column.name)}" if column in self.computed else quote.name(column.name)
            for column in self.table.columns
        ]
        hidden = [HIDDEN_SQL] if ordered else []
        return (
            f"SELECT {', '.join(columns + hidden)} FROM {quote.name(self.stage('rows'))} WHERE {quote.name(STATUS)} = 0"
        )

    @property
    def refused(self) -> str:
        """The query of the records that are not good."""
        return (
            f"SELECT {quote.names((STATUS, PARTITION, OFFSET, TIMESTAMP_MS, RAW))} "
            f"FROM {quote.name(self.stage('rows'))} WHERE {quote.name(STATUS)} <> 0"
        )


def refused_sink(read: Mapping[str, str], topic: str, name: str, form: Mapping[str, str]) -> dict[str, str]:
    """Options of a sink of refused records at the brokers of a table with the options `read`."""
    options = {
        "connector": "kafka",
        "topic": topic,
        **{key: value for key, value in read.items() if key.startswith("properties.")},
        **form,
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": name,
        "properties.transaction.timeout.ms": "900000",
        # base64 makes a record a third longer than what the broker took; compressed it is that size again
        "properties.compression.type": "gzip",
        "properties.max.request.size": "67108864",
        "properties.buffer.memory": "67108864",
    }
    options.pop("properties.group.id", None)
    return options


def sinks_of(table: CreateTable, pipeline: str, *, rejects: bool, late: bool) -> Sinks:
    """The topics and sink tables of refused records."""
    topic = table.options.get("topic", "").split(";")[0]
    names = {
        "rejects": table.options.get("cutbank.rejects.topic", f"{topic}-rejects") if rejects else None,
        "late": table.options.get("cutbank.late.topic", f"{topic}-late") if late else None,
    }
    statements = []
    for what, target in names.items():
        if target is None:
            continue
        if not topic and f"cutbank.{what}.topic" not in table.options:
            raise table.statement.error(f"{table.name}: a topic-pattern needs 'cutbank.{what}.topic' = '...'")
        options = refused_sink(table.options, target, f"{pipeline}-{table.name}-{what}", {"format": "raw"})
        statements.append(
            f"CREATE TEMPORARY TABLE {quote.name(f'{table.name} ({what})')} (`value` BYTES) WITH (\n"
            f"{quote.options(options)}\n)"
        )
    return Sinks(names["rejects"], names["late"], tuple(statements))
