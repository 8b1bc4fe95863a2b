"""Functions of texts.

Source: "String and Search Functions" of AWS's SQL reference. Where Flink's function of the same name answers
otherwise (OVERLAY and SUBSTRING outside the text, INITCAP, replacements with groups), the text made here gives the
reference's answer.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Final

from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.functions.declaration import (
    ArgumentFault,
    Scalar,
    check_kinds,
    constant_text,
    literal_text,
    simple,
    whole_literal,
)
from jobs.kinesis.functions.patterns import check_regex, similar_to_java
from jobs.kinesis.functions.replacing import regex_replace
from jobs.kinesis.values import INTEGER, VARCHAR, Value


def _position(values: Sequence[Value]) -> Value:
    check_kinds(values, "ssn")
    if len(values) == 2:
        return Value(f"POSITION({values[0].sql} IN {values[1].sql})", INTEGER)
    return Value(f"LOCATE({', '.join(value.sql for value in values)})", INTEGER)


def _overlay(values: Sequence[Value]) -> Value:
    """What begins before the text stands in front of it, what begins behind it is appended."""
    check_kinds(values, "ssnn")
    source, new, start = (value.sql for value in values[:3])
    length = f"CHAR_LENGTH({new})" if len(values) == 3 else values[3].sql
    if len(values) == 4 and (whole_literal(values[3]) or 0) < 0:
        raise ArgumentFault(f"the length must not be negative, got {values[3].sql}", 3)
    first = whole_literal(values[2])
    kept = f"LEFT({source}, {f'GREATEST({start} - 1, 0)' if first is None else max(first - 1, 0)})"
    rest = f"SUBSTRING({source} FROM GREATEST({start} + {length}, 1))"
    return Value(f"({kept} || {new} || {rest})", VARCHAR)


def _substring(values: Sequence[Value]) -> Value:
    check_kinds(values[:1], "s")
    if values[1].type is not None and values[1].type.is_text:
        if len(values) == 3:
            raise ArgumentFault("by a regular expression it takes no length", 2)
        check_regex(constant_text(values, 1, "the regular expression"), 1)
        return Value(f"REGEXP_EXTRACT({values[0].sql}, {values[1].sql}, 0)", VARCHAR)
    check_kinds(values, "snn")
    return _positional(values)


def _positional(values: Sequence[Value]) -> Value:
    """A start before the text shortens the length, as standard SQL has it (Flink counts it from the end)."""
    source, start = values[0].sql, values[1].sql
    inside = (whole_literal(values[1]) or 0) >= 1
    first = start if inside else f"GREATEST({start}, 1)"
    if len(values) == 2:
        return Value(f"SUBSTRING({source} FROM {first})", values[0].type)
    length = values[2].sql if inside else f"GREATEST({values[2].sql} + LEAST({start} - 1, 0), 0)"
    return Value(f"SUBSTRING({source} FROM {first} FOR {length})", values[0].type)


def _substring_comma(values: Sequence[Value]) -> Value:
    """The form with commas gives NULL behind the end, where the form with FROM gives an empty text."""
    found = _substring(values)
    if values[1].type is not None and values[1].type.is_text:
        return found
    return Value(f"CASE WHEN {values[1].sql} <= CHAR_LENGTH({values[0].sql}) THEN {found.sql} END", found.type)


def _substring_similar(values: Sequence[Value]) -> Value:
    check_kinds(values, "sss")
    pattern, escape = constant_text(values, 1, "the pattern"), constant_text(values, 2, "ESCAPE")
    if len(escape) != 1:
        raise ArgumentFault(f"ESCAPE takes one character, got {escape!r}", 2)
    parts = pattern.split(f'{escape}"')
    if len(parts) != 3:
        raise ArgumentFault(f'expected three parts with {escape}" between them, got {pattern!r}', 1)
    before, wanted, after = (similar_to_java(part, escape, shortest=place == 0) for place, part in enumerate(parts))
    regex = quote.text(f"(?s){before}({wanted}){after}")
    return Value(f"REGEXP_EXTRACT({values[0].sql}, {regex}, 1)", VARCHAR)


def _trim(values: Sequence[Value]) -> Value:
    side, characters, operand = values
    check_kinds(values, "sss")
    found = literal_text(characters)
    if found is not None and len(found) != 1:
        raise ArgumentFault(f"it takes away one character, got {found!r}", 1)
    return Value(f"TRIM({literal_text(side)} {characters.sql} FROM {operand.sql})", operand.type)


def _initcap(values: Sequence[Value]) -> Value:
    """Words end at spaces only (Flink's INITCAP ends them at any sign), so letter by letter behind a space."""
    check_kinds(values, "s")
    text = f"' ' || LOWER({values[0].sql})"
    for letter in string.ascii_lowercase:
        text = f"REPLACE({text}, ' {letter}', ' {letter.upper()}')"
    return Value(f"SUBSTRING({text} FROM 2)", values[0].type)


SCALARS: Final[Mapping[str, Scalar]] = {
    "UPPER": simple("s", "UPPER({0})", None),
    "LOWER": simple("s", "LOWER({0})", None),
    "INITCAP": Scalar(1, 1, _initcap),
    "CHAR_LENGTH": simple("s", "CHAR_LENGTH({0})", INTEGER),
    "CHARACTER_LENGTH": simple("s", "CHAR_LENGTH({0})", INTEGER),
    "LENGTH": simple("s", "CHAR_LENGTH({0})", INTEGER),
    "SUBSTRING": Scalar(2, 3, _substring),
    tree.SUBSTRING_COMMA: Scalar(2, 3, _substring_comma),
    tree.SUBSTRING_SIMILAR: Scalar(3, 3, _substring_similar),
    "POSITION": Scalar(2, 3, _position),
    "CONCAT": simple("ss", "({0} || {1})", VARCHAR),
    "REPLACE": simple("sss", "REPLACE({0}, {1}, {2})", VARCHAR),
    "REGEX_REPLACE": Scalar(3, 5, regex_replace),
    "TRIM": Scalar(3, 3, _trim),
    "LTRIM": simple("s", "LTRIM({0})", None),
    "RTRIM": simple("s", "RTRIM({0})", None),
    "OVERLAY": Scalar(3, 4, _overlay),
}
