"""Expressions of Kinesis SQL as expressions of Flink SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.kinesis import time_arithmetic as times
from jobs.kinesis import tree
from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.functions import SCALARS
from jobs.kinesis.functions.declaration import ArgumentFault
from jobs.kinesis.functions.time_texts import extract
from jobs.kinesis.scope import Scope, as_value
from jobs.kinesis.time_arithmetic import is_time
from jobs.kinesis.values import (
    BIGINT,
    BOOLEAN,
    DATE,
    DECIMAL,
    TIME,
    TIMESTAMP,
    VARCHAR,
    Failure,
    Value,
    cast,
    guarded,
    number_literal,
    text_literal,
    wider,
)
from jobs.sql.suggest import did_you_mean

#: Aggregates of the dialect.
AGGREGATES: Final = frozenset(
    {"COUNT", "SUM", "AVG", "MIN", "MAX", "STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP", "STDDEV", "VARIANCE"}
    | {"ANY", "EVERY"}
)
#: Functions that need a window; the ends of a group can also be asked for.
POSITIONAL: Final = frozenset({"LAG", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE"})
#: Functions of the rows of a group, when nothing stands behind them.
OF_GROUPS: Final = AGGREGATES | {"FIRST_VALUE", "LAST_VALUE"}
#: What the reference has and Flink cannot give, with the reason.
REFUSED: Final[Mapping[str, str]] = {
    "EXP_AVG": "its weights depend on the clock of each row, which Flink's windows do not offer",
    "LEAD": "a stream does not know its next row",
    "RANK": "use GROUP_RANK",
    "ROW_NUMBER": "use GROUP_RANK or TOP_K_ITEMS_TUMBLING",
}

#: A replacement for an expression as a whole: group terms, aggregates, windows.
Substitute = Callable[[tree.Expression], Value | None]


class Expressions:
    """Translates expressions over a scope.

    Parameters
    ----------
    scope
        What names mean.
    substitute
        Asked first for every expression; what it gives is taken.
    """

    def __init__(self, scope: Scope, substitute: Substitute | None = None) -> None:
        self.scope, self.text, self.substitute = scope, scope.text, substitute

    def error(self, message: str, node: tree.Node) -> SqlError:
        return self.text.error(message, node.start)

    def value(self, node: tree.Expression) -> Value:
        """The Flink expression of an expression.

        Raises
        ------
        SqlError
            It has no meaning, or none that Flink can give.
        """
        found = self.substitute(node) if self.substitute is not None else None
        if found is not None:
            return found
        handler: Callable[[tree.Expression], Value] = getattr(self, f"_{type(node).__name__.lower()}")
        return handler(node)

    def condition(self, node: tree.Expression, where: str) -> Value:
        """An expression that must be a BOOLEAN."""
        found = self.value(node)
        if found.type is not None and found.type.name != "BOOLEAN":
            raise self.error(f"{where} needs a condition, got {found.type}", node)
        return found

    def integer(self, node: tree.Expression) -> int | None:
        """The value of a whole number that is written out; None for anything else."""
        if isinstance(node, tree.Unary) and node.operator == "-":
            inner = self.integer(node.operand)
            return None if inner is None else -inner
        return int(node.text) if isinstance(node, tree.Number) and node.text.isdigit() else None

    # ---------------------------------------------------------------- leaves

    def _name(self, node: tree.Name) -> Value:
        return self.scope.find(node).value

    def _star(self, node: tree.Star) -> Value:
        raise self.error("a star stands by itself in a select list, or in COUNT(*)", node)

    def _number(self, node: tree.Number) -> Value:
        return number_literal(node.text)

    def _text(self, node: tree.Text) -> Value:
        return text_literal(node.value)

    def _truth(self, node: tree.Truth) -> Value:
        return Value("NULL", None) if node.value is None else Value(str(node.value).upper(), BOOLEAN)

    def _moment(self, node: tree.Moment) -> Value:
        pattern = {
            "TIMESTAMP": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?",
            "DATE": r"\d{4}-\d\d-\d\d",
            "TIME": r"\d\d:\d\d:\d\d(\.\d+)?",
        }[node.kind]
        if not re.fullmatch(pattern, node.value):
            example = {"TIMESTAMP": "2026-01-31 10:00:00", "DATE": "2026-01-31", "TIME": "10:00:00"}[node.kind]
            raise self.error(f"{node.kind} '{node.value}' is none: write {node.kind} '{example}'", node)
        kind = {"TIMESTAMP": TIMESTAMP, "DATE": DATE, "TIME": TIME}[node.kind]
        return Value(f"{node.kind} {quote.text(node.value)}", kind)

    def _interval(self, node: tree.Interval) -> Value:
        if node.milliseconds is None:
            raise self.error("an interval of months or years can only be added to a time", node)
        return Value(f"CAST({node.milliseconds} AS BIGINT)", None, (), "SECOND")

    # ---------------------------------------------------------------- operators

    def _unary(self, node: tree.Unary) -> Value:
        operand = self.value(node.operand)
        if node.operator == "NOT":
            self.condition(node.operand, "NOT")
            return Value(f"(NOT {operand.sql})", BOOLEAN, operand.failures)
        if operand.type is not None and not operand.type.is_numeric:
            raise self.error(f"{node.operator} needs a number, got {operand.type}", node)
        sql = operand.sql if node.operator == "+" else f"(-{operand.sql})"
        return Value(sql, operand.type, operand.failures, operand.unit)

    def _binary(self, node: tree.Binary) -> Value:
        if node.operator in ("AND", "OR"):
            return self._logic(node)
        if isinstance(node.right, tree.Interval) and node.right.months is not None:
            return times.plus_months(self.text, node, self.value(node.left), node.right.months)
        left, right = self.value(node.left), self.value(node.right)
        if node.operator == "||":
            return self._joined_texts(node, left, right)
        if node.operator in ("=", "<>", "<", "<=", ">", ">=", *tree.DISTINCTIONS):
            self._comparable(node, left, right)
            if self._is_rowtime(node.left) and self._is_rowtime(node.right):
                # a join by the equality of two time attributes would keep every row for ever, and lose its time
                left, right = (replace(side, sql=as_value(side.sql)) for side in (left, right))
            return Value(f"({left.sql} {node.operator} {right.sql})", BOOLEAN).failing((left, right))
        return self._arithmetic(node, left, right).failing((left, right))

    def _is_rowtime(self, node: tree.Expression) -> bool:
        column = self.scope.find_any(node) if isinstance(node, tree.Name) else None
        return column is not None and column.floor_ms == 1

    def _logic(self, node: tree.Binary) -> Value:
        left, right = self.condition(node.left, node.operator), self.condition(node.right, node.operator)
        # the right side is looked at only where the left one does not decide
        undecided = f"{left.sql} IS NOT FALSE" if node.operator == "AND" else f"{left.sql} IS NOT TRUE"
        failures = (*left.failures, *guarded(undecided, (right,)))
        return Value(f"({left.sql} {node.operator} {right.sql})", BOOLEAN, tuple(dict.fromkeys(failures)))

    def _joined_texts(self, node: tree.Binary, left: Value, right: Value) -> Value:
        for side, place in ((left, node.left), (right, node.right)):
            if side.type is not None and not side.type.is_text:
                raise self.error(f"|| joins texts, got {side.type}: CAST it to VARCHAR", place)
        return Value(f"({left.sql} || {right.sql})", VARCHAR).failing((left, right))

    def _comparable(self, node: tree.Expression, left: Value, right: Value) -> None:
        if left.unit or right.unit:
            if bool(left.unit) != bool(right.unit):
                raise self.error("an interval compares with an interval only", node)
            return
        if left.type is None or right.type is None:
            return
        alike = (
            left.type.name == right.type.name
            or (left.type.is_numeric and right.type.is_numeric)
            or (left.type.is_text and right.type.is_text)
            or {left.type.name, right.type.name} == {"DATE", "TIMESTAMP"}
        )
        if not alike:
            raise self.error(f"{left.type} and {right.type} cannot be compared: CAST one of them", node)

    def _arithmetic(self, node: tree.Binary, left: Value, right: Value) -> Value:
        operator = node.operator
        if left.unit or right.unit or is_time(left) or is_time(right):
            return times.combined(self.text, node, left, right)
        for side, place in ((left, node.left), (right, node.right)):
            if side.type is not None and not side.type.is_numeric:
                raise self.error(f"{operator} needs numbers, got {side.type}", place)
        kind = wider((left.type, right.type))
        if kind is not None and kind.name == "DECIMAL":
            kind = DECIMAL
        if operator not in ("/", "%"):
            return Value(f"({left.sql} {operator} {right.sql})", kind)
        if re.fullmatch(r"[0-9.]*[1-9][0-9.]*([eE][+-]?\d+)?", right.sql):
            sql = f"({left.sql} / {right.sql})" if operator == "/" else f"MOD({left.sql}, {right.sql})"
            return Value(sql, kind)
        divisor = f"NULLIF({right.sql}, 0)"
        sql = f"({left.sql} / {divisor})" if operator == "/" else f"MOD({left.sql}, {divisor})"
        return Value(sql, kind, (Failure(f"({right.sql} = 0)", "division by zero"),))

    def _difference(self, node: tree.Difference) -> Value:
        return times.difference(self.text, node, self.value(node.left), self.value(node.right))

    # ---------------------------------------------------------------- predicates

    def _is(self, node: tree.Is) -> Value:
        operand = self.value(node.operand)
        if node.what != "NULL":
            self.condition(node.operand, f"IS {node.what}")
        negated = "NOT " if node.negated else ""
        return Value(f"({operand.sql} IS {negated}{node.what})", BOOLEAN, operand.failures)

    def _between(self, node: tree.Between) -> Value:
        values = [self.value(each) for each in (node.operand, node.low, node.high)]
        for bound in values[1:]:
            self._comparable(node, values[0], bound)
        negated = "NOT " if node.negated else ""
        sql = f"({values[0].sql} {negated}BETWEEN {values[1].sql} AND {values[2].sql})"
        return Value(sql, BOOLEAN).failing(values)

    def _in(self, node: tree.In) -> Value:
        operand, values = self.value(node.operand), [self.value(each) for each in node.values]
        for place, value in zip(node.values, values, strict=True):
            self._comparable(place, operand, value)
        negated = "NOT " if node.negated else ""
        sql = f"({operand.sql} {negated}IN ({', '.join(value.sql for value in values)}))"
        return Value(sql, BOOLEAN).failing((operand, *values))

    def _like(self, node: tree.Like) -> Value:
        values = [self.value(each) for each in (node.operand, node.pattern, node.escape) if each is not None]
        for place, value in zip((node.operand, node.pattern, node.escape), values, strict=False):
            if value.type is not None and not value.type.is_text and place is not None:
                raise self.error(f"{node.word} compares texts, got {value.type}: CAST it to VARCHAR", place)
        negated = "NOT " if node.negated else ""
        escape = f" ESCAPE {values[2].sql}" if len(values) > 2 else ""
        sql = f"({values[0].sql} {negated}{node.word} {values[1].sql}{escape})"
        return Value(sql, BOOLEAN).failing(values)

    def _case(self, node: tree.Case) -> Value:
        subject = self.value(node.operand) if node.operand is not None else None
        failures = list(subject.failures) if subject is not None else []
        parts, results, before = [], [], ""
        for when, then in node.branches:
            if subject is None:
                condition = self.condition(when, "WHEN")
            else:
                other = self.value(when)
                self._comparable(when, subject, other)
                condition = Value(f"({subject.sql} = {other.sql})", BOOLEAN, other.failures)
            result = self.value(then)
            failures += guarded(before, (condition,)) if before else condition.failures
            reached = f"{condition.sql} IS TRUE"
            failures += guarded(f"{before} AND {reached}" if before else reached, (result,))
            before = f"{before} AND {condition.sql} IS NOT TRUE" if before else f"{condition.sql} IS NOT TRUE"
            parts.append(f"WHEN {condition.sql} THEN {result.sql}")
            results.append((then, result))
        if node.otherwise is not None:
            result = self.value(node.otherwise)
            failures += guarded(before, (result,))
            parts.append(f"ELSE {result.sql}")
            results.append((node.otherwise, result))
        kind = wider(result.type for _, result in results)
        known = [result for _, result in results if result.type is not None]
        if kind is None and known:
            shown = " and ".join(dict.fromkeys(str(result.type) for result in known))
            raise self.error(f"the branches of CASE have values of different kinds, {shown}: CAST them", node)
        unit = next((result.unit for _, result in results if result.unit), None)
        return Value(f"CASE {' '.join(parts)} END", kind, tuple(dict.fromkeys(failures)), unit)

    # ---------------------------------------------------------------- functions

    def _cast(self, node: tree.Cast) -> Value:
        operand = self.value(node.operand)
        found = cast(operand, node.type.type)
        if found is None:
            shown = "an interval" if operand.unit else str(operand.type)
            raise self.error(f"{shown} cannot be cast to {node.type.type}", node)
        return found

    def _rounded(self, node: tree.Rounded) -> Value:
        return times.rounded(self.text, node, self.value(node.operand))

    def _step(self, node: tree.Step) -> Value:
        return times.stepped(self.text, node, self.value(node.operand), self.integer(node.size))

    def _extract(self, node: tree.Extract) -> Value:
        operand = self.value(node.operand)
        try:
            return extract(node.unit, operand).failing([operand])
        except ArgumentFault as fault:
            raise self.error(f"EXTRACT: {fault}", node) from fault

    def _call(self, node: tree.Call) -> Value:
        name = node.function
        if node.over is not None or name in AGGREGATES or name in POSITIONAL:
            raise self.error(f"{name} has no place here: aggregates stand in a select list, HAVING or ORDER BY", node)
        if name in REFUSED:
            raise self.error(f"{name} is not supported: {REFUSED[name]}", node)
        if name in times.CLOCKS:
            return times.of_the_row(self.text, node, self.scope.relation.rowtime)
        if name == "MONOTONIC" and len(node.arguments) == 1:
            return self.value(node.arguments[0])
        function = SCALARS.get(name)
        if function is None:
            hint = did_you_mean(name, [*SCALARS, *AGGREGATES, *POSITIONAL])
            raise self.error(f"there is no function {name}{hint}", node)
        return self._scalar(node, function.low, function.high, function.build)

    def _scalar(self, node: tree.Call, low: int, high: int, build: Callable[[Sequence[Value]], Value]) -> Value:
        if node.distinct:
            raise self.error(f"{node.function} takes no DISTINCT", node)
        if not low <= len(node.arguments) <= high:
            wanted = str(low) if low == high else f"{low} to {high}" if high < 100 else f"at least {low}"
            raise self.error(f"{node.function} takes {wanted} arguments, got {len(node.arguments)}", node)
        values = [self.value(argument) for argument in node.arguments]
        try:
            return build(values).failing(values)
        except ArgumentFault as fault:
            raise self.error(f"{node.function}: {fault}", node.arguments[fault.index]) from fault


def column_type(value: Value) -> ColumnType:
    """The type a value has as a column; NULL by itself is a text."""
    if value.unit is not None:
        return BIGINT
    return value.type or VARCHAR
