"""A source whose records Flink's own format reads, and that feeds a model call: late rows are told apart."""

from __future__ import annotations

from jobs.expand import quote
from jobs.expand.source import (
    OFFSET,
    PARTITION,
    PLACE,
    RAW,
    STATUS,
    TIMESTAMP_MS,
    Sinks,
    SourceExpansion,
    metadata_lines,
    sinks_of,
)
from jobs.expand.table_options import flink_options, options_replacement
from jobs.expand.watermark import rounded
from jobs.sql.located import Replacement
from jobs.sql.tables import CreateTable
from udfs.record_check import RecordContract
from udfs.record_tap import LATE, TapPlan


def expand_plain_source(table: CreateTable, interval_ms: int | None, *, pipeline: str) -> SourceExpansion:
    """What the table becomes.

    Late rows are counted. Where the table is a topic's raw records, they go to the late topic too; of another format
    the record is not at hand any more.
    """
    statement = table.statement
    is_kafka = table.options.get("connector") == "kafka"
    replacements = [*options_replacement(table, flink_options(table)), _renamed(table)]
    time = table.watermark.column.strip("`") if table.watermark is not None else None
    if table.watermark is not None and time is not None and interval_ms is not None:
        column = table.column(time)
        sql_type = (column.sql_type if column else "") or "TIMESTAMP_LTZ(3)"
        replacements.append(
            table.watermark.expression_span.becomes(
                rounded(table.watermark.expression, sql_type, interval_ms)
            )
        )
    if is_kafka and table.columns_span is not None:
        extra = "".join(f", {line}" for line in metadata_lines(table, PLACE))
        end = table.columns_span.end
        replacements.append(Replacement(end, end, extra))
    hidden = (
        quote.names((PARTITION, OFFSET))
        if is_kafka
        else f"0 AS {quote.name(PARTITION)}, CAST(0 AS BIGINT) AS {quote.name(OFFSET)}"
    )
    late = "FALSE" if time is None else f"{quote.name(time)} <= CURRENT_WATERMARK({quote.name(time)})"
    record = _record_of(table) if is_kafka and time is not None and interval_ms is not None else None
    raw = "CAST(NULL AS BYTES)" if record is None else f"CASE WHEN {late} THEN CAST({quote.name(record)} AS BYTES) END"
    kept = [column.name for column in table.columns]
    columns = ", ".join(quote.name(column) for column in kept)
    rows = (
        f"SELECT CASE WHEN {late} THEN {LATE} ELSE 0 END AS {quote.name(STATUS)}, {hidden}, "
        f"CAST(0 AS BIGINT) AS {quote.name(TIMESTAMP_MS)}, {raw} AS {quote.name(RAW)}, {columns}\n"
        f"FROM {quote.name(table.name + ' (source)')}"
    )
    topic = table.options.get("topic", table.name)
    return SourceExpansion(
        table,
        statement.located.replace(replacements),
        rows,
        (STATUS, PARTITION, OFFSET, TIMESTAMP_MS, RAW, *kept),
        time,
        TapPlan(topic, RecordContract((), 0)) if time is not None else None,
        sinks_of(table, pipeline, rejects=False, late=True) if record is not None else Sinks(None, None, ()),
        is_kafka,
    )


def _record_of(table: CreateTable) -> str | None:
    """The column that holds the whole record: the physical one of a table of format raw."""
    if table.options.get("format", table.options.get("value.format")) != "raw":
        return None
    physical = [column.name for column in table.columns if column.is_physical]
    return physical[0] if len(physical) == 1 else None


def _renamed(table: CreateTable) -> Replacement:
    """The table's path in the statement becomes `t (source)`."""
    tokens, end = table.statement.tokens, table.statement.path_end
    first = end - (2 * len(table.statement.path) - 1)
    return Replacement(tokens[first].start, tokens[end - 1].end, quote.name(table.name + " (source)"))
