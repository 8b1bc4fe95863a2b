"""Functions of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from jobs.kinesis.functions.declaration import Scalar, check_kinds, literal_text, simple
from jobs.kinesis.values import INTEGER, VARCHAR, Value


def _trim(values: Sequence[Value]) -> Value:
    side, characters, operand = values
    check_kinds((characters, operand), "ss")
    return Value(f"TRIM({literal_text(side)} {characters.sql} FROM {operand.sql})", operand.type)


def _overlay(values: Sequence[Value]) -> Value:
    check_kinds(values, "ssnn")
    size = f" FOR {values[3].sql}" if len(values) > 3 else ""
    return Value(f"OVERLAY({values[0].sql} PLACING {values[1].sql} FROM {values[2].sql}{size})", VARCHAR)


SCALARS: Final[Mapping[str, Scalar]] = {
    "UPPER": simple("s", "UPPER({0})", None),
    "LOWER": simple("s", "LOWER({0})", None),
    "INITCAP": simple("s", "INITCAP({0})", None),
    "CHAR_LENGTH": simple("s", "CHAR_LENGTH({0})", INTEGER),
    "CHARACTER_LENGTH": simple("s", "CHAR_LENGTH({0})", INTEGER),
    "LENGTH": simple("s", "CHAR_LENGTH({0})", INTEGER),
    "SUBSTRING": simple("snn", "SUBSTRING({all})", None, optional=1),
    "POSITION": simple("ss", "POSITION({0} IN {1})", INTEGER),
    "CONCAT": simple("ss", "({0} || {1})", VARCHAR),
    "REPLACE": simple("sss", "REPLACE({0}, {1}, {2})", VARCHAR),
    "REGEX_REPLACE": simple("sss", "REGEXP_REPLACE({0}, {1}, {2})", VARCHAR),
    "TRIM": Scalar(3, 3, _trim),
    "LTRIM": simple("s", "LTRIM({0})", None),
    "RTRIM": simple("s", "RTRIM({0})", None),
    "OVERLAY": Scalar(3, 4, _overlay),
}
