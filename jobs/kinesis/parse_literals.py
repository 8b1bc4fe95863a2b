"""Reading intervals and types of Kinesis SQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from jobs.kinesis import tree
from jobs.kinesis.column_types import parse_type
from jobs.sql.tokens import Kind

if TYPE_CHECKING:
    from jobs.kinesis.parse_expressions import ExpressionReader

_MS: Final = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000, "WEEK": 604_800_000}
_ORDER: Final = ("DAY", "HOUR", "MINUTE", "SECOND")
_MONTHS: Final = {"MONTH": 1, "YEAR": 12}


def read_interval(reader: ExpressionReader) -> tree.Interval:
    """``INTERVAL '10' SECOND``, ``INTERVAL '1:30' MINUTE TO SECOND``; a unit may have a precision in parentheses."""
    start = reader.take().start
    negative = reader.accept("-")
    place = reader.start
    text = reader.string("a text such as '10' behind INTERVAL").strip()
    first = _unit(reader)
    last = first
    if reader.accept("TO"):
        last = _unit(reader)
    if first in _MONTHS or last in _MONTHS:
        if first != last or not re.fullmatch(r"[+-]?\d+", text):
            raise reader.error(f"INTERVAL '{text}' {first}: write it in months, INTERVAL '14' MONTH", place)
        months = int(text) * _MONTHS[first]
        return tree.Interval(start, None, -months if negative else months)
    milliseconds = _milliseconds(text, first, last)
    if milliseconds is None:
        shown = first if first == last else f"{first} TO {last}"
        raise reader.error(f"'{text}' is no interval of {shown}", place)
    return tree.Interval(start, -milliseconds if negative else milliseconds)


def _unit(reader: ExpressionReader) -> str:
    unit = reader.unit("behind the text of INTERVAL")
    if reader.accept("("):
        reader.whole_number("a number of digits")
        if reader.accept(","):
            reader.whole_number("a number of digits")
        reader.expect(")", "behind the digits of the unit")
    return unit


def _milliseconds(text: str, first: str, last: str) -> int | None:
    negative, text = text.startswith("-"), text.lstrip("+-")
    if first == last:
        match = re.fullmatch(r"(\d+)(\.\d+)?", text)
        if match is None or (match[2] and first != "SECOND"):
            return None
        value = int(match[1]) * _MS[first] + round(float(match[2] or 0) * _MS[first])
        return -value if negative else value
    if first not in _ORDER or last not in _ORDER or _ORDER.index(first) > _ORDER.index(last):
        return None
    units = _ORDER[_ORDER.index(first) : _ORDER.index(last) + 1]
    parts = re.split(r"[ :]", text)
    if len(parts) != len(units) or not all(re.fullmatch(r"\d+(\.\d+)?", part) for part in parts):
        return None
    value = round(sum(float(part) * _MS[unit] for part, unit in zip(parts, units, strict=True)))
    return -value if negative else value


def read_type(reader: ExpressionReader) -> tree.TypeName:
    """A type with its numbers."""
    start = reader.start
    if reader.kind() is not Kind.WORD:
        reader.expected("a type such as VARCHAR(16), INTEGER, DOUBLE or TIMESTAMP")
    words = [reader.take().upper]
    while reader.upper() in ("PRECISION", "VARYING"):
        words.append(reader.take().upper)
    numbers: list[int] = []
    if reader.accept("("):
        numbers.append(reader.whole_number(f"the length or precision of {words[0]}"))
        if reader.accept(","):
            numbers.append(reader.whole_number(f"the scale of {words[0]}"))
        reader.expect(")", f"behind the numbers of {words[0]}")
    text = " ".join(words) + (f"({','.join(map(str, numbers))})" if numbers else "")
    try:
        return tree.TypeName(start, parse_type(text))
    except ValueError as error:
        raise reader.error(str(error), start) from error
