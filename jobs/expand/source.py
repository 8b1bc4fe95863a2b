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

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.expand import quote
from jobs.expand.record_sql import field_of, finite, json_value, time_of
from jobs.expand.watermark import rounded
from jobs.sql.located import LocatedText, Replacement
from jobs.sql.tables import Column, CreateTable
from jobs.sql.tokens import Kind, Token
from udfs.functions.declaration import base_type
from udfs.record_check import ColumnContract, RecordContract
from udfs.record_tap import LATE, REJECTED, TapPlan

OWN_OPTIONS = {
    "cutbank.rejects": "on (default) or off: leave bad records to Flink's format",
    "cutbank.rejects.topic": "topic of rejects; default <topic>-rejects",
    "cutbank.late.topic": "topic of late rows; default <topic>-late",
    "cutbank.max-record-length": "longer records are rejected as too_large; default 1048576",
    "cutbank.max-time-ahead": "event times further ahead of Kafka's timestamp are rejected; default 1 d",
    "cutbank.earliest-time": "event times before this day are rejected; default 1990-01-01",
}

#: Columns in front of the user's in `t (rows)`.
STATUS, PARTITION, OFFSET, TIMESTAMP_MS, RAW = (
    "__status",
    "__partition",
    "__offset",
    "__timestamp_ms",
    "__raw",
)
HIDDEN = (PARTITION, OFFSET)


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
            f"{column.expression} AS {quote.name(column.name)}"
            if column in self.computed
            else quote.name(column.name)
            for column in self.table.columns
        ]
        hidden = [quote.name(column) for column in HIDDEN] if ordered else []
        return (
            f"SELECT {', '.join(columns + hidden)} FROM {quote.name(self.stage('rows'))} "
            f"WHERE {quote.name(STATUS)} = 0"
        )

    @property
    def refused(self) -> str:
        """The query of the records that are not good."""
        return (
            f"SELECT {quote.names((STATUS, PARTITION, OFFSET, TIMESTAMP_MS, RAW))} "
            f"FROM {quote.name(self.stage('rows'))} WHERE {quote.name(STATUS)} <> 0"
        )


def is_strict_json(table: CreateTable) -> bool:
    """Whether we read this table's records ourselves: JSON from Kafka, and not switched off.

    Raises
    ------
    SqlError
        ``cutbank.rejects`` is neither on nor off, or an option of ours does not exist.
    """
    for option in table.options:
        if option.startswith("cutbank.") and option not in OWN_OPTIONS:
            raise table.statement.error(
                f"unknown option {option}; there are {', '.join(OWN_OPTIONS)}",
                table.option_spans[option].start,
            )
    choice = table.options.get("cutbank.rejects", "on")
    if choice not in ("on", "off"):
        raise table.statement.error(
            f"cutbank.rejects must be 'on' or 'off', got '{choice}'",
            table.option_spans["cutbank.rejects"].start,
        )
    form = table.options.get("format", table.options.get("value.format"))
    return table.options.get("connector") == "kafka" and form == "json" and choice == "on"


def without_own_options(table: CreateTable) -> LocatedText:
    """The table as Flink may read it."""
    return table.statement.located.replace(_options_replacement(table, _flink_options(table)))


def expand_source(
    table: CreateTable, *, pipeline: str, interval_ms: int | None, keys: frozenset[str]
) -> SourceExpansion:
    """What a source table becomes.

    Parameters
    ----------
    table
        As written.
    pipeline
        Name of the pipeline; part of the transactional ids of the sinks.
    interval_ms
        The interval its watermark is rounded to; None where it feeds no model call.
    keys
        Columns that calls partition by: their absence has a reason of its own.

    Raises
    ------
    SqlError
        A column of a type that has no strict reading, or an option with a bad value.
    """
    if is_strict_json(table):
        return _Json(table, pipeline, interval_ms, keys).expand()
    return _plain(table, pipeline, interval_ms)


class _Json:
    """One strict JSON source."""

    def __init__(
        self, table: CreateTable, pipeline: str, interval_ms: int | None, keys: frozenset[str]
    ) -> None:
        self.table, self.pipeline, self.interval_ms, self.keys = table, pipeline, interval_ms, keys
        self.sql_times = table.options.get("json.timestamp-format.standard", "SQL") == "SQL"
        if "value.json.timestamp-format.standard" in table.options:
            self.sql_times = table.options["value.json.timestamp-format.standard"] == "SQL"
        self.time = table.watermark.column.strip("`") if table.watermark is not None else None
        self.max_length = int(_number(table, "cutbank.max-record-length", "1048576"))
        if table.options.get("value.fields-include") == "EXCEPT_KEY":
            raise self.error(
                "columns from the Kafka key and strict JSON do not go together: "
                "write the key's columns into the value too, or add 'cutbank.rejects' = 'off'"
            )
        self.fields = tuple(column for column in table.columns if column.is_physical)

    def error(self, message: str, offset: int | None = None) -> Exception:
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
                    f"column {column.name} is {column.sql_type}, which cannot be told from a bad value; "
                    "declare it STRING, or add 'cutbank.rejects' = 'off' to leave bad records to Flink",
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
        all_texts = [*texts, *(["__time_text"] if time_texts else [])]
        document = f"{quote.name('__document')}[1]"
        taken = [f"JSON_STRING({document}[{quote.text(c.name)}])" for c in [*from_json, *time_texts]]
        values = [read.value.replace("{0}", quote.name(t)) for read, t in zip(reading, texts, strict=True)]
        good = [f"{document} IS NOT NULL", f"{quote.name('__document')}[2] IS NULL"]
        for column, read, one in zip(from_json, reading, texts, strict=True):
            good.append(read.is_right(quote.name(one), column.not_null))
            good += filter(None, [finite(column)])
        good += self._time_conditions(bool(time_texts))
        late = self._late()
        time_column = [
            f"CAST({quote.name(c)} AS {self._time_type()}) AS {quote.name(c)}"
            if c == self.time
            else quote.name(c)
            for c in kept
        ]
        stages = [
            f"FROM {quote.name(table.name + ' (source)')}",
            _stage("__s1", [self._text_sql()], ["__text"]),
            _stage("__s2", [self._document_sql()], ["__document"]),
        ]
        if all_texts:
            stages.append(_stage("__s3", taken, all_texts))
        if values:
            stages.append(_stage("__s4", values, [c.name for c in from_json]))
        rows = (
            f"SELECT CASE WHEN `__good` IS NOT TRUE THEN {REJECTED} WHEN {late} THEN {LATE} ELSE 0 END"
            f" AS {quote.name(STATUS)},\n  {quote.names(HIDDEN)}, {quote.name(TIMESTAMP_MS)},\n"
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
            (STATUS, *HIDDEN, TIMESTAMP_MS, RAW, *kept),
            self.time,
            TapPlan(self._topic(), self._contract()),
            _sinks(
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
            f"  {quote.name(PARTITION)} INT METADATA FROM 'partition' VIRTUAL",
            f"  {quote.name(OFFSET)} BIGINT METADATA FROM 'offset' VIRTUAL",
            "  `__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL",
            f"  {quote.name(TIMESTAMP_MS)} AS {_KAFKA_MS}",
        ]
        lines += [
            table.statement.text[c.span.start : c.span.end]
            for c in table.columns
            if c.metadata_key is not None
        ]
        if self.time is not None and table.watermark is not None:
            column = table.column(self.time)
            if column is None or column.metadata_key is None:
                lines.append(f"  {quote.name(self.time)} AS {self._time_sql(column)}")
            expression = table.watermark.expression
            if self.interval_ms is not None:
                expression = rounded(expression, self._time_type(), self.interval_ms)
            ahead = _duration_ms(table, "cutbank.max-time-ahead", "1 d")
            guarded = f"CASE WHEN {self._not_ahead(ahead)} THEN {expression} END"
            lines.append(f"  WATERMARK FOR {quote.name(self.time)} AS {guarded}")
        body = ",\n".join(lines)
        kept = {
            key: value
            for key, value in _flink_options(table).items()
            if not key.startswith(("json.", "value.", "key.", "sink."))
        }
        kept["format"] = "raw"
        return f"CREATE TEMPORARY TABLE {quote.name(table.name + ' (source)')} (\n{body}\n) WITH (\n{quote.options(kept)}\n)"

    def _time_type(self) -> str:
        column = self.table.column(str(self.time))
        if column is not None and column.sql_type:
            return column.sql_type
        return (
            "TIMESTAMP_LTZ(3)"
            if "LTZ" in str(column.expression if column else "").upper()
            else "TIMESTAMP(3)"
        )

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
        return re.sub(
            r"'(?:[^']|'')*'|`(?P<quoted>[^`]+)`|\b(?P<bare>[A-Za-z_]\w*)\b(?!\s*\()", read, expression
        )

    def _text_sql(self) -> str:
        return f"CAST({quote.name(RAW)} AS STRING)"

    def _document_sql(self) -> str:
        """The record as the one element of an array: what follows the object is then an error, as it should be."""
        text = quote.name("__text")
        return (
            f"CASE WHEN CHAR_LENGTH({text}) <= {self.max_length}"
            f" AND ({text} LIKE '{{%' OR REGEXP({text}, '^\\s*\\{{'))"
            f" AND CAST({text} AS BYTES) = {quote.name(RAW)}"
            f" THEN TRY_PARSE_JSON(CONCAT('[', {text}, ']'), TRUE) END"
        )

    def _not_ahead(self, ahead_ms: int) -> str:
        kafka = "`__timestamp`"
        if base_type(self._time_type()) == "TIMESTAMP":
            kafka = f"CAST({kafka} AS TIMESTAMP(3))"
        return f"{quote.name(str(self.time))} <= {kafka} + {quote.interval(ahead_ms)}"

    def _time_conditions(self, has_text: bool) -> list[str]:
        if self.time is None:
            return []
        time = quote.name(self.time)
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
            self._not_ahead(_duration_ms(self.table, "cutbank.max-time-ahead", "1 d")),
        ]
        if has_text:  # a 30th of February parses as the 28th
            text = quote.name("__time_text")
            conditions.append(
                f"(SUBSTRING({text}, 10, 2) <= '28' OR TRY_CAST(SUBSTRING({text}, 2, 10) AS DATE) IS NOT NULL)"
            )
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
                    base_type(column.sql_type),
                    required=column.not_null or column.name == self.time,
                    key=column.name in self.keys,
                    time=column.name == self.time,
                )
                for column in self.fields
            ),
            self.max_length,
            self.sql_times,
        )


_KAFKA_MS = (
    "CAST(TIMESTAMPDIFF(MINUTE, TO_TIMESTAMP_LTZ(0, 3), `__timestamp`) AS BIGINT) * 60000"
    " + EXTRACT(SECOND FROM `__timestamp`) * 1000 + EXTRACT(MILLISECOND FROM `__timestamp`)"
)


def _plain(table: CreateTable, pipeline: str, interval_ms: int | None) -> SourceExpansion:
    """A source whose records Flink's own format reads, and that feeds a model call: late rows are told apart."""
    statement = table.statement
    is_kafka = table.options.get("connector") == "kafka"
    replacements = [*_options_replacement(table, _flink_options(table)), _renamed(table)]
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
        extra = (
            f", {quote.name(PARTITION)} INT METADATA FROM 'partition' VIRTUAL"
            f", {quote.name(OFFSET)} BIGINT METADATA FROM 'offset' VIRTUAL"
        )
        end = table.columns_span.end
        replacements.append(Replacement(end, end, extra))
    hidden = (
        quote.names(HIDDEN)
        if is_kafka
        else f"0 AS {quote.name(PARTITION)}, CAST(0 AS BIGINT) AS {quote.name(OFFSET)}"
    )
    late = "FALSE" if time is None else f"{quote.name(time)} <= CURRENT_WATERMARK({quote.name(time)})"
    kept = [column.name for column in table.columns]
    columns = ", ".join(quote.name(column) for column in kept)
    rows = (
        f"SELECT CASE WHEN {late} THEN {LATE} ELSE 0 END AS {quote.name(STATUS)}, {hidden}, "
        f"CAST(0 AS BIGINT) AS {quote.name(TIMESTAMP_MS)}, CAST(NULL AS BYTES) AS {quote.name(RAW)}, {columns}\n"
        f"FROM {quote.name(table.name + ' (source)')}"
    )
    topic = table.options.get("topic", table.name)
    return SourceExpansion(
        table,
        statement.located.replace(replacements),
        rows,
        (STATUS, *HIDDEN, TIMESTAMP_MS, RAW, *kept),
        time,
        TapPlan(topic, RecordContract((), 0)) if time is not None else None,
        Sinks(None, None, ()),
        is_kafka,
    )


def _stage(alias: str, expressions: list[str], columns: list[str]) -> str:
    """One stage of evaluation: an array of one row, unnested."""
    inside = expressions[0] if len(expressions) == 1 else "ROW(" + ", ".join(expressions) + ")"
    return f"CROSS JOIN UNNEST(ARRAY[{inside}]) AS {alias}({quote.names(columns)})"


def _renamed(table: CreateTable) -> Replacement:
    """The table's path in the statement becomes `t (source)`."""
    tokens, end = table.statement.tokens, table.statement.path_end
    first = end - (2 * len(table.statement.path) - 1)
    return Replacement(tokens[first].start, tokens[end - 1].end, quote.name(table.name + " (source)"))


def _flink_options(table: CreateTable) -> dict[str, str]:
    return {key: value for key, value in table.options.items() if key not in OWN_OPTIONS}


def _options_replacement(table: CreateTable, options: Mapping[str, str]) -> list[Replacement]:
    if table.options_span is None or options == table.options:
        return []
    return [table.options_span.becomes("\n" + quote.options(options) + "\n")]


def _sinks(table: CreateTable, pipeline: str, *, rejects: bool, late: bool) -> Sinks:
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
        options = {
            "connector": "kafka",
            "topic": target,
            **{key: value for key, value in table.options.items() if key.startswith("properties.")},
            "format": "raw",
            "sink.delivery-guarantee": "exactly-once",
            "sink.transactional-id-prefix": f"{pipeline}-{table.name}-{what}",
            "properties.transaction.timeout.ms": "900000",
            # base64 makes a record a third longer than what the broker took; compressed it is that size again
            "properties.compression.type": "gzip",
            "properties.max.request.size": "67108864",
            "properties.buffer.memory": "67108864",
        }
        options.pop("properties.group.id", None)
        statements.append(
            f"CREATE TEMPORARY TABLE {quote.name(f'{table.name} ({what})')} (`value` BYTES) WITH (\n"
            f"{quote.options(options)}\n)"
        )
    return Sinks(names["rejects"], names["late"], tuple(statements))


_UNITS_MS = {"ms": 1, "s": 1000, "sec": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def _duration_ms(table: CreateTable, option: str, default: str) -> int:
    value = table.options.get(option, default)
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]+)\s*", value)
    if match is None or match[2] not in _UNITS_MS:
        raise table.statement.error(
            f"{option} must be a duration such as '1 d' or '30 min', got '{value}'",
            table.option_spans[option].start,
        )
    return int(match[1]) * _UNITS_MS[match[2]]


def _number(table: CreateTable, option: str, default: str) -> str:
    value = table.options.get(option, default)
    if not value.isdigit():
        raise table.statement.error(
            f"{option} must be a whole number, got '{value}'", table.option_spans[option].start
        )
    return value
