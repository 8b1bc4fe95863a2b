"""Reading queries of Kinesis SQL: SELECT and what stands behind FROM."""

from __future__ import annotations

from typing import Final

from jobs.kinesis import tree
from jobs.kinesis.parse_expressions import ExpressionReader
from jobs.kinesis.parse_literals import read_interval
from jobs.kinesis.tokens import stored_name
from jobs.sql.tokens import Kind

#: Words behind a relation that are no alias.
_NO_ALIAS: Final = frozenset({"OVER", "ON", "WINDOWED", "WINDOW"})


class QueryReader(ExpressionReader):
    """Queries, relations and windows."""

    def query(self) -> tree.Query:
        """A SELECT, or several with UNION ALL between them."""
        start = self.start
        parts = self._operand()
        while self.upper() in ("UNION", "INTERSECT", "EXCEPT"):
            place, word = self.start, self.take().upper
            if word != "UNION" or not self.accept("ALL"):
                raise self.error(f"expected UNION ALL: {word} without ALL would have to keep all rows for ever", place)
            parts += self._operand()
        order_by = self._order_by()
        if self.upper() in ("LIMIT", "FETCH", "OFFSET"):
            raise self.error(f"a stream never ends, so {self.upper()} has no place: use TOP_K_ITEMS_TUMBLING")
        if len(parts) == 1:
            (one,) = parts
            if not order_by:
                return one
            return tree.Select(**{**vars(one), "order_by": order_by})
        inner = next((key for part in parts for key in part.order_by), None)
        if inner is not None:
            raise self.error("ORDER BY stands behind the last SELECT of UNION ALL", inner.start)
        return tree.Union(start, tuple(parts), order_by)

    def _operand(self) -> list[tree.Select]:
        if not self.sees("("):
            return [self._select()]
        self.take()
        inner = self.query()
        self.expect(")", "that closes the query")
        if isinstance(inner, tree.Union):
            if inner.order_by:
                raise self.error("ORDER BY stands behind the last SELECT of UNION ALL", inner.order_by[0].start)
            return list(inner.parts)
        assert isinstance(inner, tree.Select)
        return [inner]

    def _select(self) -> tree.Select:
        start = self.start
        self.expect("SELECT", "here")
        distinct = False
        while self.upper() in ("STREAM", "DISTINCT", "ALL") and not self._is_column():
            distinct = self.take().upper == "DISTINCT" or distinct
        items = [self._item()]
        while self.accept(","):
            items.append(self._item())
        if not self.sees("FROM"):
            self.expected("a comma or FROM behind the select list")
        self.take()
        source = self._relations()
        where = self.expression() if self.accept("WHERE") else None
        group_by: tuple[tree.Expression, ...] = ()
        stagger = None
        windows: list[tuple[str, tree.Window]] = []
        if self.sees("WINDOWED"):
            stagger = self._stagger()
        if self.sees("GROUP"):
            if stagger is not None:
                raise self.error("WINDOWED BY STAGGER takes the place of GROUP BY: keep one of them")
            self.take()
            self.expect("BY", "behind GROUP")
            group_by = self.expressions()
            if self.sees("WINDOWED"):
                raise self.error("WINDOWED BY STAGGER takes the place of GROUP BY: keep one of them")
        having = self.expression() if self.accept("HAVING") else None
        if self.sees("WINDOW"):
            self.take()
            windows = [self._named_window()]
            while self.accept(","):
                windows.append(self._named_window())
        return tree.Select(
            start,
            tuple(items),
            distinct,
            source,
            where,
            group_by,
            stagger,
            having,
            tuple(windows),
            (),
        )

    def _is_column(self) -> bool:
        """Whether the word STREAM names a column: it ends there, or a dot follows."""
        return self.upper() == "STREAM" and self.upper(1) in (",", "FROM", ".", "AS")

    def _item(self) -> tree.Item:
        start = self.start
        if self.sees("*"):
            self.take()
            return tree.Item(start, tree.Star(start), None)
        if self.sees_name and self.upper(1) == "." and self.upper(2) == "*":
            qualifier = stored_name(self.take())
            self.at += 2
            return tree.Item(start, tree.Star(start, qualifier), None)
        value = self.expression()
        alias = None
        if self.accept("AS"):
            alias = self.name("an alias behind AS")
        elif self.sees_name:
            alias = stored_name(self.take())
        return tree.Item(start, value, alias)

    def _order_by(self) -> tuple[tree.SortKey, ...]:
        if not self.sees("ORDER"):
            return ()
        self.take()
        self.expect("BY", "behind ORDER")
        keys = [self._sort_key()]
        while self.accept(","):
            keys.append(self._sort_key())
        return tuple(keys)

    def _sort_key(self) -> tree.SortKey:
        start = self.start
        value = self.expression()
        descending = self.sees("DESC")
        if self.upper() in ("ASC", "DESC"):
            self.take()
        if self.sees("NULLS"):
            raise self.error("NULLS FIRST and NULLS LAST are not supported: NULL sorts as the smallest value")
        return tree.SortKey(start, value, descending)

    # ---------------------------------------------------------------- relations

    def _relations(self) -> tree.Relation:
        left = self._joined()
        while self.sees(","):
            start = self.take().start
            left = tree.Join(start, "INNER", left, self._joined(), None)
        return left

    def _joined(self) -> tree.Relation:
        left = self._relation()
        while True:
            start = self.start
            kind = self._join_kind()
            if kind is None:
                return left
            right = self._relation()
            condition = None
            if kind != "CROSS":
                if self.sees("USING"):
                    raise self.error("write the condition of the join with ON, USING is not supported")
                if not self.accept("ON"):
                    self.expected("ON and the condition of the join")
                condition = self.expression()
            left = tree.Join(start, "INNER" if kind == "CROSS" else kind, left, right, condition)

    def _join_kind(self) -> str | None:
        word = self.upper()
        if word == "JOIN":
            self.take()
            return "INNER"
        if word == "NATURAL":
            raise self.error("write the condition of the join with ON, NATURAL is not supported")
        if word not in ("INNER", "LEFT", "RIGHT", "FULL", "CROSS"):
            return None
        self.take()
        if word in ("LEFT", "RIGHT", "FULL"):
            self.accept("OUTER")
        self.expect("JOIN", f"behind {word}")
        return word

    def _relation(self) -> tree.Relation:
        start = self.start
        if self.sees("TABLE"):
            return self._table_call()
        if self.sees("LATERAL"):
            raise self.error("LATERAL is not Kinesis SQL")
        if self.sees("("):
            if self.upper(1) in ("SELECT", "("):
                return self._derived()
            self.take()
            inside = self._relations()
            self.expect(")", "that closes the join")
            return inside
        name = self.name("the name of a stream, a query in parentheses or TABLE(...)")
        while self.accept("."):
            name = self.name("the name of a stream behind the dot")
        if self.sees("("):
            raise self.error(
                f"a function stands in TABLE(...): FROM TABLE({name}(CURSOR(SELECT STREAM ...), ...))", start
            )
        over, alias, _ = self._behind_relation(columns=False)
        return tree.StreamName(start, name, alias, over)

    def _derived(self) -> tree.Relation:
        start = self.take().start
        query = self.query()
        self.expect(")", "that closes the query")
        over, alias, columns = self._behind_relation(columns=True)
        return tree.Derived(start, query, alias, columns, over)

    def _table_call(self) -> tree.Relation:
        start = self.take().start
        self.expect("(", "behind TABLE")
        name_start = self.start
        function = self.name("the name of a table function")
        self.expect("(", f"behind {function}")
        if not self.sees("CURSOR"):
            self.expected(f"CURSOR(SELECT STREAM ...) as the first argument of {function}")
        self.take()
        self.expect("(", "behind CURSOR")
        cursor = self.query()
        self.expect(")", "that closes CURSOR")
        arguments: tuple[tree.Expression, ...] = ()
        if self.accept(","):
            arguments = self.expressions()
        self.expect(")", f"that closes {function}")
        self.expect(")", "that closes TABLE")
        over, alias, columns = self._behind_relation(columns=True)
        return tree.TableCall(start, function, name_start, cursor, arguments, alias, columns, over)

    def _behind_relation(self, *, columns: bool) -> tuple[tree.Window | None, str | None, tuple[str, ...]]:
        """OVER and an alias, in either order."""
        over = self.over() if self.accept("OVER") else None
        alias = None
        names: list[str] = []
        if self.accept("AS"):
            alias = self.name("an alias behind AS")
        elif self.sees_name and not (self.kind() is Kind.WORD and self.upper() in _NO_ALIAS):
            alias = stored_name(self.take())
        if alias is not None and self.accept("("):
            if not columns:
                raise self.error("the columns of a stream have their names already")
            names.append(self.name("the name of a column"))
            while self.accept(","):
                names.append(self.name("the name of a column"))
            self.expect(")", "behind the names of the columns")
        if over is None and self.accept("OVER"):
            over = self.over()
        return over, alias, tuple(names)

    # ---------------------------------------------------------------- windows

    def over(self) -> tree.Window:
        """A window's name, or its description in parentheses."""
        start = self.start
        if self.sees("("):
            return self._window()
        return tree.Window(start, self.name("a window in parentheses or its name"), (), (), None, None, None)

    def _named_window(self) -> tuple[str, tree.Window]:
        name = self.name("the name of a window")
        self.expect("AS", "behind the name of a window")
        if not self.sees("("):
            self.expected("( and the window behind AS")
        return name, self._window()

    def _window(self) -> tree.Window:
        start = self.take().start
        name = None
        partition_by: tuple[tree.Expression, ...] = ()
        order_by: list[tree.Expression] = []
        if (
            self.sees_name
            and self.upper() not in ("RANGE", "ROWS")
            and self.upper(1) in (")", "PARTITION", "ORDER", "RANGE", "ROWS")
        ):
            name = stored_name(self.take())
        if self.accept("PARTITION"):
            self.expect("BY", "behind PARTITION")
            partition_by = self.expressions()
        for key in self._order_by():
            if key.descending:
                raise self.error("a window over a stream goes forward in time: DESC has no place", key.start)
            order_by.append(key.value)
        frame: str | None = None
        rows: int | None = None
        range_ms: int | None = None
        if self.upper() in ("RANGE", "ROWS"):
            frame = self.take().upper
            if self.accept("BETWEEN"):
                rows, range_ms = self._bound(frame)
                self.expect("AND", "between the bounds of the window")
                self._last_bound()
            else:
                rows, range_ms = self._bound(frame)
        if not self.sees(")"):
            self.expected("PARTITION BY, RANGE, ROWS or ) in a window")
        self.take()
        return tree.Window(start, name, partition_by, tuple(order_by), frame, rows, range_ms)

    def _bound(self, frame: str) -> tuple[int | None, int | None]:
        start = self.start
        if self.accept("UNBOUNDED"):
            if self.sees("FOLLOWING"):
                raise self.error("a window ends at the current row: FOLLOWING has no place", start)
            self.expect("PRECEDING", "behind UNBOUNDED")
            return None, None
        if self.accept("CURRENT"):
            self.expect("ROW", "behind CURRENT")
            return (0, None) if frame == "ROWS" else (None, 0)
        if frame == "ROWS":
            if self.sees("-"):
                raise self.error("a window has no negative size")
            rows = self.whole_number("a number of rows behind ROWS, such as ROWS 10 PRECEDING")
            self._preceding(start)
            return rows, None
        if not self.sees("INTERVAL"):
            self.expected("an interval behind RANGE, such as RANGE INTERVAL '1' MINUTE PRECEDING")
        interval = read_interval(self)
        if interval.milliseconds is None:
            raise self.error("a window has a fixed length: months and years have none", start)
        if interval.milliseconds < 0:
            raise self.error("a window has no negative size", start)
        self._preceding(start)
        return None, interval.milliseconds

    def _preceding(self, start: int) -> None:
        if self.sees("FOLLOWING"):
            raise self.error("a window ends at the current row: FOLLOWING has no place", start)
        self.expect("PRECEDING", "behind the size of the window")

    def _last_bound(self) -> None:
        start = self.start
        if self.accept("CURRENT"):
            self.expect("ROW", "behind CURRENT")
            return
        raise self.error("a window ends at the current row: write AND CURRENT ROW", start)

    def _stagger(self) -> tree.Window:
        self.take()
        self.expect("BY", "behind WINDOWED")
        self.expect("STAGGER", "behind WINDOWED BY")
        start = self.start
        self.expect("(", "behind STAGGER")
        self.expect("PARTITION", "in WINDOWED BY STAGGER")
        self.expect("BY", "behind PARTITION")
        partition_by = self.expressions()
        self.expect("RANGE", "and an interval behind the keys of WINDOWED BY STAGGER")
        if not self.sees("INTERVAL"):
            self.expected("an interval behind RANGE, such as RANGE INTERVAL '1' MINUTE")
        place = self.start
        interval = read_interval(self)
        if not interval.milliseconds or interval.milliseconds < 0:
            raise self.error(
                "the age of a stagger window is a positive number of seconds, minutes, hours or days", place
            )
        self.expect(")", "that closes WINDOWED BY STAGGER")
        return tree.Window(start, None, partition_by, (), "RANGE", None, interval.milliseconds)
