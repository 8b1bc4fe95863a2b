"""What a SELECT gives: its items under unique names, or under those of the stream they go into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.context import Rows
from jobs.kinesis.expressions import Expressions, column_type
from jobs.kinesis.scope import ROWTIME, Column, Order
from jobs.kinesis.time_terms import floor_ms
from jobs.kinesis.values import TIMESTAMP, Failure, Value, assignable, cast
from jobs.sql.located import LocatedText


@dataclass(frozen=True)
class Target:
    """The columns of the stream a pump writes to, and which of them its SELECT fills, in the order of its items.

    Attributes
    ----------
    stream
        The stream.
    columns
        All its columns, in order.
    filled
        Indexes into `columns`.
    start
        Where INSERT INTO names it.
    """

    stream: str
    columns: tuple[tree.ColumnDefinition, ...]
    filled: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class Output:
    """One column of a SELECT.

    Attributes
    ----------
    name
        What SQL calls it.
    value
        The expression.
    floor_ms
        Where it is ROWTIME rounded down: to what.
    node
        Where it comes from.
    """

    name: str
    value: Value
    floor_ms: int | None
    node: tree.Expression


def outputs_of(items: Sequence[tree.Item], expressions: Expressions) -> list[Output]:
    """The columns of a select list, stars expanded."""
    found: list[Output] = []
    scope = expressions.scope
    for item in items:
        if isinstance(item.value, tree.Star):
            for column in scope.visible(item.value):
                found.append(Output(column.name, column.value, column.floor_ms, item.value))
            continue
        value = expressions.value(item.value)
        name = item.alias or _own_name(item.value) or f"EXPR${len(found)}"
        found.append(Output(name, value, floor_ms(item.value, scope), item.value))
    return found


def _own_name(node: tree.Expression) -> str | None:
    if isinstance(node, tree.Name):
        return node.parts[-1]
    return None


def fitted(outputs: Sequence[Output], target: Target | None, text: LocatedText) -> list[Output]:
    """The columns as the stream has them; with names of their own where there is no stream.

    Raises
    ------
    SqlError
        There are too many or too few, or one has a type that does not go into the column.
    """
    if target is None:
        return _unique(outputs)
    if len(outputs) != len(target.filled):
        names = ", ".join(target.columns[index].name for index in target.filled)
        raise text.error(
            f"{target.stream} takes {len(target.filled)} columns here ({names}), the SELECT gives {len(outputs)}",
            target.start,
        )
    by_index = dict(zip(target.filled, outputs, strict=True))
    found = []
    for index, column in enumerate(target.columns):
        output = by_index.get(index)
        if output is not None:
            found.append(_into(output, column, target, text))
            continue
        if column.not_null:
            raise text.error(f"column {column.name} of {target.stream} is NOT NULL and is not given", target.start)
        null = Value(f"CAST(NULL AS {column.type.type.flink})", column.type.type)
        found.append(Output(column.name, null, None, tree.Truth(target.start, None)))
    return found


def _into(output: Output, column: tree.ColumnDefinition, target: Target, text: LocatedText) -> Output:
    kind, value = column.type.type, output.value
    if column.name == ROWTIME and output.floor_ms != 1:
        raise text.error(
            f"{ROWTIME} of {target.stream} would be set: it is given once, at the source. Give the column another "
            'name, or name the time as rowtime = "..." under [sources]',
            output.node.start,
        )
    if value.fields is not None:
        raise text.error(
            f"column {column.name} is {kind}, the value is a record: name one of its fields", output.node.start
        )
    if value.unit is not None:
        raise text.error(
            f"column {column.name} is {kind}, the value is an interval: CAST it to INTEGER", output.node.start
        )
    as_written = value.is_field and kind.is_text
    if value.type is not None and not assignable(value.type, kind) and not as_written:
        raise text.error(
            f"column {column.name} of {target.stream} is {kind}, the value is {value.type}: CAST it", output.node.start
        )
    fitting = cast(value, kind)
    assert fitting is not None
    if column.not_null:
        failure = Failure(f"({value.sql} IS NULL)", f"NULL in column {column.name}, which is NOT NULL")
        fitting = replace(fitting, failures=(*fitting.failures, failure))
    keeps_time = kind.name == "TIMESTAMP"
    return Output(column.name, fitting, output.floor_ms if keeps_time else None, output.node)


def _unique(outputs: Sequence[Output]) -> list[Output]:
    """The same; a name that came before gets a number, as nothing can refer to it anyhow."""
    seen: set[str] = set()
    found = []
    for output in outputs:
        name, number = output.name, 2
        if name == ROWTIME and output.floor_ms != 1:
            name = f"{name}$"
        while name in seen and name != ROWTIME:
            name, number = f"{output.name}${number}", number + 1
        seen.add(name)
        found.append(replace(output, name=name))
    return found


def failures_of(outputs: Sequence[Output]) -> tuple[Failure, ...]:
    """When a row of these columns fails."""
    return tuple(dict.fromkeys(failure for output in outputs for failure in output.value.failures))


def select_list(rowtime: str, outputs: Sequence[Output], hidden: Sequence[tuple[str, str]] = ()) -> str:
    """The text between SELECT and FROM: ROWTIME, the columns, and hidden ones to sort by."""
    parts = [rowtime if rowtime == quote.name(ROWTIME) else f"{rowtime} AS {quote.name(ROWTIME)}"]
    for output in outputs:
        if output.name == ROWTIME:
            continue
        sql = output.value.sql
        if output.floor_ms == 1:
            sql = f"CAST({sql} AS TIMESTAMP(3))"  # one time attribute is enough
        parts.append(sql if sql == quote.name(output.name) else f"{sql} AS {quote.name(output.name)}")
    parts += [f"{sql} AS {quote.name(name)}" for name, sql in hidden]
    line = ", ".join(parts)
    return line if len(line) <= 100 else ",\n  ".join(parts)


def rows_of(sql: str, outputs: Sequence[Output], order: Order | None = None) -> Rows:
    """A finished SELECT with its columns."""
    columns = []
    for output in outputs:
        value = output.value
        kind = TIMESTAMP if output.name == ROWTIME else None if value.fields else column_type(value)
        columns.append(
            Column(output.name, Value(quote.name(output.name), kind, (), value.unit, value.fields), output.floor_ms)
        )
    return Rows(sql, tuple(columns), order)
