"""FROM clauses of Kinesis SQL as FROM clauses of Flink SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.context import Context, Rows
from jobs.kinesis.scope import ROWTIME, Column, Entry, Relation, columns_of
from jobs.kinesis.values import Value


class Translates(Protocol):
    """What translates queries inside of a FROM clause."""

    def rows(self, query: tree.Query) -> Rows:
        """A query, translated."""
        ...


class Relations:
    """Translates FROM clauses.

    Parameters
    ----------
    context
        The application.
    queries
        What translates queries inside.
    windows
        The named windows of the SELECT; joins may use them.
    """

    def __init__(self, context: Context, queries: Translates, windows: Mapping[str, tree.Window]) -> None:
        self.context, self.queries, self.windows = context, queries, windows
        self.number = 0

    def relation(self, node: tree.Relation, *, joined: bool = False) -> Relation:
        """A relation; where it is `joined` its columns carry its alias.

        Raises
        ------
        SqlError
            It has no meaning, or none that Flink can give.
        """
        if isinstance(node, tree.Join):
            from jobs.kinesis.joins import join

            return join(self, node)
        over = getattr(node, "over", None)
        if over is not None and not joined:
            raise self.context.text.error("a window behind a relation belongs to a join, and there is none", over.start)
        if isinstance(node, tree.StreamName):
            return self._named(node, joined)
        if isinstance(node, tree.Derived):
            return derived_relation(self.queries.rows(node.query), self._alias(node.alias), node.columns, joined)
        assert isinstance(node, tree.TableCall)
        from jobs.kinesis.table_calls import call_view

        stream = call_view(self.context, self.queries, node)
        alias = node.alias or self._alias(None)
        columns = tuple(
            replace(c, name=node.columns[i]) if i < len(node.columns) else c for i, c in enumerate(stream.columns)
        )
        behind = self._columns(columns, stream.columns, alias if joined else None)
        found = self._view(stream.view, alias, behind, node.alias is not None or joined)
        return replace(found, order=stream.order)

    def _named(self, node: tree.StreamName, joined: bool) -> Relation:
        alias = node.alias or node.name
        if node.name in self.context.references:
            reference = self.context.references[node.name]
            columns = tuple(
                Column(c.name, Value(f"{quote.name(alias)}.{quote.name(c.name)}", c.type)) for c in reference.columns
            )
            return Relation(quote.name(node.name), (Entry(alias, columns, None),), None)
        stream = self.context.stream(node.name, node.start)
        columns = columns_of(stream.columns, alias if joined else None)
        found = self._view(stream.view, alias, columns, alias != stream.view)
        return replace(found, order=stream.order)

    def _view(self, view: str, alias: str, columns: tuple[Column, ...], named: bool) -> Relation:
        sql = f"{quote.name(view)} AS {quote.name(alias)}" if named else quote.name(view)
        prefixed = any(column.value.sql.startswith(f"{quote.name(alias)}.") for column in columns)
        rowtime = f"{quote.name(alias)}.{quote.name(ROWTIME)}" if prefixed else quote.name(ROWTIME)
        return Relation(sql, (Entry(alias, columns, rowtime),), rowtime, view)

    @staticmethod
    def _columns(named: Sequence[Column], physical: Sequence[Column], alias: str | None) -> tuple[Column, ...]:
        prefix = f"{quote.name(alias)}." if alias else ""
        return tuple(
            replace(column, value=replace(column.value, sql=prefix + quote.name(own.name)))
            for column, own in zip(named, physical, strict=True)
        )

    def _alias(self, alias: str | None) -> str:
        if alias is not None:
            return alias
        self.number += 1
        return f"t{self.number}"


def derived_relation(rows: Rows, alias: str, names: Sequence[str], joined: bool = True) -> Relation:
    """A translated query behind FROM, its columns renamed where names are given."""
    prefix = f"{quote.name(alias)}." if joined else ""
    columns: list[Column] = []
    for index, column in enumerate(rows.columns):
        value = column.value
        name = names[index] if index < len(names) else column.name
        qualified = Value(prefix + value.sql, value.type, (), value.unit, value.fields)
        columns.append(replace(column, name=name, value=qualified))
    rowtime = prefix + quote.name(ROWTIME)
    inner = "\n".join("  " + line for line in rows.sql.split("\n"))
    sql = f"(\n{inner}\n) AS {quote.name(alias)}"
    return Relation(sql, (Entry(alias, tuple(columns), rowtime),), rowtime, None, rows.order)
