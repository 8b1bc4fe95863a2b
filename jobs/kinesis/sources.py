"""Reads ``sources.toml``; every fault of a file is told at once, with table and key.

`jobs.kinesis.source_tables` says what stands in it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.errors import SettingsError
from jobs.kinesis.column_types import ColumnType, parse_type
from jobs.kinesis.json_path import JsonPath, member, parse_path
from jobs.kinesis.source_tables import (
    FORMATS,
    IMPLICIT_COLUMNS,
    Destination,
    Format,
    Reference,
    Source,
    SourceColumn,
    Sources,
)
from jobs.sql.suggest import did_you_mean
from jobs.stack.kafka_admin import is_topic_name

__all__ = ["Destination", "Reference", "Source", "SourceColumn", "Sources", "parse_sources", "read_sources"]

_SECTIONS = ("sources", "references", "destinations")
_SOURCE_KEYS = ("topic", "format", "delimiter", "rowtime", "columns")
_REFERENCE_KEYS = ("file", "format", "delimiter", "columns")
_DESTINATION_KEYS = ("topic", "format", "delimiter")
_COLUMN_KEYS = ("name", "type", "path", "not_null")
_TIME_TYPES = ("TIMESTAMP", "BIGINT", "VARCHAR", "CHAR")


def read_sources(file: Path) -> Sources:
    """Read a file.

    Raises
    ------
    SettingsError
        There is no such file, it is no TOML, or something in it is unknown, missing or wrong: all faults at once,
        each as ``file: table: key: what was expected``.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError(
            f"{file}: there is no such file; `cutbank kinesis sources APP.sql` drafts one, "
            "`cutbank kinesis discover TOPIC` makes one from the records of a topic"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    return parse_sources(text, name=str(file), folder=file.parent)


def parse_sources(text: str, *, name: str = "sources.toml", folder: Path = Path()) -> Sources:
    """Read the text of a file; ``name`` is what errors call it, ``folder`` where reference files count from."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name}: not a TOML file: {error}") from error
    reader = _Reader()
    found = reader.document(document, folder)
    if reader.faults:
        raise SettingsError("; ".join(f"{name}: {fault}" for fault in reader.faults))
    return found


class _Reader:
    """Collects faults; what it returns is complete only where there were none."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def document(self, document: Mapping[str, Any], folder: Path) -> Sources:
        self._known(document, _SECTIONS, "")
        tables: dict[str, dict[str, Any]] = {}
        for section in _SECTIONS:
            value = document.get(section, {})
            if not isinstance(value, dict):
                self._fault(section, f"expected tables [{section}.NAME], got {value!r}")
                value = {}
            tables[section] = {}
            for name, table in value.items():
                where = f'{section}."{name}"'
                if isinstance(table, dict):
                    tables[section][name] = getattr(self, f"_{section[:-1]}")(where, name, table)
                else:
                    self._fault(where, f"expected a table [{where}], got {table!r}")
        for name in tables["sources"].keys() & tables["references"].keys():
            self._fault(f'references."{name}"', "there is a source stream of this name too")
        self._one_writer_a_topic(tables)
        return Sources(tables["sources"], tables["references"], tables["destinations"], folder)

    def _one_writer_a_topic(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        """Rows that go to a topic the application also reads would come back for ever."""
        read = {source.topic: name for name, source in tables["sources"].items()}
        for name, destination in tables["destinations"].items():
            if destination.topic and destination.topic in read:
                self._fault(
                    f'destinations."{name}": topic',
                    f'{destination.topic!r} is what "{read[destination.topic]}" reads; give it a topic of its own',
                )

    def _source(self, where: str, name: str, table: Mapping[str, Any]) -> Source:
        self._known(table, _SOURCE_KEYS, where)
        form, delimiter = self._format(where, table, "json")
        columns = self._columns(where, table, form)
        rowtime = self._text(where, table, "rowtime", required=False)
        source = Source(
            name, self._topic(where, table), columns, form, delimiter, rowtime if rowtime is not None else None
        )
        self._check_rowtime(where, source)
        return source

    def _reference(self, where: str, name: str, table: Mapping[str, Any]) -> Reference:
        self._known(table, _REFERENCE_KEYS, where)
        form, delimiter = self._format(where, table, "csv")
        file = self._text(where, table, "file") or ""
        return Reference(name, file, self._columns(where, table, form), form, delimiter)

    def _destination(self, where: str, name: str, table: Mapping[str, Any]) -> Destination:
        self._known(table, _DESTINATION_KEYS, where)
        form, delimiter = self._format(where, table, "json")
        return Destination(name, self._topic(where, table), form, delimiter)

    def _topic(self, where: str, table: Mapping[str, Any]) -> str:
        topic = self._text(where, table, "topic") or ""
        if topic and not is_topic_name(topic):
            self._fault(f"{where}: topic", f"expected 1 to 249 of the characters a-z A-Z 0-9 . _ -, got {topic!r}")
        return topic

    def _format(self, where: str, table: Mapping[str, Any], default: Format) -> tuple[Format, str]:
        value = table.get("format", default)
        form = next((one for one in FORMATS if one == value), None)
        if form is None:
            self._fault(f"{where}: format", f"expected json or csv, got {value!r}")
            form = default
        if "delimiter" in table and form == "json":
            self._fault(f"{where}: delimiter", 'only with format = "csv"')
        return form, self._text(where, table, "delimiter", required=False) or ","

    def _columns(self, where: str, table: Mapping[str, Any], form: Format) -> tuple[SourceColumn, ...]:
        value = table.get("columns")
        if not isinstance(value, list) or not value:
            self._fault(f"{where}: columns", f"expected a list of at least one column, got {_shown(value)}")
            return ()
        columns = [self._column(f"{where}: columns[{i}]", entry, form) for i, entry in enumerate(value, 1)]
        names: set[str] = set()
        for place, column in enumerate(columns, 1):
            if column.name in names:
                self._fault(f"{where}: columns[{place}]: name", f"there are two columns {column.name!r}")
            names.add(column.name)
        self._one_unrolled(where, columns)
        return tuple(columns)

    def _column(self, where: str, entry: Any, form: Format) -> SourceColumn:
        if not isinstance(entry, dict):
            self._fault(where, f'expected {{ name = "...", type = "..." }}, got {entry!r}')
            return SourceColumn("", ColumnType("VARCHAR"))
        self._known(entry, _COLUMN_KEYS, where)
        name = self._text(where, entry, "name") or ""
        if name.upper() in IMPLICIT_COLUMNS:
            self._fault(
                f"{where}: name",
                f"{name} is there by itself; `rowtime` of the stream says which member it comes from"
                if name.upper() == "ROWTIME"
                else f"{name} is there by itself: it is the timestamp of the Kafka record",
            )
        not_null = entry.get("not_null", False)
        if not isinstance(not_null, bool):
            self._fault(f"{where}: not_null", f"expected true or false, got {not_null!r}")
        kind = self._text(where, entry, "type")
        return SourceColumn(name, self._type(where, kind), self._path(where, entry, form, name), bool(not_null))

    def _type(self, where: str, text: str | None) -> ColumnType:
        if text is not None:
            try:
                return parse_type(text)
            except ValueError as error:
                self._fault(f"{where}: type", str(error))
        return ColumnType("VARCHAR")

    def _path(self, where: str, entry: Mapping[str, Any], form: Format, name: str) -> JsonPath | None:
        text = self._text(where, entry, "path", required=False)
        if form == "csv":
            if text is not None:
                self._fault(f"{where}: path", "csv has no paths; its columns go by their order")
            return None
        if text is None:
            return member(name)
        try:
            return parse_path(text)
        except ValueError as error:
            self._fault(f"{where}: path", str(error))
            return member(name)

    def _one_unrolled(self, where: str, columns: Sequence[SourceColumn]) -> None:
        arrays = {column.path.unrolled: column.name for column in columns if column.path and column.path.unrolled}
        if len(arrays) > 1:
            listed = ", ".join(f"{array}[0:] ({name})" for array, name in arrays.items())
            self._fault(f"{where}: columns", f"only one array can become rows, got {listed}")

    def _check_rowtime(self, where: str, source: Source) -> None:
        if source.rowtime is None:
            return
        column = source.rowtime_column
        if column is not None:
            if column.type.name not in _TIME_TYPES:
                self._fault(
                    f"{where}: rowtime",
                    f"{column.name!r} is {column.type}; expected TIMESTAMP, BIGINT (milliseconds since 1970) or a text "
                    "in ISO 8601",
                )
            if column.path is not None and column.path.unrolled is not None:
                self._fault(f"{where}: rowtime", f"{column.name!r} has one value an element; ROWTIME is one a record")
        elif source.format == "csv":
            names = [one.name for one in source.columns]
            hint = did_you_mean(source.rowtime, names)
            self._fault(f"{where}: rowtime", f"expected the name of a column, got {source.rowtime!r}{hint}")
        elif source.rowtime.startswith("$"):
            try:
                parse_path(source.rowtime)
            except ValueError as error:
                self._fault(f"{where}: rowtime", str(error))

    def _text(self, where: str, table: Mapping[str, Any], key: str, *, required: bool = True) -> str | None:
        value = table.get(key)
        if value is None:
            if required:
                self._fault(f"{where}: {key}", "missing")
        elif not isinstance(value, str) or not value:
            self._fault(f"{where}: {key}", f"expected a text that is not empty, got {_shown(value)}")
        else:
            return value
        return None

    def _known(self, table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
        for key in table:
            if key not in keys:
                hint = did_you_mean(key, keys) or f"; expected {', '.join(keys)}"
                self._fault(where, f"there is no key {key!r}{hint}")

    def _fault(self, where: str, what: str) -> None:
        self.faults.append(f"{where}: {what}" if where else what)


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)
