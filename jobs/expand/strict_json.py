"""A Kafka source of JSON records, read strictly: what is not a row of the table goes to the rejects topic."""

from __future__ import annotations

import re

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.expand.record_sql import field_of, finite, is_time, json_value, time_in_record, time_of
from jobs.expand.source import (
    OFFSET,
    PARTITION,
    PLACE,
    RAW,
    STATUS,
    TIMESTAMP_MS,
    SourceExpansion,
    metadata_lines,
    metadata_name,
    sinks_of,
)
from jobs.expand.table_options import duration_ms, flink_options, whole_number
from jobs.expand.watermark import rounded
from jobs.sql.located import LocatedText
from jobs.sql.tables import Column, CreateTable
from udfs.functions.declaration import base_type
from udfs.record_check import ColumnContract, RecordContract
from udfs.record_tap import LATE, REJECTED, TapPlan

_TIMESTAMP = "__timestamp"
#: The event time as the record has it, and as a time.
_TIME_TEXT, _TIME_VALUE = "__time_text", "__time_value"
_KAFKA_MS = (
    "CAST(TIMESTAMPDIFF(MINUTE, TO_TIMESTAMP_LTZ(0, 3), {0}) AS BIGINT) * 60000"
    " + EXTRACT(SECOND FROM {0}) * 1000 + EXTRACT(MILLISECOND FROM {0})"
)


#: A text that no record has behind its object by chance.
_MARK = '"end of record"'
_GOOD_DOCUMENT = f"JSON_STRING(`__document`[2]) = '{_MARK}' AND `__document`[3] IS NULL"


def expand_json_source(
    table: CreateTable, *, pipeline: str, interval_ms: int | None, keys: frozenset[str]
) -> SourceExpansion:
    """What the table becomes; see `jobs.expand.source`.

    Raises
    ------
    SqlError
        A column of a type that has no strict reading, or an option with a bad value.
    """
    return _Json(table, pipeline, interval_ms, keys).expand()


class _Json:
    """One strict JSON source."""

    def __init__(self, table: CreateTable, pipeline: str, interval_ms: int | None, keys: frozenset[str]) -> None:
        self.table, self.pipeline, self.interval_ms, self.keys = table, pipeline, interval_ms, keys
        self.sql_times = table.options.get("json.timestamp-format.standard", "SQL") == "SQL"
        if "value.json.timestamp-format.standard" in table.options:
            self.sql_times = table.options["value.json.timestamp-format.standard"] == "SQL"
        self.time = table.watermark.column.strip("`") if table.watermark is not None else None
        self.max_length = whole_number(table, "cutbank.max-record-length", "1048576")
        if table.options.get("value.fields-include") == "EXCEPT_KEY":
            raise self.error(
                "columns from the Kafka key and strict JSON do not go together: "
                "write the key's columns into the value too, or add 'cutbank.rejects' = 'off'"
            )
        self.fields = tuple(column for column in table.columns if column.is_physical)

    def error(self, message: str, offset: int | None = None) -> SqlError:
        place = offset if offset is not None else self.table.statement.tokens[0].start
        return self.table.statement.error(f"{self.table.name}: {message}", place)

    def expand(self) -> SourceExpansion:
        table = self.table
        from_json = [column for column in self.fields if column.name != self.time]
        reading = []
        for column in from_json:
            read = field_of(column, self.sql_times)
            if read is None:
                raise self.error(
                    f"column {column.name} is {column.sql_type}, which has no strict reading; "
                    "leave it out, or add 'cutbank.rejects' = 'off' to leave bad records to Flink",
                    column.span.start,
                )
            reading.append(read)
        metadata = [column for column in table.columns if column.metadata_key is not None]
        kept = [*(c.name for c in metadata), *(c.name for c in self.fields)]
        time_is_computed = self.time is not None and self.time not in kept
        if time_is_computed:
            kept.append(str(self.time))
        texts = [f"__text_{i}" for i in range(len(from_json))]
        time_texts = [c for c in self.fields if c.name == self.time]
        all_texts = [*texts, *([_TIME_TEXT] if time_texts else [])]
        document = f"{quote.name('__document')}[1]"
        taken = [f"JSON_STRING({document}[{quote.text(c.name)}])" for c in [*from_json, *time_texts]]
        values = [read.value.replace("{0}", quote.name(t)) for read, t in zip(reading, texts, strict=True)]
        good = [_GOOD_DOCUMENT]
        for column, read, one in zip(from_json, reading, texts, strict=True):
            good.append(read.is_right(quote.name(one), column.not_null))
            good += filter(None, [finite(column)])
        stage_columns = [c.name for c in from_json]
        if time_texts:  # the time attribute itself would be read once more for every use
            values.append(time_in_record(quote.name(_TIME_TEXT), self._time_type(), self.sql_times))
            stage_columns.append(_TIME_VALUE)
        time = quote.name(_TIME_VALUE if time_texts else str(self.time))
        good += self._time_conditions(time, has_text=bool(time_texts))
        late = self._late()
        time_column = [
            f"CAST({time} AS {self._time_type()}) AS {quote.name(c)}" if c == self.time else quote.name(c) for c in kept
        ]
        stages = [
            f"FROM {quote.name(table.name + ' (source)')}",
            _stage("__s1", [self._text_sql()], ["__text"]),
            _stage("__s2", [self._document_sql()], ["__document"]),
        ]
        if all_texts:
            stages.append(_stage("__s3", taken, all_texts))
        if values:
            stages.append(_stage("__s4", values, stage_columns))
        rows = (
            f"SELECT CASE WHEN `__good` IS NOT TRUE THEN {REJECTED} WHEN {late} THEN {LATE} ELSE 0 END"
            f" AS {quote.name(STATUS)},\n  {quote.names((PARTITION, OFFSET))}, {quote.name(TIMESTAMP_MS)},\n"
            f"  CASE WHEN `__good` IS NOT TRUE OR {late} THEN {quote.name(RAW)} END AS {quote.name(RAW)},\n"
            f"  {', '.join(time_column)}\n"
            + "\n".join(stages)
            + "\n"
            + _stage("__s5", [" AND ".join(good)], ["__good"])
        )
        return SourceExpansion(
            table,
            LocatedText.whole(table.statement.located.file).slice(0, 0).wrap(self._physical()),
            rows,
            (STATUS, PARTITION, OFFSET, TIMESTAMP_MS, RAW, *kept),
            self.time,
            TapPlan(self._topic(), self._contract()),
            sinks_of(
                table,
                self.pipeline,
                rejects=True,
                late=self.interval_ms is not None and self.time is not None,
            ),
            is_kafka=True,
            computed=tuple(c for c in table.columns if c.expression is not None and c.name != self.time),
            is_json=True,
        )

    def _physical(self) -> str:
        table = self.table
        lines = [
            f"  {quote.name(RAW)} BYTES",
            *(table.statement.text[c.span.start : c.span.end] for c in table.columns if c.metadata_key is not None),
            *(f"  {line}" for line in metadata_lines(table, {**PLACE, _TIMESTAMP: ("TIMESTAMP_LTZ(3)", "timestamp")})),
            f"  {quote.name(TIMESTAMP_MS)} AS {_KAFKA_MS.format(metadata_name(table, 'timestamp', _TIMESTAMP))}",
        ]
        if self.time is not None and table.watermark is not None:
            column = table.column(self.time)
            if column is None or column.metadata_key is None:
                lines.append(f"  {quote.name(self.time)} AS {self._time_sql(column)}")
            expression = table.watermark.expression
            if self.interval_ms is not None:
                expression = rounded(expression, self._time_type(), self.interval_ms)
            ahead = duration_ms(table, "cutbank.max-time-ahead", "1 d")
            guarded = f"CASE WHEN {self._not_ahead(quote.name(self.time), ahead)} THEN {expression} END"
            lines.append(f"  WATERMARK FOR {quote.name(self.time)} AS {guarded}")
        body = ",\n".join(lines)
        kept = {
            key: value
            for key, value in flink_options(table).items()
            if not key.startswith(("json.", "value.", "key.", "sink."))
        }
        kept["format"] = "raw"
        name = quote.name(f"{table.name} (source)")
        return f"CREATE TEMPORARY TABLE {name} (\n{body}\n) WITH (\n{quote.options(kept)}\n)"

    def _time_type(self) -> str:
        column = self.table.column(str(self.time))
        if column is not None and column.sql_type:
            return column.sql_type
        return "TIMESTAMP_LTZ(3)" if "LTZ" in str(column.expression if column else "").upper() else "TIMESTAMP(3)"

    def _time_sql(self, column: Column | None) -> str:
        source = f"CAST({quote.name(RAW)} AS STRING)"
        if column is not None and column.expression is not None:
            return self._inlined(column.expression, source)
        read = time_of(json_value(source, str(self.time)), self._time_type(), self.sql_times)
        return f"CAST({read} AS {self._time_type()})"

    def _inlined(self, expression: str, source: str) -> str:
        """A computed column's expression over the raw record: each field in it by its own reading."""
        by_name = {column.name: column for column in self.fields}

        def read(match: re.Match[str]) -> str:
            column = by_name.get(match["quoted"] or match["bare"] or "")
            if column is None:
                return match[0]
            raw = json_value(source, column.name)
            if base_type(column.sql_type) in ("STRING", "VARCHAR", "CHAR"):
                return raw
            if base_type(column.sql_type) == "TIMESTAMP_LTZ":
                return time_of(raw, column.sql_type, self.sql_times)
            return f"TRY_CAST({raw} AS {column.sql_type})"

        # texts are matched first so that words inside them stay
        return re.sub(r"'(?:[^']|'')*'|`(?P<quoted>[^`]+)`|\b(?P<bare>[A-Za-z_]\w*)\b(?!\s*\()", read, expression)

    def _text_sql(self) -> str:
        return f"CAST({quote.name(RAW)} AS STRING)"

    def _document_sql(self) -> str:
        """The record and a mark behind it, as an array.

        Flink's parser reads one value and ignores what follows it. In this array whatever follows the object is an
        error, a further element, or an end before the mark; `_GOOD_DOCUMENT` tells.
        """
        text = quote.name("__text")
        return (
            f"CASE WHEN CHAR_LENGTH({text}) <= {self.max_length}"
            f" AND ({text} LIKE '{{%' OR REGEXP({text}, '^\\s*\\{{'))"
            f" AND CAST({text} AS BYTES) = {quote.name(RAW)}"
            f" THEN TRY_PARSE_JSON(CONCAT('[', {text}, ',{_MARK}]'), TRUE) END"
        )

    def _not_ahead(self, time: str, ahead_ms: int) -> str:
        kafka = "`__timestamp`"
        if base_type(self._time_type()) == "TIMESTAMP":
            kafka = f"CAST({kafka} AS TIMESTAMP(3))"
        return f"{time} <= {kafka} + {quote.interval(ahead_ms)}"

    def _time_conditions(self, time: str, *, has_text: bool) -> list[str]:
        if self.time is None:
            return []
        earliest = self.table.options.get("cutbank.earliest-time", "1990-01-01")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", earliest):
            raise self.error(
                f"cutbank.earliest-time must be a day such as 1990-01-01, got '{earliest}'",
                self.table.option_spans["cutbank.earliest-time"].start,
            )
        plain = f"CAST({time} AS {self._time_type()})"
        first = f"TIMESTAMP '{earliest} 00:00:00'"
        if base_type(self._time_type()) == "TIMESTAMP_LTZ":
            first = f"TO_TIMESTAMP_LTZ('{earliest}', 'yyyy-MM-dd', 'UTC')"
        conditions = [
            f"{time} IS NOT NULL",
            f"{plain} >= {first}",
            self._not_ahead(time, duration_ms(self.table, "cutbank.max-time-ahead", "1 d")),
        ]
        if has_text:
            conditions.append(f"({is_time(quote.name(_TIME_TEXT), self._time_type(), self.sql_times)})")
        return conditions

    def _late(self) -> str:
        if self.interval_ms is None or self.time is None:
            return "FALSE"
        time = quote.name(self.time)
        return f"{time} <= CURRENT_WATERMARK({time})"

    def _topic(self) -> str:
        return self.table.options.get("topic", self.table.options.get("topic-pattern", self.table.name))

    def _contract(self) -> RecordContract:
        return RecordContract(
            tuple(
                ColumnContract(
                    column.name,
                    column.sql_type,
                    required=column.not_null or column.name == self.time,
                    key=column.name in self.keys,
                )
                for column in self.fields
            ),
            self.max_length,
            self.sql_times,
            timed=self.time is not None,
        )


def _stage(alias: str, expressions: list[str], columns: list[str]) -> str:
    """One stage of evaluation: an array of one row, unnested."""
    inside = expressions[0] if len(expressions) == 1 else "ROW(" + ", ".join(expressions) + ")"
    return f"CROSS JOIN UNNEST(ARRAY[{inside}]) AS {alias}({quote.names(columns)})"
