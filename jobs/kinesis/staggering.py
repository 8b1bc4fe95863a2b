"""WINDOWED BY STAGGER: windows of a key that its first row opens and that close when their age is over.

Which window a row belongs to depends on all rows of its key before it, which no window of Flink's can say: the table
function STAGGER does. The rows of a key and of one opening are then a session: they lie within the age, so a gap of the
age keeps them together, and the session closes by the watermark, which any row of the stream moves on.
"""

from __future__ import annotations

from dataclasses import replace

from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.context import Context, Rows, interval_sql
from jobs.kinesis.expressions import Expressions
from jobs.kinesis.filtering import where_of
from jobs.kinesis.flattening import Flat
from jobs.kinesis.grouping import Groups, aggregate_failures, grouped_rows
from jobs.kinesis.projection import Target
from jobs.kinesis.scope import ROWTIME, Relation, Scope, as_value
from jobs.kinesis.time_terms import floor_ms
from jobs.kinesis.values import Value

_OPENED = "window_opened"


def staggered(context: Context, select: tree.Select, relation: Relation, target: Target | None) -> Rows:
    """A SELECT that is windowed by stagger.

    Raises
    ------
    SqlError
        Something in it stands in no group.
    """
    stagger = select.stagger
    assert stagger is not None and stagger.range_ms is not None
    text = context.text
    scope = Scope(text, relation)
    expressions = Expressions(scope)
    for key in stagger.partition_by:
        if floor_ms(key, scope) is not None:
            raise text.error(
                "ROWTIME as a key of a stagger window cuts it where the clock does: leave it out, or take GROUP BY",
                key.start,
            )
    keys = [expressions.value(key) for key in stagger.partition_by]
    failures = [*aggregate_failures(select, expressions), *(f for key in keys for f in key.failures)]
    condition, source = where_of(context, expressions, select.where, tuple(dict.fromkeys(failures)))
    listed = [f"{relation.rowtime} AS {quote.name(ROWTIME)}"]
    entries = []
    for number, entry in enumerate(relation.entries):
        columns = []
        for column in entry.columns:
            if column.value.fields is not None:
                continue
            name = column.name if len(relation.entries) == 1 else f"{column.name} {number + 1}"
            written = f"CAST({column.value.sql} AS TIMESTAMP(3))" if column.floor_ms == 1 else column.value.sql
            listed.append(f"{written} AS {quote.name(name)}")
            columns.append(replace(column, value=replace(column.value, sql=quote.name(name))))
        rowtime = quote.name(ROWTIME) if entry.rowtime is not None else None
        if entry.rowtime is not None and not entry.gives_time:
            rowtime = quote.name(f"{ROWTIME} {number + 1}")
            listed.append(f"{as_value(entry.rowtime)} AS {rowtime}")
        entries.append(replace(entry, columns=tuple(columns), rowtime=rowtime))
    names = [f"key {number + 1}" for number in range(len(keys))]
    listed += [f"{key.sql} AS {quote.name(name)}" for key, name in zip(keys, names, strict=True)]
    listed.append("1 AS `one`")
    where = f"\nWHERE {condition}" if condition else ""
    rows = context.helper("input", f"SELECT {', '.join(listed)}\nFROM {source}{where}")
    opened = context.helper(
        "opened",
        f"SELECT *\nFROM STAGGER(\n  input   => TABLE {quote.name(rows)} PARTITION BY {quote.names(names)},\n"
        f"  on_time => DESCRIPTOR({quote.name(ROWTIME)}),\n  columns => DESCRIPTOR(`one`),\n"
        f"  age     => {interval_sql(stagger.range_ms)},\n"
        f"  idle    => {interval_sql(max(2 * stagger.range_ms, 60_000))})",
    )
    # as a group and not as TABLE(SESSION(...)): a view with that one loses the parentheses of its several keys
    session = f"({quote.name(ROWTIME)}, {interval_sql(stagger.range_ms)})"
    closed = f"SESSION_ROWTIME{session}"
    flat = Flat(opened, Relation(quote.name(opened), tuple(entries), quote.name(ROWTIME), opened), closed)
    groups = _StaggerGroups(context, flat, list(stagger.partition_by), names, keys)
    window = (quote.name(_OPENED), f"SESSION{session}")
    return grouped_rows(context, select, target, groups, quote.name(opened), window, closed)


class _StaggerGroups(Groups):
    """Groups whose keys were computed before, as columns of their own."""

    def __init__(
        self, context: Context, flat: Flat, terms: list[tree.Expression], names: list[str], values: list[Value]
    ) -> None:
        super().__init__(context, flat, terms, None)
        own = [replace(v, sql=quote.name(name), failures=()) for name, v in zip(names, values, strict=True)]
        sqls = [self.rows.value(term).sql for term in terms]
        self.keys = dict(zip(sqls, own, strict=True))

    @property
    def key_columns(self) -> list[str]:
        """What GROUP BY lists."""
        return [value.sql for value in self.keys.values()]
