"""``sources.toml`` drafted from an application's text alone: what it reads and does not create, and what it uses of it.

A type is guessed from where a column goes: the column of a stream it is inserted into, what it is compared with, the
function it is given to. Each guess says why, so that a person can check it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from jobs.kinesis import tree
from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.json_path import member
from jobs.kinesis.parse_statements import parse
from jobs.kinesis.source_tables import IMPLICIT_COLUMNS, Destination, Reference, Source, SourceColumn, Sources
from jobs.kinesis.uses import Guess, equal_names, used_types
from jobs.kinesis.walking import nodes_in
from jobs.sql.located import LocatedText

_UNKNOWN: Final = Guess(ColumnType("VARCHAR", length=64), "nothing in the application says its type", 9)
#: Columns that a table function adds to those of its cursor.
_ADDED: Final = frozenset({"ANOMALY_SCORE", "ANOMALY_EXPLANATION", "HOTSPOTS_RESULT", "groupRank"})
#: Table functions whose rows are not those of their cursor; a text argument names a column of it.
_COUNTING: Final = frozenset({"TOP_K_ITEMS_TUMBLING", "COUNT_DISTINCT_ITEMS_TUMBLING"})
_SCORING: Final = frozenset({"RANDOM_CUT_FOREST", "RANDOM_CUT_FOREST_WITH_EXPLANATION", "HOTSPOTS"})
_STREAM_NAME: Final = re.compile(r"(?i)(^|_)(stream|source)(_|$)|_\d{3}$")


@dataclass
class _Outside:
    """A stream or table that the application does not create."""

    name: str
    columns: dict[str, Guess] = field(default_factory=dict)
    as_stream: bool = False
    joined: bool = False

    def use(self, column: str, guess: Guess) -> None:
        """Note a column; the surer guess of its type stays."""
        if column.upper() not in IMPLICIT_COLUMNS:
            known = self.columns.get(column)
            if known is None or guess.rank < known.rank:
                self.columns[column] = guess

    @property
    def is_reference(self) -> bool:
        """Joined to something, without a window, and never read by itself."""
        return self.joined and not self.as_stream and not _STREAM_NAME.search(self.name)


@dataclass(frozen=True)
class _Entry:
    """A relation as a query knows it: by its alias."""

    alias: str | None
    relation: tree.Relation


def draft(text: LocatedText) -> Sources:
    """The sources, references and destinations an application needs; every ``guess`` says why.

    Raises
    ------
    SqlError
        The text is no application.
    """
    return _Draft(parse(text)).sources()


class _Draft:
    def __init__(self, statements: Sequence[tree.Statement]) -> None:
        self.streams = {one.name: one for one in statements if isinstance(one, tree.CreateStream)}
        self.pumps = list({one.name: one for one in statements if isinstance(one, tree.CreatePump)}.values())
        self.outside: dict[str, _Outside] = {}
        self.read: set[str] = set()

    def sources(self) -> Sources:
        # what is compared with a column whose type is known only behind it is known the second time
        for _ in range(2):
            for pump in self.pumps:
                self._query(pump.query, self._wanted(pump))
        sources: dict[str, Source] = {}
        references: dict[str, Reference] = {}
        for one in self.outside.values():
            used = one.columns or {"COL_0": replace(_UNKNOWN, why="the application uses no column of it")}
            columns = tuple(self._column(name, guess, one) for name, guess in used.items())
            if one.is_reference:
                file = f"{_kebab(one.name)}.csv"
                references[one.name] = Reference(one.name, file, columns, guess="joined without a window: a table")
            else:
                sources[one.name] = Source(one.name, _kebab(one.name), columns, guess="the name of the stream")
        destinations = {name: Destination(name, _kebab(name), guess="the name of the stream") for name in self._ends()}
        return Sources(sources, references, destinations)

    def _column(self, name: str, guess: Guess, outside: _Outside) -> SourceColumn:
        path = None if outside.is_reference else member(name)
        return SourceColumn(name, guess.type, path, guess=guess.why)

    def _ends(self) -> list[str]:
        """Streams that are written and not read again, and those that bear the name of a destination."""
        written = dict.fromkeys(pump.target for pump in self.pumps if pump.target in self.streams)
        return [name for name in written if name not in self.read or name.upper().startswith("DESTINATION")]

    def _wanted(self, pump: tree.CreatePump) -> list[Guess | None]:
        """What the target's columns say of the values that go into them, by position."""
        stream = self.streams.get(pump.target)
        if stream is None:
            return []
        by_name = {
            column.name: Guess(column.type.type, f"goes into {pump.target}.{column.name}", 1, column.name)
            for column in stream.columns
        }
        if not pump.columns:
            return list(by_name.values())
        return [by_name.get(name) for name, _ in pump.columns]

    # ---------------------------------------------------------------- queries

    def _query(self, query: tree.Query, wanted: Sequence[Guess | None]) -> None:
        if isinstance(query, tree.Union):
            for part in query.parts:
                self._query(part, wanted)
        elif isinstance(query, tree.Select):
            self._select(query, wanted)

    def _select(self, select: tree.Select, wanted: Sequence[Guess | None]) -> None:
        entries = list(self._entries(select.source, alone=True))
        place = 0
        for item in select.items:
            if isinstance(item.value, tree.Star):
                rest = wanted[place : len(wanted) - (len(select.items) - place - 1)]
                self._star(item.value, rest, entries)
                place += len(rest)
                continue
            guess = wanted[place] if place < len(wanted) else None
            place += 1
            self._value(item.value, guess, entries)
        if select.where is not None:
            self._value(select.where, None, entries)
        # these may name what the select list calls so
        named = {item.alias for item in select.items if item.alias}
        later = (select.having, *select.group_by, *(key.value for key in select.order_by))
        for expression in later:
            if expression is not None and not (isinstance(expression, tree.Name) and expression.parts[0] in named):
                self._value(expression, None, entries)
        for _, window in select.windows:
            for expression in window.partition_by:
                self._value(expression, None, entries)
        if select.stagger is not None:
            for expression in select.stagger.partition_by:
                self._value(expression, None, entries)
        self._conditions(select.source, entries)

    def _entries(self, relation: tree.Relation, *, alone: bool) -> Iterable[_Entry]:
        if isinstance(relation, tree.Join):
            yield from self._entries(relation.left, alone=True)  # what is joined to it may be a table
            yield from self._entries(relation.right, alone=False)
            return
        if isinstance(relation, tree.StreamName):
            self._note(relation, alone=alone)
            yield _Entry(relation.alias or relation.name, relation)
        elif isinstance(relation, tree.Derived):
            self._query(relation.query, [])
            yield _Entry(relation.alias, relation)
        elif isinstance(relation, tree.TableCall):
            self._query(relation.cursor, _scored(relation))
            self._named_columns(relation)
            yield _Entry(relation.alias, relation)

    def _note(self, relation: tree.StreamName, *, alone: bool) -> None:
        if relation.name in self.streams:
            self.read.add(relation.name)
            return
        found = self.outside.setdefault(relation.name, _Outside(relation.name))
        found.as_stream |= alone or relation.over is not None
        found.joined |= not alone

    def _named_columns(self, call: tree.TableCall) -> None:
        """Texts among the arguments name columns of the cursor."""
        kind = ColumnType("VARCHAR", length=64) if call.function in _COUNTING else ColumnType("DOUBLE")
        if call.function in _COUNTING or call.function == "GROUP_RANK":
            for argument in call.arguments[:1]:
                if isinstance(argument, tree.Text):
                    # as in the text around it, a name without double quotes is in capitals
                    name = argument.value.strip('"') if argument.value.startswith('"') else argument.value.upper()
                    self._output(call.cursor, name, Guess(kind, f"named in {call.function}", 4))

    def _conditions(self, relation: tree.Relation, entries: Sequence[_Entry]) -> None:
        if isinstance(relation, tree.Join):
            if relation.condition is not None:
                self._value(relation.condition, None, entries)
            self._conditions(relation.left, entries)
            self._conditions(relation.right, entries)

    # ---------------------------------------------------------------- values

    def _value(self, expression: tree.Expression, wanted: Guess | None, entries: Sequence[_Entry]) -> None:
        """Every column that an expression uses; as a whole it goes where ``wanted`` says."""
        if isinstance(expression, tree.Name):
            self._name(expression, wanted or _UNKNOWN, entries)
            return
        guesses = used_types(expression, wanted)
        for pair in equal_names(expression):
            for name, other in (pair, pair[::-1]):
                known = self._known(other, entries)
                if known is not None and id(name) not in guesses:
                    why = f"compared with {'.'.join(other.parts)}"
                    guesses[id(name)] = Guess(known.type, why, max(known.rank, 5), "")
        for node in nodes_in(expression):
            if isinstance(node, tree.Name):
                self._name(node, guesses.get(id(node), _UNKNOWN), entries)

    def _name(self, name: tree.Name, guess: Guess, entries: Sequence[_Entry]) -> None:
        if len(name.parts) > 1:
            for entry in entries:
                if entry.alias == name.parts[0]:
                    self._column_of(entry, name.parts[1], guess if len(name.parts) == 2 else _UNKNOWN)
                    return
            if len(entries) == 1:  # a field of a record
                self._column_of(entries[0], name.parts[0], _UNKNOWN)
            return
        owners = [entry for entry in entries if self._has(entry, name.parts[0])]
        if not owners:
            # what nobody is known to have comes from outside, first of all from a stream
            owners = [entry for entry in entries if self._may_have(entry)][:1]
        if owners:
            self._column_of(owners[0], name.parts[0], guess)

    def _known(self, name: tree.Name, entries: Sequence[_Entry]) -> Guess | None:
        """What is known of the type of a column."""
        alias = name.parts[0] if len(name.parts) == 2 else None
        for entry in entries:
            if alias not in (None, entry.alias) or not isinstance(entry.relation, tree.StreamName):
                continue
            stream, column = entry.relation.name, name.parts[-1]
            if stream in self.streams:
                for own in self.streams[stream].columns:
                    if own.name == column:
                        return Guess(own.type.type, "", 4)
            elif stream in self.outside:
                guess = self.outside[stream].columns.get(column)
                if guess is not None and guess.rank < _UNKNOWN.rank:
                    return guess
        return None

    def _has(self, entry: _Entry, column: str) -> bool:
        relation = entry.relation
        if isinstance(relation, tree.StreamName) and relation.name in self.streams:
            return any(one.name == column for one in self.streams[relation.name].columns)
        if isinstance(relation, tree.Derived):
            return column in relation.columns or column in _output_names(relation.query)
        if isinstance(relation, tree.TableCall):
            return column in _ADDED or column in relation.columns or column in _output_names(relation.cursor)
        return False

    def _may_have(self, entry: _Entry) -> bool:
        relation = entry.relation
        if isinstance(relation, tree.StreamName):
            return relation.name in self.outside
        query = relation.query if isinstance(relation, tree.Derived) else None
        query = relation.cursor if isinstance(relation, tree.TableCall) else query
        return query is not None and _has_star(query)

    def _column_of(self, entry: _Entry, column: str, guess: Guess) -> None:
        relation = entry.relation
        if isinstance(relation, tree.StreamName):
            if relation.name in self.outside:
                self.outside[relation.name].use(column, guess)
        elif isinstance(relation, tree.Derived):
            self._output(relation.query, column, guess, relation.columns)
        elif isinstance(relation, tree.TableCall) and relation.function not in _COUNTING and column not in _ADDED:
            self._output(relation.cursor, column, guess)

    def _output(self, query: tree.Query, column: str, guess: Guess, renamed: Sequence[str] = ()) -> None:
        """A column of a query is used: what it is made of has that type."""
        for select in _selects(query):
            entries = list(self._entries(select.source, alone=True))
            names = list(renamed) or [_output_name(item) for item in select.items]
            for item, name in zip(select.items, names, strict=False):
                if name == column and isinstance(item.value, tree.Name):
                    self._name(item.value, guess, entries)
                    return
            if column not in names and _has_star(select):
                for entry in entries:
                    if self._may_have(entry) or self._has(entry, column):
                        self._column_of(entry, column, guess)
                        return

    def _star(self, star: tree.Star, wanted: Sequence[Guess | None], entries: Sequence[_Entry]) -> None:
        """All columns of what comes from outside: those of the stream they go into, by its names."""
        chosen = [entry for entry in entries if star.qualifier in (None, entry.alias)]
        if len(chosen) == 1 and self._may_have(chosen[0]):
            for guess in wanted:
                if guess is not None and guess.column and guess.column not in _ADDED:
                    self._column_of(chosen[0], guess.column, guess)


def _selects(query: tree.Query) -> list[tree.Select]:
    if isinstance(query, tree.Union):
        return list(query.parts)
    return [query] if isinstance(query, tree.Select) else []


def _output_name(item: tree.Item) -> str:
    if item.alias:
        return item.alias
    return item.value.parts[-1] if isinstance(item.value, tree.Name) else ""


def _scored(call: tree.TableCall) -> list[Guess | None]:
    """What a function that takes every number of its cursor says of the columns in it."""
    if call.function not in _SCORING or not isinstance(call.cursor, tree.Select) or _has_star(call.cursor):
        return []
    return [Guess(ColumnType("DOUBLE"), f"given to {call.function}", 6)] * len(call.cursor.items)


def _output_names(query: tree.Query) -> set[str]:
    return {_output_name(item) for select in _selects(query) for item in select.items} - {""}


def _has_star(query: tree.Query) -> bool:
    return any(isinstance(item.value, tree.Star) for select in _selects(query) for item in select.items)


def _kebab(name: str) -> str:
    """The name of a stream as a topic's."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-.") or "topic"
