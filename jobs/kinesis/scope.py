"""What names mean: the relations of a FROM clause and their columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.values import RECORD, TIMESTAMP, Value
from jobs.sql.located import LocatedText
from jobs.sql.suggest import did_you_mean, nearest

#: The time attribute of every stream, here as in the dialect.
ROWTIME: Final = "ROWTIME"
#: When the record came to Kafka; every source stream has it.
ARRIVAL: Final = "APPROXIMATE_ARRIVAL_TIME"


@dataclass(frozen=True)
class Column:
    """A column of a relation.

    Attributes
    ----------
    name
        As SQL stores it.
    value
        How it is written, and its type.
    floor_ms
        Where it is ROWTIME rounded down: to what multiple; 1 is ROWTIME itself.
    is_hidden
        Whether ``*`` leaves it out.
    """

    name: str
    value: Value
    floor_ms: int | None = None
    is_hidden: bool = False


@dataclass(frozen=True)
class Entry:
    """A relation in a FROM clause.

    Attributes
    ----------
    alias, columns
        What it is called, and what it has.
    rowtime
        Its own ROWTIME; None: a reference table has none.
    gives_time
        Whether that is the ROWTIME of what it is joined to as well; where it is not, it is a value like any other.
    """

    alias: str | None
    columns: tuple[Column, ...]
    rowtime: str | None
    gives_time: bool = True

    def as_values(self) -> Entry:
        """The same, where a join has the time of another relation."""
        return replace(self, columns=tuple(replace(c, floor_ms=None) for c in self.columns), gives_time=False)

    def column(self, name: str) -> Column | None:
        """A column by its stored name."""
        if name == ROWTIME and self.rowtime is not None:
            if self.gives_time:
                return Column(ROWTIME, Value(self.rowtime, TIMESTAMP), 1, True)
            return Column(ROWTIME, Value(as_value(self.rowtime), TIMESTAMP), None, True)
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class Order:
    """An ORDER BY that still has to be done: hidden columns of the relation to sort by, behind ROWTIME.

    Attributes
    ----------
    floor_ms
        Rows are gathered while ROWTIME rounded down to this stays the same.
    keys
        Name of the column and whether it goes down.
    start
        Where it stands.
    """

    floor_ms: int
    keys: tuple[tuple[str, bool], ...]
    start: int


@dataclass(frozen=True)
class Relation:
    """What stands behind FROM, translated.

    Attributes
    ----------
    sql
        As Flink's FROM has it.
    entries
        What names in it may mean.
    rowtime
        Its time attribute; None for a reference table.
    view
        The name of the Flink view when it is one as it stands, columns under their own names.
    order
        The ORDER BY of its rows that has not been done yet.
    """

    sql: str
    entries: tuple[Entry, ...]
    rowtime: str | None
    view: str | None = None
    order: Order | None = None


def as_value(rowtime: str) -> str:
    """SQL of a time attribute as a value."""
    return f"CAST({rowtime} AS TIMESTAMP(3))"


def columns_of(entry_columns: Iterable[Column], alias: str | None) -> tuple[Column, ...]:
    """Columns of a view as they are written behind an alias."""
    prefix = f"{quote.name(alias)}." if alias else ""
    return tuple(
        replace(c, value=Value(prefix + quote.name(c.name), c.value.type, (), c.value.unit, c.value.fields))
        for c in entry_columns
    )


class Scope:
    """Finding what a name means."""

    def __init__(self, text: LocatedText, relation: Relation) -> None:
        self.text, self.relation = text, relation

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Every column, in order."""
        return tuple(column for entry in self.relation.entries for column in entry.columns)

    def visible(self, star: tree.Star) -> tuple[Column, ...]:
        """The columns that a star stands for."""
        entries: Sequence[Entry] = self.relation.entries
        if star.qualifier is not None:
            entries = [entry for entry in entries if entry.alias == star.qualifier]
            if not entries:
                raise self._no_alias(star.qualifier, star.start)
        return tuple(column for entry in entries for column in entry.columns if not column.is_hidden)

    def find(self, name: tree.Name) -> Column:
        """The column a name means; of a record, the field.

        Raises
        ------
        SqlError
            There is none, or more than one.
        """
        parts = name.parts
        if len(parts) == 1:
            return self._unqualified(parts[0], name.start)
        entries = [entry for entry in self.relation.entries if entry.alias == parts[0]]
        if entries:
            column = entries[0].column(parts[1])
            if column is None:
                raise self._no_column(parts[1], entries[0].columns, f" of {parts[0]}", name.start)
            return self._field(column, parts[2:], name.start)
        record = [c for c in self.all_columns if c.name == parts[0] and c.value.fields is not None]
        if record:
            return self._field(record[0], parts[1:], name.start)
        raise self._no_alias(parts[0], name.start)

    def find_any(self, name: tree.Name) -> Column | None:
        """The column a name means; None where it means none, as an alias of the select list does not."""
        try:
            return self.find(name)
        except SqlError:
            return None

    def _unqualified(self, name: str, start: int) -> Column:
        if name == ROWTIME and self.relation.rowtime is not None:
            return Column(ROWTIME, Value(self.relation.rowtime, TIMESTAMP), 1, True)
        found = [column for entry in self.relation.entries if (column := entry.column(name)) is not None]
        if not found:
            raise self._no_column(name, self.all_columns, "", start)
        if len(found) > 1:
            aliases = [entry.alias or "?" for entry in self.relation.entries if entry.column(name) is not None]
            shown = " or ".join(f'"{alias}"."{name}"' for alias in aliases)
            raise self.text.error(f"{name} is a column of more than one of the relations: write {shown}", start)
        return found[0]

    def _field(self, column: Column, path: Sequence[str], start: int) -> Column:
        if not path:
            return column
        fields = column.value.fields
        if fields is None:
            raise self.text.error(f"{column.name} is {column.value.type}, it has no field {path[0]}", start)
        if len(path) > 1 or path[0] not in fields:
            shown = ", ".join(fields)
            raise self.text.error(f"{column.name} has no field {'.'.join(path)}; it has {shown}", start)
        sql, kind = fields[path[0]]
        return Column(path[0], Value(sql.replace(RECORD, column.value.sql), kind, is_field=True))

    def _no_column(self, name: str, columns: Iterable[Column], where: str, start: int) -> SqlError:
        names = [column.name for column in columns]
        return self.text.error(f"there is no column {name}{where}{folded_hint(name, names)}", start)

    def _no_alias(self, alias: str, start: int) -> SqlError:
        known = [entry.alias for entry in self.relation.entries if entry.alias]
        hint = did_you_mean(alias, known) or (f"; there is {', '.join(known)}" if known else "")
        return self.text.error(f"FROM has no relation {alias}{hint}", start)


def folded_hint(name: str, names: Sequence[str]) -> str:
    """The end of a message about an unknown name: the right one, and why it is another where only case differs."""
    same = [other for other in names if other.upper() == name.upper()]
    if same:
        how = (
            f'write "{same[0]}"' if same[0] != same[0].upper() else f"write {same[0]} without quotes, or in upper case"
        )
        return f": there is {same[0]}, and names without quotes are upper case; {how}"
    close = nearest(name, names)
    if close is not None:
        return f", did you mean {close}?"
    return f"; there are {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}" if names else ""
