"""Functions of numbers, and those that choose among values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.functions.declaration import ArgumentFault, Scalar, check_kinds, fails_where, simple
from jobs.kinesis.values import DOUBLE, INTEGER, Value, wider


def _mod(values: Sequence[Value]) -> Value:
    check_kinds(values, "nn")
    left, right = values
    found = Value(f"MOD({left.sql}, NULLIF({right.sql}, 0))", right.type)
    return fails_where(found, f"({right.sql} = 0)", "division by zero")


def _logarithm(name: str) -> Scalar:
    def build(values: Sequence[Value]) -> Value:
        check_kinds(values, "n")
        (value,) = values
        found = Value(f"{name}(CASE WHEN {value.sql} > 0 THEN {value.sql} END)", DOUBLE)
        return fails_where(found, f"({value.sql} <= 0)", f"{name} of a number that is not positive")

    return Scalar(1, 1, build)


def _root(values: Sequence[Value]) -> Value:
    check_kinds(values, "n")
    (value,) = values
    found = Value(f"SQRT(CASE WHEN {value.sql} >= 0 THEN {value.sql} END)", DOUBLE)
    return fails_where(found, f"({value.sql} < 0)", "SQRT of a negative number")


def _coalesce(values: Sequence[Value]) -> Value:
    return Value(f"COALESCE({', '.join(value.sql for value in values)})", _common("COALESCE", values))


def _nullif(values: Sequence[Value]) -> Value:
    _common("NULLIF", values)
    return Value(f"NULLIF({values[0].sql}, {values[1].sql})", values[0].type)


def _extreme(name: str) -> Scalar:
    def build(values: Sequence[Value]) -> Value:
        return Value(f"{name}({', '.join(value.sql for value in values)})", _common(name, values))

    return Scalar(2, 100, build)


def _common(name: str, values: Sequence[Value]) -> ColumnType | None:
    found = wider(value.type for value in values)
    if found is None and any(value.type is not None for value in values):
        shown = ", ".join(str(value.type) for value in values)
        raise ArgumentFault(f"{name} needs values of one kind, got {shown}")
    return found


def _floor(name: str) -> Scalar:
    def build(values: Sequence[Value]) -> Value:
        check_kinds(values, "n")
        (value,) = values
        if value.type is not None and value.type.is_integer:
            return value
        return replace(value, sql=f"{name}({value.sql})")

    return Scalar(1, 1, build)


SCALARS: Final[Mapping[str, Scalar]] = {
    "ABS": simple("n", "ABS({0})", None),
    "FLOOR": _floor("FLOOR"),
    "CEIL": _floor("CEIL"),
    "EXP": simple("n", "EXP({0})", DOUBLE),
    "LN": _logarithm("LN"),
    "LOG10": _logarithm("LOG10"),
    "POWER": simple("nn", "POWER({0}, {1})", DOUBLE),
    "SQRT": Scalar(1, 1, _root),
    "SIN": simple("n", "SIN({0})", DOUBLE),
    "COS": simple("n", "COS({0})", DOUBLE),
    "TAN": simple("n", "TAN({0})", DOUBLE),
    "ASIN": simple("n", "ASIN({0})", DOUBLE),
    "ACOS": simple("n", "ACOS({0})", DOUBLE),
    "ATAN": simple("n", "ATAN({0})", DOUBLE),
    "RADIANS": simple("n", "RADIANS({0})", DOUBLE),
    "DEGREES": simple("n", "DEGREES({0})", DOUBLE),
    "SIGN": simple("n", "CAST(SIGN({0}) AS INT)", INTEGER),
    "ROUND": simple("nn", "ROUND({all})", None, optional=1),
    "MOD": Scalar(2, 2, _mod),
    "COALESCE": Scalar(1, 100, _coalesce),
    "NULLIF": Scalar(2, 2, _nullif),
    "GREATEST": _extreme("GREATEST"),
    "LEAST": _extreme("LEAST"),
}
