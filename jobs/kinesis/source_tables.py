"""``sources.toml``: which Kafka topic or file stands for each stream and reference table of a Kinesis SQL application.

AWS kept this outside the SQL, in the application's inputs, reference data and outputs; here it is one file beside it::

    [sources."SOURCE_SQL_STREAM_001"]     # an in-application source stream, its name as SQL stores it
    topic = "loudness"
    format = "json"                       # json (default) or csv; csv also: delimiter = ","
    rowtime = "event_time"                # optional: where ROWTIME comes from; default: the record's own timestamp
    columns = [
      { name = "volume", type = "INTEGER", path = "$.volume" },
      { name = "device", type = "VARCHAR(32)", not_null = true },
    ]

    [references."CompanyName"]            # a reference table, read once at the start
    file = "companies.csv"                # relative to sources.toml
    format = "csv"
    columns = [{ name = "Ticker", type = "VARCHAR(4)" }, { name = "Company", type = "VARCHAR(64)" }]

    [destinations."DESTINATION_SQL_STREAM"]   # a stream whose rows go to a topic; "error_stream" may be one
    topic = "loudness-out"

A column's path defaults to the member of its name; the columns of csv go by their order. `jobs.kinesis.sources` reads
such a file, `jobs.kinesis.sources_text` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.json_path import JsonPath, member, parse_path

Format = Literal["json", "csv"]

FORMATS: tuple[Format, ...] = ("json", "csv")

# columns every source stream has without being told
IMPLICIT_COLUMNS = ("ROWTIME", "APPROXIMATE_ARRIVAL_TIME")


@dataclass(frozen=True)
class SourceColumn:
    """A column of a source stream or reference table.

    Attributes
    ----------
    name
        As SQL stores it: case counts.
    type
        Its type in the dialect.
    path
        Where its value is in a JSON record; None in csv, where the order says it.
    not_null
        Whether a record without a value is refused.
    guess
        Why the type is only a guess, for the comment beside it; None where it is known. Plays no part in comparisons.
    """

    name: str
    type: ColumnType
    path: JsonPath | None = None
    not_null: bool = False
    guess: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Source:
    """An in-application source stream and the topic it reads.

    Attributes
    ----------
    name
        Of the stream, as SQL stores it.
    topic
        The Kafka topic.
    columns
        At least one, in order.
    format
        How a record is written.
    delimiter
        Between the values of csv.
    rowtime
        Where ROWTIME comes from: the name of a column, the name of a member of the record, or a path; None is the
        timestamp of the Kafka record. See `rowtime_path`.
    guess
        Why topic and format are only guesses.
    """

    name: str
    topic: str
    columns: tuple[SourceColumn, ...]
    format: Format = "json"
    delimiter: str = ","
    rowtime: str | None = None
    guess: str | None = field(default=None, compare=False)

    @property
    def rowtime_column(self) -> SourceColumn | None:
        """The column ROWTIME is copied from, when ``rowtime`` names one."""
        return next((column for column in self.columns if column.name == self.rowtime), None)

    @property
    def rowtime_path(self) -> JsonPath | None:
        """Where ROWTIME is in a JSON record; None with csv, or when it is the record's timestamp."""
        if self.rowtime is None or self.format == "csv":
            return None
        column = self.rowtime_column
        if column is not None:
            return column.path
        return parse_path(self.rowtime) if self.rowtime.startswith("$") else member(self.rowtime)

    @property
    def unrolled(self) -> JsonPath | None:
        """The array whose elements become rows; None where a record is one row."""
        return next((c.path.unrolled for c in self.columns if c.path is not None and c.path.unrolled), None)


@dataclass(frozen=True)
class Reference:
    """A reference table and the file it is read from, once, at the start.

    Attributes
    ----------
    name, columns, format, delimiter, guess
        As of `Source`.
    file
        As written: relative to the folder of ``sources.toml``; `Sources.path_of` resolves it.
    """

    name: str
    file: str
    columns: tuple[SourceColumn, ...]
    format: Format = "csv"
    delimiter: str = ","
    guess: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Destination:
    """A stream whose rows go to a topic, one record a row, as JSON or csv."""

    name: str
    topic: str
    format: Format = "json"
    delimiter: str = ","
    guess: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Sources:
    """All of ``sources.toml``, by the names of streams and tables.

    Attributes
    ----------
    folder
        Where the file lies; reference files count from here.
    """

    sources: Mapping[str, Source]
    references: Mapping[str, Reference]
    destinations: Mapping[str, Destination]
    folder: Path = field(default=Path(), compare=False)

    def path_of(self, reference: Reference) -> Path:
        """The file of a reference table."""
        return self.folder / reference.file

    @property
    def topics(self) -> dict[str, str]:
        """Every topic that is named, and the table that names it, sources before destinations."""
        tables: list[Source | Destination] = [*self.sources.values(), *self.destinations.values()]
        found: dict[str, str] = {}
        for table in tables:
            found.setdefault(table.topic, table.name)
        return found
