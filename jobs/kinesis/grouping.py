"""GROUP BY and DISTINCT over a stream: tumbling windows; WINDOWED BY STAGGER."""

from __future__ import annotations

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.aggregates import aggregate
from jobs.kinesis.context import Context, Rows, interval_sql
from jobs.kinesis.expressions import OF_GROUPS, Expressions
from jobs.kinesis.filtering import where_of
from jobs.kinesis.flattening import Flat, flattened
from jobs.kinesis.projection import Target, failures_of, fitted, outputs_of, rows_of, select_list
from jobs.kinesis.scope import ROWTIME, Relation, Scope
from jobs.kinesis.sorting import sorting_of
from jobs.kinesis.time_terms import floor_ms, no_window, window_ms
from jobs.kinesis.values import TIMESTAMP, Failure, Value
from jobs.kinesis.walking import calls_in

#: What Flink calls the parts of a window.
WINDOW = ("`window_start`", "`window_end`", "`window_time`")


class Grouping:
    """Translates one SELECT with groups."""

    def __init__(self, context: Context, select: tree.Select, relation: Relation, target: Target | None) -> None:
        self.context, self.text, self.select, self.target = context, context.text, select, target
        self.relation = relation
        self.scope = Scope(self.text, relation)
        context.goes_by_time = True

    def error(self, message: str, node: tree.Node) -> SqlError:
        return self.text.error(message, node.start)

    def rows(self) -> Rows:
        """The SELECT, translated.

        Raises
        ------
        SqlError
            It has no window, or something in it stands in no group.
        """
        if self.select.stagger is not None:
            from jobs.kinesis.staggering import staggered

            return staggered(self.context, self.select, self.relation, self.target)
        terms = self._terms()
        times = [(node, size) for node in terms if (size := floor_ms(node, self.scope)) is not None]
        if not times:
            what = "DISTINCT" if self.select.distinct else "GROUP BY" if terms else "an aggregate"
            place = self.select.group_by[0].start if self.select.group_by else self.select.items[0].start
            raise no_window(self.scope, what, place)
        window = window_ms(times, self.scope)
        flat = flat_input(self.context, self.select, self.relation, tuple(terms))
        groups = Groups(self.context, flat, terms, window)
        source = (
            f"TABLE(TUMBLE(TABLE {quote.name(flat.view)}, DESCRIPTOR({quote.name(ROWTIME)}), {interval_sql(window)}))"
        )
        return grouped_rows(self.context, self.select, self.target, groups, source, WINDOW)

    def _terms(self) -> list[tree.Expression]:
        """What the rows are grouped by; an alias of the select list stands for its expression."""
        select = self.select
        if select.distinct:
            if select.group_by:
                raise self.error("DISTINCT and GROUP BY in one SELECT: GROUP BY gives each group once already", select)
            found = []
            for item in select.items:
                if isinstance(item.value, tree.Star):
                    raise self.error("DISTINCT * over a stream has no window: name the columns and a time", item)
                if calls_in(item.value) and any(call.function in OF_GROUPS for call in calls_in(item.value)):
                    raise self.error("DISTINCT with an aggregate: take GROUP BY", item)
                found.append(item.value)
            return found
        aliases = {item.alias: item.value for item in select.items if item.alias}
        found = []
        for term in select.group_by:
            if isinstance(term, tree.Name) and len(term.parts) == 1 and not self._is_column(term):
                found.append(aliases.get(term.parts[0], term))
            else:
                found.append(term)
        return found

    def _is_column(self, name: tree.Name) -> bool:
        return name.parts[0] == ROWTIME or any(c.name == name.parts[0] for c in self.scope.all_columns)


def flat_input(context: Context, select: tree.Select, relation: Relation, terms: tuple[tree.Expression, ...]) -> Flat:
    """The rows of FROM and WHERE as a view; rows in which something fails are left out of it."""
    expressions = Expressions(Scope(context.text, relation))
    inside = aggregate_failures(select, expressions)
    for term in terms:
        inside += expressions.value(term).failures
    sources = read_in(select)
    if select.where is None and not inside and relation.view is not None:
        return flattened(context, relation, None)
    condition, source = where_of(context, expressions, select.where, tuple(dict.fromkeys(inside)))
    return flattened(context, relation, (condition, source), used=[*sources, *terms])


def read_in(select: tree.Select) -> list[tree.Expression]:
    """The expressions over groups of a SELECT."""
    having = [select.having] if select.having is not None else []
    return [*(item.value for item in select.items), *(key.value for key in select.order_by), *having]


def aggregate_failures(select: tree.Select, expressions: Expressions) -> list[Failure]:
    """When an argument of an aggregate fails for a row."""
    found: list[Failure] = []
    for node in read_in(select):
        for call in calls_in(node):
            if call.function in OF_GROUPS and call.over is None:
                for argument in call.arguments:
                    if not isinstance(argument, tree.Star):
                        found += expressions.value(argument).failures
    return found


class Groups:
    """Expressions over groups: keys, aggregates of the rest, and the window's time."""

    def __init__(self, context: Context, flat: Flat, terms: list[tree.Expression], window: int | None) -> None:
        self.context, self.flat, self.window = context, flat, window
        self.rows = Expressions(Scope(context.text, flat.relation), flat.substitute)
        self.keys: dict[str, Value] = {}
        start = Value(WINDOW[0], TIMESTAMP)
        at_start = Scope(context.text, flat.at("`window_start`"))
        self.at_start = Expressions(at_start)
        self.start = start
        for term in terms:
            if self.time(term) is None:
                value = self.rows.value(term)
                self.keys.setdefault(value.sql, value)
        self.expressions = Expressions(self.rows.scope, self._substitute)

    @property
    def key_columns(self) -> list[str]:
        """What GROUP BY lists, the window left out."""
        return list(self.keys)

    def time(self, node: tree.Expression) -> int | None:
        """To what a group's time is rounded in an expression, if it is one and the window knows it."""
        if self.window is None:
            return None
        size = floor_ms(node, self.rows.scope)
        return size if size is not None and size % self.window == 0 and (size > 1 or self.window == 1) else None

    def _substitute(self, node: tree.Expression) -> Value | None:
        size = self.time(node)
        if size is not None:
            return self.start if size == self.window and _is_time(node) else self.at_start.value(node)
        if isinstance(node, tree.Call) and node.function in OF_GROUPS and node.over is None:
            return aggregate(node, self.rows)
        if isinstance(node, tree.Call) and node.function == "MONOTONIC":
            return None
        if isinstance(node, tree.Name):
            column = self.rows.scope.find(node)
            if column.name == ROWTIME and column.floor_ms == 1:
                return Value(f"CAST({self.flat.group_time} AS TIMESTAMP(3))", TIMESTAMP)
            if column.value.sql in self.keys:
                return self.keys[column.value.sql]
            raise self.context.text.error(
                f"{'.'.join(node.parts)} stands neither in GROUP BY nor in an aggregate", node.start
            )
        if isinstance(node, tree.Star | tree.Number | tree.Text | tree.Truth | tree.Moment | tree.Interval):
            return None
        if any(call.function in OF_GROUPS for call in calls_in(node)):
            return None
        return self.keys.get(self.rows.value(node).sql)


def _is_time(node: tree.Expression) -> bool:
    return isinstance(node, tree.Step | tree.Name | tree.Rounded) and not (
        isinstance(node, tree.Rounded) and not isinstance(node.operand, tree.Name)
    )


def grouped_rows(
    context: Context,
    select: tree.Select,
    target: Target | None,
    groups: Groups,
    source: str,
    window: tuple[str, ...],
    rowtime: str = WINDOW[2],
) -> Rows:
    """A SELECT over groups, given what they are made of."""
    expressions = groups.expressions
    for item in select.items:
        if isinstance(item.value, tree.Star):
            raise context.text.error("a star has no place beside GROUP BY: name the keys and aggregates", item.start)
    chosen = outputs_of(select.items, expressions)
    outputs = fitted(chosen, target, context.text)
    sorting = sorting_of(select.order_by, chosen, expressions)
    having = expressions.condition(select.having, "HAVING") if select.having is not None else None
    failures = tuple(dict.fromkeys((*(having.failures if having is not None else ()), *failures_of(outputs))))
    hidden = sorting.hidden if sorting is not None else ()
    keys = [*groups.key_columns, *window]
    sql = f"SELECT {select_list(rowtime, outputs, hidden)}\nFROM {source}\nGROUP BY {', '.join(keys)}"
    conditions = [having.sql] if having is not None else []
    if failures:
        inner = f"FROM {source}\nGROUP BY {', '.join(keys)}\nHAVING"
        if having is not None:
            inner += f" {having.sql} IS NOT FALSE AND"
        context.fails(failures, inner, rowtime, groups.key_columns)
        conditions.append(f"({' OR '.join(f.condition for f in failures)}) IS NOT TRUE")
    if conditions:
        sql += f"\nHAVING {' AND '.join(conditions)}"
    return rows_of(sql, outputs, sorting.order if sorting is not None else None)
