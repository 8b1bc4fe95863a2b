"""Aggregates: of groups, and of sliding windows."""

from __future__ import annotations

from jobs.kinesis import tree
from jobs.kinesis.expressions import Expressions
from jobs.kinesis.values import BIGINT, BOOLEAN, DOUBLE, Value, epoch_ms

_STATISTICS = frozenset({"STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP", "STDDEV", "VARIANCE"})
#: Of conditions: TRUE is more than FALSE, and NULLs do not count.
_TRUTHS = {"ANY": "MAX", "EVERY": "MIN"}
_SAME = {"STDDEV": "STDDEV_SAMP", "VARIANCE": "VAR_SAMP"}
_ENDS = ("FIRST_VALUE", "LAST_VALUE")


def aggregate(node: tree.Call, rows: Expressions) -> Value:
    """An aggregate over the rows of a group; what comes behind OVER is left to the caller.

    Raises
    ------
    SqlError
        It takes other arguments.
    """
    name = node.function
    if name in _ENDS:
        return _end(node, rows)
    if node.nulls is tree.Nulls.IGNORE:
        raise rows.error(f"{name} ignores NULLs anyhow: leave IGNORE NULLS out", node)
    if len(node.arguments) != 1:
        raise rows.error(f"{name} takes one argument, got {len(node.arguments)}", node)
    (argument,) = node.arguments
    if isinstance(argument, tree.Star):
        if name != "COUNT" or node.distinct:
            raise rows.error(f"{name} takes an expression, not a star", node)
        return Value("COUNT(*)", BIGINT)
    value = rows.value(argument)
    distinct = "DISTINCT " if node.distinct else ""
    sql = value.sql
    if value.unit is not None:
        raise rows.error(f"{name} of an interval is not supported: CAST it to INTEGER", argument)
    if value.type is not None and value.type.is_time:
        sql = f"CAST({sql} AS {value.type.flink})"  # a time attribute is no value
    if name == "COUNT":
        return Value(f"COUNT({distinct}{sql})", BIGINT)
    if name in _TRUTHS:
        if value.type is not None and value.type != BOOLEAN:
            raise rows.error(f"{name} needs a condition, got {value.type}", argument)
        return Value(f"{_TRUTHS[name]}({sql})", BOOLEAN)
    if name in ("MIN", "MAX"):
        return Value(f"{name}({sql})", value.type)
    if value.type is not None and not value.type.is_numeric:
        raise rows.error(f"{name} needs numbers, got {value.type}", argument)
    if name in _STATISTICS:
        return Value(f"{_SAME.get(name, name)}({distinct}CAST({sql} AS DOUBLE))", DOUBLE)
    return Value(f"{name}({distinct}{sql})", value.type)


def _end(node: tree.Call, rows: Expressions) -> Value:
    """The value of a group's first or last row by ROWTIME; of rows of one ROWTIME it is the first or last to come.

    Flink gathers rows as they are read, which is not the order of their times: so the times are gathered beside the
    values, and the place of the first or last one is that of the value.
    """
    name = node.function
    if len(node.arguments) != 1 or isinstance(node.arguments[0], tree.Star):
        raise rows.error(f"{name} of a group takes one expression", node)
    if node.distinct:
        raise rows.error(f"{name} takes no DISTINCT", node)
    value = rows.value(node.arguments[0])
    if value.unit is not None:
        raise rows.error(f"{name} of an interval is not supported: CAST it to INTEGER", node.arguments[0])
    rowtime = rows.scope.relation.rowtime
    assert rowtime is not None, "only streams are grouped"
    time = epoch_ms(f"CAST({rowtime} AS TIMESTAMP(3))")
    sql = f"CAST({value.sql} AS {value.type.flink})" if value.type is not None and value.type.is_time else value.sql
    if node.nulls is tree.Nulls.IGNORE:
        time = f"CASE WHEN {sql} IS NOT NULL THEN {time} END"
    values, times = f"ARRAY_AGG({sql})", f"ARRAY_AGG({time})"
    if name == "FIRST_VALUE":
        return Value(f"{values}[ARRAY_POSITION({times}, MIN({time}))]", value.type)
    values, times = f"ARRAY_REVERSE({values})", f"ARRAY_REVERSE({times})"
    return Value(f"{values}[ARRAY_POSITION({times}, MAX({time}))]", value.type)
