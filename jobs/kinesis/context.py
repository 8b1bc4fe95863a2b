"""What the translation of one application shares: its streams, the views made so far, and the rows that fail."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.kinesis.outside import Place
from jobs.kinesis.scope import Column, Order, folded_hint
from jobs.kinesis.source_tables import Reference
from jobs.kinesis.values import Failure
from jobs.sql.located import LocatedText


@dataclass(frozen=True)
class Rows:
    """A query, translated: a SELECT that gives ROWTIME first and then its columns under their names.

    Attributes
    ----------
    sql
        The SELECT.
    columns
        Its columns without ROWTIME; one named ROWTIME is ROWTIME itself, selected.
    order
        The ORDER BY that is still to be done; its keys are columns behind the others.
    """

    sql: str
    columns: tuple[Column, ...]
    order: Order | None = None


@dataclass(frozen=True)
class Stream:
    """A stream that can be read: the Flink view it is, and its columns."""

    name: str
    view: str
    columns: tuple[Column, ...]
    order: Order | None = None


@dataclass(frozen=True)
class Piece:
    """A statement of the pipeline, and the place in the application it comes from (None: from nowhere in it)."""

    sql: str
    start: int | None
    title: str | None = None


@dataclass
class Context:
    """One application while it is translated.

    Attributes
    ----------
    text
        The application.
    streams
        What can be read so far.
    references
        The reference tables.
    place
        Where it reads and writes.
    tables, pieces
        The statements made so far: tables at the edges, and the views of streams and pumps.
    goes_by_time
        Whether anything in it waits for the watermark, so that a row can be late.
    errors
        The SELECTs of rows for the error stream.
    warnings
        What the application should be told though it runs: ``(message, offset)``.
    pump, pump_start
        The pump at work, and where it stands.
    prefix
        What the names of all tables and views begin with.
    """

    text: LocatedText
    references: Mapping[str, Reference]
    place: Place
    streams: dict[str, Stream] = field(default_factory=dict)
    tables: list[Piece] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    goes_by_time: bool = False
    errors: list[str] = field(default_factory=list)
    warnings: list[tuple[str, int]] = field(default_factory=list)
    pump: str = ""
    pump_start: int = 0
    prefix: str = ""
    reference_tables: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    python_functions: dict[str, str] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def new_name(self, wanted: str) -> str:
        """A name that no table or view has yet, of letters, digits and _ where it can be."""
        name = wanted = self.prefix + wanted
        number = 2
        while name.upper() in self._names:
            name, number = f"{wanted}_{number}", number + 1
        self._names.add(name.upper())
        return name

    def helper(self, what: str, sql: str) -> str:
        """Make a view on the way of the pump; its name."""
        name = self.new_name(f"{simple_name(self.pump)}_{what}")
        self.pieces.append(Piece(f"CREATE VIEW {quote.name(name)} AS\n{sql}", self.pump_start))
        return name

    def check_unique(self, reference: Reference, keys: Sequence[str], start: int) -> None:
        """Check that no two rows of a reference file have the same key.

        Raises
        ------
        SqlError
            Two have, so one row of a stream would join both; or the file cannot be read.
        """
        from jobs.kinesis.reference_files import doubled_key

        file = self.place.file_of(reference)
        if not file.exists():
            self.warnings.append(
                (
                    f"{file.name}, the file of reference table {reference.name}, is not there yet; no two of its rows "
                    f"may have the same {', '.join(keys)}",
                    start,
                )
            )
            return
        try:
            doubled = doubled_key(file, reference, keys)
        except (OSError, ValueError) as error:
            raise self.text.error(
                f"reference table {reference.name}: {file.name} cannot be read: {error}", start
            ) from error
        if doubled is not None:
            shown = ", ".join(map(repr, doubled))
            raise self.text.error(
                f"reference table {reference.name} has two rows of {', '.join(keys)} = {shown}: a join needs one row a "
                "key, so remove one or join by more columns",
                start,
            )

    def stream(self, name: str, start: int) -> Stream:
        """A stream that can be read.

        Raises
        ------
        SqlError
            There is none.
        """
        found = self.streams.get(name)
        if found is None:
            raise self.unknown(name, start)
        return found

    def unknown(self, name: str, start: int) -> SqlError:
        """The error for a name that is no stream."""
        if name.upper() == ERROR_STREAM.upper():
            return self.text.error("error_stream cannot be read: give it a topic under [destinations]", start)
        known = [*self.streams, *self.references]
        hint = folded_hint(name, known)
        return self.text.error(f"there is no stream or reference table {name}{hint}", start)

    def fails(self, failures: Sequence[Failure], rows: str, rowtime: str, data: Sequence[str]) -> None:
        """Send rows that fail to the error stream.

        Parameters
        ----------
        failures
            When they do; what they are guarded by is in `rows`.
        rows
            FROM and WHERE, up to the place where a condition can be added behind AND.
        rowtime
            Their time.
        data
            SQL of what the row holds, by which it is known again.
        """
        branches = " ".join(f"WHEN {failure.condition} THEN {quote.text(failure.message)}" for failure in failures)
        fields = ", ".join(f"COALESCE(CAST({sql} AS STRING), '')" for sql in data) or "''"
        self.errors.append(
            error_select(
                rowtime, "'coercion or arithmetic'", f"CASE {branches} END", f"HEX(CONCAT_WS(',', {fields}))", self.pump
            )
            + f"\n{rows} ({' OR '.join(failure.condition for failure in failures)})"
        )


#: The implicit stream of rows that failed.
ERROR_STREAM: Final = "error_stream"

#: Its columns, with their types in the dialect's reference.
ERROR_COLUMNS: Final = (
    ("ERROR_TIME", "TIMESTAMP(3)"),
    ("ERROR_LEVEL", "VARCHAR(10)"),
    ("ERROR_NAME", "VARCHAR(32)"),
    ("MESSAGE", "VARCHAR(4096)"),
    ("DATA_ROWTIME", "TIMESTAMP(3)"),
    ("DATA_ROW", "VARCHAR(49152)"),
    ("PUMP_NAME", "VARCHAR(128)"),
)


def error_select(rowtime: str, name: str, message: str, data: str, pump: str) -> str:
    """The SELECT list of a row of the error stream; each argument but the last is SQL."""
    moment = f"CAST({rowtime} AS TIMESTAMP(3))"
    values = (moment, "'ERROR'", name, message, moment, data, quote.text(pump))
    columns = [
        f"{value if value == moment else f'CAST({value} AS {kind})'} AS {quote.name(column)}"
        for value, (column, kind) in zip(values, ERROR_COLUMNS, strict=True)
    ]
    return "SELECT " + ",\n  ".join(columns)


def simple_name(name: str) -> str:
    """A name of letters, digits and _, like the one given."""
    cleaned = re.sub(r"\W", "_", name, flags=re.ASCII)
    return cleaned if re.match(r"[A-Za-z_]", cleaned) else f"_{cleaned}"


def interval_sql(milliseconds: int) -> str:
    """An interval as Flink reads it, in the largest unit that fits in two digits."""
    for unit, size in (("DAY", 86_400_000), ("HOUR", 3_600_000), ("MINUTE", 60_000), ("SECOND", 1_000)):
        if milliseconds and milliseconds % size == 0 and milliseconds // size < 100:
            return f"INTERVAL '{milliseconds // size}' {unit}"
    if milliseconds < 60_000:
        return f"INTERVAL '{milliseconds / 1000:.3f}' SECOND"
    return quote.interval(milliseconds)
