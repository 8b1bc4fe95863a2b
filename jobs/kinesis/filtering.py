"""Which rows a query keeps: its WHERE, and of those the ones that do not fail."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.kinesis import tree
from jobs.kinesis.context import Context
from jobs.kinesis.expressions import Expressions
from jobs.kinesis.values import Failure


def where_of(
    context: Context, expressions: Expressions, where: tree.Expression | None, failures: Sequence[Failure]
) -> tuple[str, str]:
    """The condition behind WHERE and the text behind FROM; rows that fail go to the error stream instead."""
    relation = expressions.scope.relation
    condition = expressions.condition(where, "WHERE") if where is not None else None
    parts = [condition.sql] if condition is not None else []
    own = list(dict.fromkeys((*(condition.failures if condition is not None else ()), *failures)))
    if own:
        assert relation.rowtime is not None
        data = [column.value.sql for column in expressions.scope.all_columns if column.value.fields is None]
        # a row whose WHERE fails is one too
        before = ""
        if condition is not None:
            unknown = " OR ".join(f.condition for f in condition.failures)
            before = f"({condition.sql} IS TRUE{' OR ' + unknown if unknown else ''}) AND"
        context.fails(own, f"FROM {relation.sql}\nWHERE {before}", relation.rowtime, data)
        parts.append(f"({' OR '.join(f.condition for f in own)}) IS NOT TRUE")
    return " AND ".join(parts), relation.sql
