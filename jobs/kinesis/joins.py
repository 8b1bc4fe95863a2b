"""Joins of streams within windows, and of streams with reference tables.

A row of one side joins the rows that are in the window of the other side when it comes. With a window of x behind the
left and of y behind the right relation (none: the rows of the same ROWTIME) that is every pair with
``right.ROWTIME BETWEEN left.ROWTIME - y AND left.ROWTIME + x``, and its ROWTIME is the later one of the two.
"""

from __future__ import annotations

from dataclasses import replace

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.context import Context, Piece, interval_sql, simple_name
from jobs.kinesis.expressions import Expressions
from jobs.kinesis.outside import reference_ddl
from jobs.kinesis.relations import Relations
from jobs.kinesis.scope import ROWTIME, Column, Entry, Relation, Scope
from jobs.kinesis.source_tables import Reference
from jobs.kinesis.walking import names_in


def join(relations: Relations, node: tree.Join) -> Relation:
    """A join, translated.

    Raises
    ------
    SqlError
        It has no meaning, or Flink has nothing that gives the same rows.
    """
    return _Join(relations, node).relation()


class _Join:
    def __init__(self, relations: Relations, node: tree.Join) -> None:
        self.relations, self.node = relations, node
        self.context: Context = relations.context
        self.left = relations.relation(node.left, joined=True)
        self.right = relations.relation(node.right, joined=True)
        aliases = [entry.alias for entry in (*self.left.entries, *self.right.entries)]
        for alias in aliases:
            if aliases.count(alias) > 1:
                raise self.error(f"two relations are called {alias}: give one another alias", node.right)

    def error(self, message: str, node: tree.Node) -> SqlError:
        return self.context.text.error(message, node.start)

    def relation(self) -> Relation:
        for side in (self.left, self.right):
            if side.order is not None:
                raise self.context.text.error(
                    "ORDER BY of rows that are joined has no effect: leave it out", side.order.start
                )
        if self.left.rowtime is None or self.right.rowtime is None:
            return self._with_reference()
        if self.node.kind == "FULL":
            raise self.error("FULL JOIN of streams is not supported: its rows have no ROWTIME on one side", self.node)
        self.context.goes_by_time = True
        left, right = self.left, self.right
        back_left, back_right = self._window(self.node.left), self._window(self.node.right)
        if self.node.kind == "RIGHT":
            left, right, back_left, back_right = right, left, back_right, back_left
        entries = (*self.left.entries, *self.right.entries)
        outer = self.node.kind != "INNER"
        if outer and back_left:
            raise self.error(
                f"the side of a {self.node.kind} JOIN that keeps all its rows has a window: whether a row of it has no "
                "match would change when the other side comes later. Leave that window out",
                self.node,
            )
        word = "LEFT JOIN" if outer else "JOIN"
        assert left.rowtime is not None and right.rowtime is not None
        condition = self._condition(replace(left, entries=entries))
        if back_left and back_right:
            return self._two_windows(left, right, condition, back_left, back_right)
        rowtime = right.rowtime if back_left else left.rowtime
        if back_left or back_right:
            entries = tuple(entry if entry.rowtime == rowtime else entry.as_values() for entry in entries)
        between = _between(left.rowtime, right.rowtime, back_left, back_right)
        on = " AND ".join([*condition, between])
        return Relation(f"{left.sql}\n{word} {right.sql}\n  ON {on}", entries, rowtime)

    def _two_windows(self, left: Relation, right: Relation, condition: list[str], back: int, forth: int) -> Relation:
        """Pairs whose right row came first or at once, and pairs whose left row came first: each has its ROWTIME."""
        entries = (*left.entries, *right.entries)
        inner: list[str] = []
        columns: list[tuple[Entry, tuple[Column, ...]]] = []
        number = 0
        for entry in entries:
            own = []
            for column in entry.columns:
                number += 1
                inner.append(f"{column.value.sql} AS {quote.name(f'c{number}')}")
                own.append(replace(column, value=replace(column.value, sql=f"`joined`.{quote.name(f'c{number}')}")))
            number += 1
            inner.append(f"CAST({entry.rowtime} AS TIMESTAMP(3)) AS {quote.name(f'c{number}')}")
            columns.append((replace(entry, rowtime=f"`joined`.{quote.name(f'c{number}')}"), tuple(own)))
        listed = ", ".join(inner)
        earlier = (
            f"{right.rowtime} BETWEEN {left.rowtime} - {interval_sql(forth)} AND {left.rowtime}",
            left.rowtime,
        )
        later = (
            f"{right.rowtime} BETWEEN {left.rowtime} + {interval_sql(1)} AND {left.rowtime} + {interval_sql(back)}",
            right.rowtime,
        )
        parts = [
            f"  SELECT {rowtime} AS {quote.name(ROWTIME)}, {listed}\n  FROM {left.sql}\n  JOIN {right.sql}\n"
            f"    ON {' AND '.join([*condition, between])}"
            for between, rowtime in (earlier, later)
        ]
        sql = "(\n" + "\n  UNION ALL\n".join(parts) + "\n) AS `joined`"
        flat = tuple(replace(entry, columns=own).as_values() for entry, own in columns)
        return Relation(sql, flat, f"`joined`.{quote.name(ROWTIME)}")

    def _condition(self, both: Relation) -> list[str]:
        node = self.node.condition
        if node is None:
            return []
        value = Expressions(Scope(self.context.text, both)).condition(node, "ON")
        if value.failures:
            raise self.error(
                "an expression that can fail has no place in the condition of a join: compute it in a pump before", node
            )
        return [value.sql]

    def _window(self, node: tree.Relation) -> int:
        """How far a relation's window goes back, in milliseconds; none is the present only."""
        window: tree.Window | None = getattr(node, "over", None)
        if window is None:
            return 0
        place = window
        if window.name is not None:
            named = self.relations.windows.get(window.name)
            if named is None:
                raise self.error(f"there is no window {window.name}: WINDOW {window.name} AS (...) is missing", place)
            window = named
        if window.partition_by:
            raise self.error(
                "the window of a join has no PARTITION BY: the condition of the join says which rows", place
            )
        if window.frame == "ROWS":
            raise self.error(
                "a join with the last rows of a stream is not supported, Flink joins streams by time: take RANGE", place
            )
        if window.range_ms is None:
            raise self.error("the window of a join has an end: RANGE INTERVAL '1' MINUTE PRECEDING, say", place)
        return window.range_ms

    # ---------------------------------------------------------------- reference tables

    def _with_reference(self) -> Relation:
        left, right = self.left, self.right
        if left.rowtime is None and right.rowtime is None:
            raise self.error("two reference tables cannot be joined to each other here", self.node)
        kind = self.node.kind
        if left.rowtime is None:
            left, right = right, left
            kind = {"LEFT": "RIGHT", "RIGHT": "LEFT"}.get(kind, kind)
        table = self.node.right if right is self.right else self.node.left
        assert isinstance(table, tree.StreamName)
        if kind in ("RIGHT", "FULL"):
            raise self.error(f"{self.node.kind} JOIN would give rows of the reference table without a time", self.node)
        if table.over is not None:
            raise self.error("a reference table does not change, so it has no window: leave OVER out", table.over)
        entries = (*self.left.entries, *self.right.entries)
        assert left.rowtime is not None
        both = Relation("", entries, left.rowtime)
        if self.node.condition is None:
            raise self.error("a reference table is joined ON the equality of its key with a column", self.node)
        (condition,) = self._condition(both)
        keys = self._keys(self.node.condition, right.entries[0], Scope(self.context.text, both))
        physical = self._reference(self.context.references[table.name], keys, table)
        alias = quote.name(right.entries[0].alias or table.name)
        word = "LEFT JOIN" if kind == "LEFT" else "JOIN"
        table_sql = f"{quote.name(physical)} FOR SYSTEM_TIME AS OF {left.rowtime} AS {alias}"
        sql = f"{left.sql}\n{word} {table_sql}\n  ON {condition}"
        return Relation(sql, entries, left.rowtime)

    def _keys(self, node: tree.Expression, table: Entry, scope: Scope) -> tuple[str, ...]:
        """The columns of the table that the condition sets equal to something of the stream."""
        found: list[str] = []
        for part in _conjuncts(node):
            if not isinstance(part, tree.Binary) or part.operator != "=":
                continue
            for own, other in ((part.left, part.right), (part.right, part.left)):
                if not isinstance(own, tree.Name):
                    continue
                column = scope.find(own)
                inside = [scope.find(name) for name in names_in(other)]
                if column in table.columns and inside and not any(each in table.columns for each in inside):
                    found.append(column.name)
        if not found:
            raise self.error(
                "the condition sets no column of the reference table equal to one of the stream: "
                f'... ON "{table.alias}"."key" = "stream"."column"',
                node,
            )
        return tuple(dict.fromkeys(found))

    def _reference(self, reference: Reference, keys: tuple[str, ...], node: tree.Node) -> str:
        made = self.context.reference_tables.get((reference.name, keys))
        if made is not None:
            return made
        self.context.check_unique(reference, keys, node.start)
        by = "_and_".join(keys)
        name = self.context.new_name(simple_name(f"{reference.name}_by_{by}"))
        self.context.reference_tables[reference.name, keys] = name
        ddl = reference_ddl(self.context.place, reference, name, keys)
        title = f"{reference.name}: the reference table, by {', '.join(keys)}"
        self.context.tables.append(Piece(ddl, None, title))
        return name


def _between(left: str, right: str, back_left: int, back_right: int) -> str:
    low = f"{left} - {interval_sql(back_right)}" if back_right else left
    high = f"{left} + {interval_sql(back_left)}" if back_left else left
    return f"{right} BETWEEN {low} AND {high}"


def _conjuncts(node: tree.Expression) -> list[tree.Expression]:
    if isinstance(node, tree.Binary) and node.operator == "AND":
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]
