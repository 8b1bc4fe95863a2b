"""Sliding windows: aggregates behind OVER.

Flink computes the aggregates of one window in one SELECT, so each window is a query of its own around the one before,
and the select list reads their results by name.
"""

from __future__ import annotations

from dataclasses import replace

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.aggregates import aggregate
from jobs.kinesis.context import Context, interval_sql
from jobs.kinesis.expressions import AGGREGATES, POSITIONAL, REFUSED, Expressions
from jobs.kinesis.filtering import where_of
from jobs.kinesis.positions import position
from jobs.kinesis.scope import ROWTIME, Column, Entry, Relation, Scope
from jobs.kinesis.time_terms import floor_ms
from jobs.kinesis.values import Failure, Value
from jobs.kinesis.walking import calls_in, replaced


def sliding_relation(
    context: Context, select: tree.Select, relation: Relation
) -> tuple[Relation, tuple[tree.Item, ...], tuple[tree.SortKey, ...]]:
    """The relation with the results of all windows as columns, and the select list and ORDER BY that read them.

    Raises
    ------
    SqlError
        A window is none that a stream can have.
    """
    return _Sliding(context, select, relation).result()


class _Sliding:
    def __init__(self, context: Context, select: tree.Select, relation: Relation) -> None:
        self.context, self.select, self.text = context, select, context.text
        self.named = dict(select.windows)
        self.relation = relation
        context.goes_by_time = True
        if relation.order is not None:
            raise self.text.error(
                "a sliding window goes by ROWTIME: leave ORDER BY out of what it reads", relation.order.start
            )

    def error(self, message: str, node: tree.Node) -> SqlError:
        return self.text.error(message, node.start)

    def result(self) -> tuple[Relation, tuple[tree.Item, ...], tuple[tree.SortKey, ...]]:
        nodes = [item.value for item in self.select.items] + [key.value for key in self.select.order_by]
        calls = list(dict.fromkeys(call for node in nodes for call in calls_in(node) if call.over is not None))
        by_window: dict[tree.Window, list[tree.Call]] = {}
        for call in calls:
            assert call.over is not None
            for inner in call.arguments:
                if any(each.over for each in calls_in(inner)):
                    raise self.error("a window inside of a window: compute the inner one in a sub-select", inner)
            by_window.setdefault(self._window(call.over), []).append(call)
        relation = self._flat(list(by_window))
        swaps: dict[tree.Expression, tree.Expression] = {}
        number = 0
        for window, own in by_window.items():
            scope = Scope(self.text, relation)
            expressions = Expressions(scope)
            results = []
            columns = []
            for call in own:
                number += 1
                name = f"over {number}"
                value = self._value(call, window, expressions)
                results.append(f"{value.sql} AS {quote.name(name)}")
                columns.append(Column(name, Value(quote.name(name), value.type, (), value.unit), None, True))
                swaps[call] = tree.Name(call.start, (name,))
            relation = self._around(relation, results, columns)
        items = tuple(
            replace(item, value=replaced(item.value, swaps), alias=self._alias(item)) for item in self.select.items
        )
        keys = tuple(replace(key, value=replaced(key.value, swaps)) for key in self.select.order_by)
        return relation, items, keys

    @staticmethod
    def _alias(item: tree.Item) -> str | None:
        """A call by itself has no name to take."""
        bare = isinstance(item.value, tree.Call) and item.value.over is not None and item.alias is None
        return f"EXPR${item.start}" if bare else item.alias

    def _window(self, over: tree.Window) -> tree.Window:
        """The window as it is, its name resolved."""
        window = over
        if over.name is not None:
            base = self.named.get(over.name)
            if base is None:
                known = f"; there is {', '.join(self.named)}" if self.named else ""
                raise self.error(f"there is no window {over.name}{known}", over)
            if base.name is not None:
                base = self._window(base)
            if over.partition_by and base.partition_by:
                raise self.error(f"window {over.name} has its PARTITION BY already", over)
            own = over if over.frame else base
            window = replace(
                base,
                name=None,
                partition_by=base.partition_by or over.partition_by,
                order_by=base.order_by or over.order_by,
                frame=own.frame,
                rows=own.rows,
                range_ms=own.range_ms,
            )
        return window

    def _flat(self, windows: list[tree.Window]) -> Relation:
        """FROM and WHERE under unique names, where a window is not to be computed on them directly."""
        scope = Scope(self.text, self.relation)
        expressions = Expressions(scope)
        inside: list[Failure] = []
        for window in windows:
            for key in window.partition_by:
                inside += expressions.value(key).failures
        for item in self.select.items:
            for call in calls_in(item.value):
                if call.over is not None:
                    for argument in call.arguments:
                        if not isinstance(argument, tree.Star):
                            inside += expressions.value(argument).failures
        if self.select.where is None and not inside and len(self.relation.entries) == 1:
            return self.relation
        condition, source = where_of(self.context, expressions, self.select.where, tuple(dict.fromkeys(inside)))
        number = 0
        listed = [f"{self.relation.rowtime} AS {quote.name(ROWTIME)}"]
        entries = []
        for entry in self.relation.entries:
            columns = []
            for column in entry.columns:
                number += 1
                name = column.name if len(self.relation.entries) == 1 else f"c{number}"
                listed.append(f"{column.value.sql} AS {quote.name(name)}")
                columns.append(replace(column, value=replace(column.value, sql=quote.name(name))))
            rowtime = quote.name(ROWTIME)
            if entry.rowtime is not None and not entry.gives_time:
                number += 1
                rowtime = quote.name(f"c{number}")
                listed.append(f"CAST({entry.rowtime} AS TIMESTAMP(3)) AS {rowtime}")
            own = rowtime if entry.rowtime is not None else None
            entries.append(replace(entry, columns=tuple(columns), rowtime=own))
        sql = f"SELECT {', '.join(listed)}\nFROM {source}" + (f"\nWHERE {condition}" if condition else "")
        return Relation(_nested(sql), tuple(entries), quote.name(ROWTIME))

    def _value(self, call: tree.Call, window: tree.Window, expressions: Expressions) -> Value:
        over = self._over(window, expressions)
        if call.function in REFUSED:
            raise self.error(f"{call.function} is not supported: {REFUSED[call.function]}", call)
        if call.function in POSITIONAL:
            return position(call, window, over, expressions)
        if call.function not in AGGREGATES:
            raise self.error(f"{call.function} cannot stand over a window", call)
        value = aggregate(call, expressions)
        return replace(value, sql=f"{value.sql} OVER ({over})", failures=())

    def _over(self, window: tree.Window, expressions: Expressions) -> str:
        """What stands in the parentheses behind OVER."""
        parts = []
        if window.partition_by:
            keys = []
            for key in window.partition_by:
                value = expressions.value(key)
                keys.append(
                    f"CAST({value.sql} AS TIMESTAMP(3))" if floor_ms(key, expressions.scope) == 1 else value.sql
                )
            parts.append(f"PARTITION BY {', '.join(keys)}")
        for key in window.order_by:
            if floor_ms(key, expressions.scope) != 1:
                raise self.error("a window over a stream is ordered by ROWTIME, which need not be written", key)
        parts.append(f"ORDER BY {expressions.scope.relation.rowtime}")
        parts.append(frame_sql(window))
        return " ".join(parts)

    def _around(self, relation: Relation, results: list[str], columns: list[Column]) -> Relation:
        """A query around the relation that adds the results of one window."""
        kept = [f"{relation.rowtime} AS {quote.name(ROWTIME)}"]
        entries = []
        for entry in relation.entries:
            own = []
            for column in entry.columns:
                name = column.value.sql.rpartition(".`")[2] if ".`" in column.value.sql else column.value.sql[1:]
                sql = "`" + name
                kept.append(column.value.sql if column.value.sql == sql else f"{column.value.sql} AS {sql}")
                own.append(replace(column, value=replace(column.value, sql=sql)))
            rowtime = entry.rowtime
            if rowtime is not None and not entry.gives_time:
                kept.append(rowtime)
            else:
                rowtime = quote.name(ROWTIME) if rowtime is not None else None
            entries.append(replace(entry, columns=tuple(own), rowtime=rowtime))
        entries.append(Entry(None, tuple(columns), None))
        sql = f"SELECT {', '.join(dict.fromkeys(kept))},\n  " + ",\n  ".join(results) + f"\nFROM {relation.sql}"
        return Relation(_nested(sql), tuple(entries), quote.name(ROWTIME))


def frame_sql(window: tree.Window) -> str:
    """The frame of a window; without one it begins with the stream."""
    if window.frame == "ROWS":
        size = "UNBOUNDED" if window.rows is None else str(window.rows)
        return f"ROWS BETWEEN {size} PRECEDING AND CURRENT ROW"
    size = "UNBOUNDED" if window.range_ms is None else interval_sql(window.range_ms)
    return f"RANGE BETWEEN {size} PRECEDING AND CURRENT ROW"


def _nested(sql: str) -> str:
    return "(\n" + "\n".join("  " + line for line in sql.split("\n")) + "\n)"
