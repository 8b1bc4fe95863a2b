"""Rows of a FROM clause as one view, which is what Flink's windows take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.context import Context
from jobs.kinesis.expressions import Substitute
from jobs.kinesis.scope import ROWTIME, Column, Entry, Relation, Scope, as_value
from jobs.kinesis.walking import names_in


@dataclass(frozen=True)
class Flat:
    """A view and what names mean in it.

    Attributes
    ----------
    view
        Its name.
    relation
        The names of the FROM clause it was made of, as columns of the view.
    group_time
        SQL of the time of a group of its rows.
    substitute
        What stands for whole expressions.
    """

    view: str
    relation: Relation
    group_time: str = "`window_time`"
    substitute: Substitute | None = None

    def at(self, time: str) -> Relation:
        """The names, with all times that are ROWTIME rounded down at another time."""

        def moved(column: Column) -> Column:
            if column.floor_ms is None:
                return column
            return replace(column, value=replace(column.value, sql=time))

        entries = tuple(
            replace(entry, columns=tuple(map(moved, entry.columns)), rowtime=time if entry.rowtime else None)
            for entry in self.relation.entries
        )
        return replace(self.relation, entries=entries, rowtime=time)


def flattened(
    context: Context,
    relation: Relation,
    kept: tuple[str, str] | None,
    used: Iterable[tree.Expression] = (),
) -> Flat:
    """A relation as a view.

    Parameters
    ----------
    context
        The application.
    relation
        The FROM clause.
    kept
        The condition of its WHERE (empty: none) and its text; None: the relation is a view and all its rows count.
    used
        What is read of it; only columns in these are in the view.
    """
    if kept is None:
        assert relation.view is not None
        (entry,) = relation.entries
        physical = tuple(replace(c, value=replace(c.value, sql=_last(c.value.sql))) for c in entry.columns)
        own = replace(entry, columns=physical, rowtime=quote.name(ROWTIME))
        return Flat(relation.view, Relation(quote.name(relation.view), (own,), quote.name(ROWTIME), relation.view))
    scope = Scope(context.text, relation)
    found = [scope.find_any(name) for node in used for name in names_in(node)]
    wanted = {column.value.sql for column in found if column is not None}
    taken: set[str] = {ROWTIME}
    same_time = relation.rowtime == quote.name(ROWTIME)
    listed = [quote.name(ROWTIME) if same_time else f"{relation.rowtime} AS {quote.name(ROWTIME)}"]
    entries = []
    for entry in relation.entries:
        columns = []
        for column in entry.columns:
            record = column.value.fields is not None and any(column.value.sql in sql for sql in wanted)
            if column.value.sql not in wanted and not record:
                continue
            name = _free(column.name, taken)
            taken.add(name)
            same = column.value.sql == quote.name(name)
            listed.append(quote.name(name) if same else f"{column.value.sql} AS {quote.name(name)}")
            columns.append(replace(column, value=replace(column.value, sql=quote.name(name))))
        entries.append(_with_time(entry, tuple(columns), relation, wanted, listed, taken))
    condition, source = kept
    sql = f"SELECT {', '.join(listed)}\nFROM {source}" + (f"\nWHERE {condition}" if condition else "")
    view = context.helper("input", sql)
    return Flat(view, Relation(quote.name(view), tuple(entries), quote.name(ROWTIME), view))


def _with_time(
    entry: Entry, columns: tuple[Column, ...], relation: Relation, wanted: set[str], listed: list[str], taken: set[str]
) -> Entry:
    """The entry with its own ROWTIME, which in a join need not be that of the pair."""
    rowtime = entry.rowtime
    if rowtime is not None and not entry.gives_time and as_value(rowtime) in wanted:
        name = _free(f"{entry.alias} {ROWTIME}", taken)
        taken.add(name)
        listed.append(f"CAST({rowtime} AS TIMESTAMP(3)) AS {quote.name(name)}")
        return replace(entry, columns=columns, rowtime=quote.name(name))
    return replace(entry, columns=columns, rowtime=quote.name(ROWTIME) if rowtime is not None else None)


def _free(name: str, taken: set[str]) -> str:
    found, number = name, 2
    while found in taken:
        found, number = f"{name} {number}", number + 1
    return found


def _last(sql: str) -> str:
    """A column without its alias in front."""
    return "`" + sql.rpartition(".`")[2] if ".`" in sql else sql
