"""LAG, FIRST_VALUE, LAST_VALUE and NTH_VALUE over a sliding window.

Flink's FIRST_VALUE and LAST_VALUE pass over NULLs, its LAG does not look at the frame, and there is no NTH_VALUE. Where
that is not what is asked for, the values of the window are gathered in an array and counted off.
"""

from __future__ import annotations

from jobs.kinesis import tree
from jobs.kinesis.expressions import Expressions
from jobs.kinesis.values import Value, assignable, cast


def position(call: tree.Call, window: tree.Window, over: str, expressions: Expressions) -> Value:
    """A value of a certain row of the window.

    Raises
    ------
    SqlError
        It takes other arguments, or the window has no end to gather values in.
    """
    name, ignore = call.function, call.nulls is tree.Nulls.IGNORE
    arguments = {"LAG": (1, 3), "NTH_VALUE": (2, 2)}.get(name, (1, 1))
    if not arguments[0] <= len(call.arguments) <= arguments[1]:
        raise expressions.error(f"{name} takes {arguments[0]} to {arguments[1]} arguments", call)
    value = expressions.value(call.arguments[0])
    if value.unit is not None:
        raise expressions.error(f"{name} of an interval is not supported: CAST it to INTEGER", call)
    kind, sql = value.type, value.sql
    if kind is not None and kind.is_time:
        sql = f"CAST({sql} AS {kind.flink})"
    number = 1
    if len(call.arguments) > 1:
        given = expressions.integer(call.arguments[1])
        if given is None or given < (0 if name == "LAG" else 1):
            raise expressions.error(f"{name} counts with a whole number that is written out", call.arguments[1])
        number = given
    if name == "LAST_VALUE" and not ignore:
        return Value(sql, kind)  # the window ends at the row itself
    if name in ("FIRST_VALUE", "LAST_VALUE") and ignore:
        return Value(f"{name}({sql}) OVER ({over})", kind)
    default = _default(call, value, expressions)
    if name == "LAG" and not ignore and _is_unbounded(window):
        partition = over.partition(" RANGE BETWEEN ")[0].partition(" ROWS BETWEEN ")[0]
        before = f"LAG({sql}, {number}) OVER ({partition})"
        if default is None:
            return Value(before, kind)
        # Flink's own default would stand for a NULL that is there, too
        return Value(f"CASE WHEN LAG(1, {number}) OVER ({partition}) IS NULL THEN {default} ELSE {before} END", kind)
    if _is_unbounded(window):
        raise expressions.error(
            f"{name} needs a window of a certain size, such as ROWS 10 PRECEDING: all values would have to be kept",
            call,
        )
    gathered = f"ARRAY_AGG({sql}{' IGNORE NULLS' if ignore else ''}) OVER ({over})"
    size = f"CARDINALITY({gathered})"
    if name == "FIRST_VALUE":
        place, found = "1", f"{size} >= 1"
    elif name == "NTH_VALUE":
        place = f"{size} - {number - 1}" if call.from_last else str(number)
        found = f"{size} >= {number}"
    elif ignore:  # the row itself is in the array unless it is NULL
        place = f"{size} - CASE WHEN {sql} IS NULL THEN {number - 1} ELSE {number} END"
        found = f"{place} >= 1"
    else:
        place, found = f"{size} - {number}", f"{size} > {number}"
    otherwise = f" ELSE {default}" if default is not None else ""
    return Value(f"CASE WHEN {found} THEN {gathered}[{place}]{otherwise} END", kind)


def _default(call: tree.Call, value: Value, expressions: Expressions) -> str | None:
    if len(call.arguments) < 3:
        return None
    default = expressions.value(call.arguments[2])
    if default.type is not None and value.type is not None and not assignable(default.type, value.type):
        raise expressions.error(f"LAG of {value.type} cannot have {default.type} as its default", call.arguments[2])
    fitting = cast(default, value.type) if value.type is not None else default
    return fitting.sql if fitting is not None else default.sql


def _is_unbounded(window: tree.Window) -> bool:
    return window.frame is None or (window.rows is None and window.range_ms is None)
