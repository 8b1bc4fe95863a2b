"""A call of a table function as it was read, and the tables it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from jobs.errors import SqlError
from jobs.sql.arguments import Word
from jobs.sql.located import LocatedText, Position, Replacement
from jobs.sql.statements import Statement
from udfs.functions.declaration import TableFunction


class InputKind(Enum):
    """How the input of a call is written."""

    TABLE = "TABLE name"
    QUERY = "(SELECT ...)"
    CALL = "another call"


@dataclass(frozen=True, eq=False)
class Input:
    """A table argument of a call.

    Parameters
    ----------
    argument
        Its name, ``input`` for functions with one input.
    statement
        The statement the call stands in.
    kind
        How it is written.
    path
        The parts of a TABLE's name; empty for the others.
    partition_by
        The key's columns, as written.
    start, end
        What to read in the statement's text: the name with its hints, the query without its parentheses, the
        call.
    calls
        The calls inside, innermost first; for CALL the last one is the input itself.
    names
        Names of tables and views it may read: more than it does, never less, those of calls inside included.
    """

    argument: str
    statement: Statement
    kind: InputKind
    path: tuple[str, ...]
    partition_by: tuple[Word, ...]
    start: int
    end: int
    calls: tuple[Call, ...]
    names: frozenset[str]

    def query(self, views: Mapping[str, str]) -> LocatedText:
        """The input as a query that Flink understands.

        Parameters
        ----------
        views
            For each call inside, by `Call.name`, the SQL name of the view that holds its result.
        """
        inside = self.statement.located.slice(self.start, self.end).replace(
            Replacement(call.start - self.start, call.end - self.start, call.reference(views[call.name]))
            for call in self.calls
        )
        return inside if self.kind is InputKind.QUERY else inside.wrap("SELECT * FROM ")


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a table function.

    Parameters
    ----------
    function
        What is called.
    statement
        Where it stands.
    name
        What the operator, its state and its views are called: ``uid``, else made from the view or insert
        target; unique in the file.
    arguments
        Every argument but the tables by name, checked, defaults filled in; INTERVAL in milliseconds.
    inputs
        The tables, by argument name.
    start, end
        Offsets in the statement's text of what gives way to a view.
    place
        Offset of the function's name.
    places
        Offset of the value of each argument that was given.
    words
        The columns of each DESCRIPTOR that was given, with their places.
    in_argument
        Whether it stands, as ``TABLE(F(...))``, where Flink wants ``TABLE name`` rather than a name.
    """

    function: TableFunction
    statement: Statement
    name: str
    arguments: Mapping[str, Any]
    inputs: Mapping[str, Input]
    start: int
    end: int
    place: int
    places: Mapping[str, int]
    words: Mapping[str, tuple[Word, ...]]
    in_argument: bool

    @property
    def input(self) -> Input:
        """The table whose rows go through."""
        return self.inputs["input"]

    @property
    def labels(self) -> Input | None:
        """The table of labels, of functions that take one and where it was given."""
        return self.inputs.get("labels")

    @property
    def vectors(self) -> Input | None:
        """The table of vectors, of functions that take one."""
        return self.inputs.get("vectors")

    @property
    def partition_by(self) -> tuple[str, ...]:
        """The key's columns; empty for one model in all."""
        return tuple(word.name for word in self.input.partition_by)

    @property
    def on_time(self) -> str:
        """The time attribute."""
        return str(self.arguments["on_time"][0])

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns the model reads, or None where the input's schema decides."""
        given = [self.arguments[name] for name in self.function.reads]
        return None if None in given else tuple(column for names in given for column in names)

    @property
    def position(self) -> Position:
        """Where the function's name stands in the file."""
        return self.statement.located.position(self.place)

    def reference(self, view: str) -> str:
        """What takes the place of `start` to `end` when the result is in the view of this SQL name."""
        return f"TABLE {view}" if self.in_argument else view

    def error(self, message: str, offset: int | None = None) -> SqlError:
        """The error to raise for this call, at an offset of the statement or else at its name."""
        return self.statement.error(f"{self.function.name}: {message}", self.place if offset is None else offset)
