"""Queries of Kinesis SQL as queries of Flink SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.context import Context, Rows
from jobs.kinesis.expressions import AGGREGATES, Expressions
from jobs.kinesis.filtering import where_of
from jobs.kinesis.grouping import Grouping
from jobs.kinesis.projection import Target, failures_of, fitted, outputs_of, rows_of, select_list
from jobs.kinesis.relations import Relations, derived_relation
from jobs.kinesis.scope import ROWTIME, Relation, Scope
from jobs.kinesis.sliding import sliding_relation
from jobs.kinesis.sorting import Sorting, sorting_of
from jobs.kinesis.walking import calls_in


class Queries:
    """Translates queries of one application."""

    def __init__(self, context: Context) -> None:
        self.context, self.text = context, context.text

    def rows(self, query: tree.Query, target: Target | None = None) -> Rows:
        """A query; with a target its columns are those of the stream.

        Raises
        ------
        SqlError
            Something in it has no meaning, or none that Flink can give.
        """
        if isinstance(query, tree.Union):
            return self._union(query, target)
        assert isinstance(query, tree.Select)
        return self._select(query, target)

    def _union(self, query: tree.Union, target: Target | None) -> Rows:
        parts = [self.rows(part, target) for part in query.parts]
        first = parts[0]
        for part, other in zip(query.parts[1:], parts[1:], strict=True):
            if len(other.columns) != len(first.columns):
                raise self.text.error(
                    f"UNION ALL: this SELECT gives {len(other.columns)} columns, the first {len(first.columns)}",
                    part.start,
                )
        columns = []
        for index, column in enumerate(first.columns):
            floors = {part.columns[index].floor_ms for part in parts}
            columns.append(replace(column, floor_ms=floors.pop() if len(floors) == 1 else None))
        sql = "\nUNION ALL\n".join(part.sql for part in parts)
        if not query.order_by:
            return Rows(sql, tuple(columns))
        relation = derived_relation(Rows(sql, tuple(columns)), "all", ())
        star = tree.Item(query.start, tree.Star(query.start), None)
        return self._plain(relation, (star,), None, query.order_by, None)

    def _select(self, select: tree.Select, target: Target | None) -> Rows:
        relation = Relations(self.context, self, dict(select.windows)).relation(select.source)
        if relation.rowtime is None:
            raise self.text.error(
                "FROM needs a stream: a reference table can only be joined to one", select.source.start
            )
        aggregates = any(
            call.over is None and call.function in AGGREGATES for item in select.items for call in calls_in(item.value)
        )
        if select.group_by or select.stagger or select.distinct or aggregates or select.having is not None:
            if any(call.over for item in select.items for call in calls_in(item.value)):
                raise self.text.error(
                    "a sliding window over groups: make the groups in a sub-select or in a pump of their own",
                    select.start,
                )
            return Grouping(self.context, select, relation, target).rows()
        where, items, keys = select.where, select.items, select.order_by
        if any(call.over for item in items for call in calls_in(item.value)) or any(
            call.over for key in keys for call in calls_in(key.value)
        ):
            relation, items, keys = sliding_relation(self.context, select, relation)
            where = None
        return self._plain(relation, items, where, keys, target)

    def _plain(
        self,
        relation: Relation,
        items: Sequence[tree.Item],
        where: tree.Expression | None,
        keys: Sequence[tree.SortKey],
        target: Target | None,
    ) -> Rows:
        """A SELECT without groups."""
        scope = Scope(self.text, relation)
        expressions = Expressions(scope)
        chosen = outputs_of(items, expressions)
        outputs = fitted(chosen, target, self.text)
        sorting = sorting_of(keys, chosen, expressions)
        if sorting is None and relation.order is not None:
            sorting = _inherited(relation)
        assert relation.rowtime is not None
        hidden = sorting.hidden if sorting is not None else ()
        conditions, source = where_of(self.context, expressions, where, failures_of(outputs))
        sql = f"SELECT {select_list(relation.rowtime, outputs, hidden)}\nFROM {source}"
        if conditions:
            sql += f"\nWHERE {conditions}"
        return rows_of(sql, outputs, sorting.order if sorting is not None else None)


def _inherited(relation: Relation) -> Sorting:
    """The ORDER BY of a sub-select, done by whoever reads its rows."""
    order = relation.order
    assert order is not None
    assert relation.rowtime is not None
    prefix = relation.rowtime.removesuffix(quote.name(ROWTIME))
    return Sorting(tuple((name, prefix + quote.name(name)) for name, _ in order.keys), order)
