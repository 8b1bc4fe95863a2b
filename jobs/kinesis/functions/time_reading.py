"""Reading times by SimpleDateFormat patterns, in Flink SQL.

Flink's ``UNIX_TIMESTAMP(text, pattern)`` is SimpleDateFormat itself, but a lenient one: it makes 2 March of 30
February, where AWS gave no row. So one regular expression, made from the pattern, first asks whether every number is in
its range and the day exists, and whether text and pattern agree at all. It stops where the pattern stops, as
SimpleDateFormat does: text behind it is read over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.expand import quote
from jobs.kinesis.functions.time_pattern import Part, parse_pattern

_MONTHS = [
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
]
_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]

#: Numbers by letter: as they stand alone, after any zeros, and by two digits where more digits follow.
_NUMBERS: Mapping[str, tuple[str, str]] = {
    "M": ("1[0-2]|[1-9]", r"0[1-9]|1[0-2]"),
    "L": ("1[0-2]|[1-9]", r"0[1-9]|1[0-2]"),
    "d": (r"[12]\d|3[01]|[1-9]", r"0[1-9]|[12]\d|3[01]"),
    "H": (r"1\d|2[0-3]|\d", r"[01]\d|2[0-3]"),
    "k": (r"1\d|2[0-4]|[1-9]", r"0[1-9]|1\d|2[0-4]"),
    "K": (r"1[01]|\d", r"0\d|1[01]"),
    "h": ("1[0-2]|[1-9]", r"0[1-9]|1[0-2]"),
    "m": (r"[1-5]\d|\d", r"[0-5]\d"),
    "s": (r"[1-5]\d|\d", r"[0-5]\d"),
}
_READ = frozenset("yMLdHkKhmsSEazZX")

# years whose 29 February exists, by their last digits
_LEAP = r"(?:0*[48]|\d*(?:0[48]|[2468][048]|[13579][26])|(?:\d*(?:[02468][048]|[13579][26]))?00)"


@dataclass(frozen=True)
class ReadTime:
    """Flink SQL of a time that is read, a TIMESTAMP(3), and of the condition that there is a text but no time."""

    sql: str
    fails: str


def read_time(text: str, pattern: str) -> ReadTime:
    """Flink SQL that reads a text; NULL where the pattern does not fit or a value is out of range.

    Parts the pattern has not are those of 1970-01-01 00:00:00. With a zone in the pattern the result is UTC.

    Parameters
    ----------
    text
        Flink SQL of the text.
    pattern
        Of SimpleDateFormat, with the letters y M L d H k K h m s S E a z Z X.

    Raises
    ------
    ValueError
        The pattern is none, or has a letter that cannot be read.
    """
    parts = parse_pattern(pattern)
    for part in parts:
        if part.letter and part.letter not in _READ:
            raise ValueError(f"{part.letter!r} of the pattern {pattern!r} cannot be read, only written")
    if not any(part.letter for part in parts):
        raise ValueError(f"the pattern {pattern!r} names no part of a time")
    for letter in {part.letter for part in parts} - {""}:
        if sum(part.letter == letter for part in parts) > 1:
            raise ValueError(f"{letter!r} stands twice in the pattern {pattern!r}")
    fraction = next((place for place, part in enumerate(parts) if part.letter == "S"), None)
    # what comes behind the milliseconds matters only if it is read: without it they need not be cut off again
    behind = () if fraction is None else parts[fraction + 1 :]
    whole = parts if fraction is None or any(part.letter for part in behind) else parts[:fraction]
    seconds = f"UNIX_TIMESTAMP({text}, {quote.text(''.join(map(_for_java, whole)))})"
    guard = f"REGEXP({text}, {quote.text(_guard(parts))})"
    fails = f"(NOT {guard})"
    if any(part.is_zone for part in parts):
        # the name of a zone that Java does not know
        seconds = f"NULLIF({seconds}, CAST('-9223372036854775808' AS BIGINT))"
        fails = f"({fails} OR ({text} IS NOT NULL AND {seconds} IS NULL))"
    time = f"TRY_CAST(FROM_UNIXTIME({seconds}, 'yyyy-MM-dd HH:mm:ss') AS TIMESTAMP(3))"
    if fraction is not None:
        milliseconds = f"CAST(REGEXP_EXTRACT({text}, {quote.text(_expression(parts, capture=fraction))}, 1) AS BIGINT)"
        time = f"{time} + {milliseconds} * INTERVAL '0.001' SECOND"
    return ReadTime(f"CASE WHEN {guard} THEN {time} END", fails)


def _for_java(part: Part) -> str:
    """``y`` alone means the year as it is written; newer Javas take it for ``yy``, with the century of today."""
    return "yyy" if part.letter == "y" and part.count == 1 else str(part)


def _guard(parts: Sequence[Part]) -> str:
    """The expression a text fits exactly when SimpleDateFormat, not lenient, would read it."""
    places = {part.letter: place for place, part in enumerate(parts) if part.letter}
    month = places.get("M", places.get("L"))
    impossible = ""
    if "d" in places and month is not None:
        impossible += f"(?!{_body(parts, {month: _months(parts[month], (4, 6, 9, 11)), places['d']: '0*31'})})"
        impossible += f"(?!{_body(parts, {month: _months(parts[month], (2,)), places['d']: '0*3[01]'})})"
        common = {month: _months(parts[month], (2,)), places["d"]: "0*29"}
        if "y" in places:  # 1970, the year when there is none, is a common one
            common[places["y"]] = (
                rf"(?!{_LEAP}(?!\d))\d+"
                if not _is_joined(parts, places["y"])
                else (rf"(?!{_leap_of(parts[places['y']].count)})\d{{{parts[places['y']].count}}}")
            )
        impossible += f"(?!{_body(parts, common)})"
    return f"(?s)\\A{impossible}{_body(parts, {})}"


def _leap_of(digits: int) -> str:
    """Leap years of just so many digits."""
    if digits == 1:
        return "[48]"
    if digits == 2:
        return "(?:0[048]|[2468][048]|[13579][26])"
    return rf"(?:\d{{{digits - 2}}}(?:0[48]|[2468][048]|[13579][26])|\d{{{digits - 4}}}(?:[02468][048]|[13579][26])00)"


def _expression(parts: Sequence[Part], *, capture: int) -> str:
    return f"(?s)\\A{_body(parts, {}, capture)}"


def _body(parts: Sequence[Part], instead: Mapping[int, str], capture: int | None = None) -> str:
    """Part by part; blanks before a part are read over, and a number ends where its digits end."""
    out = ""
    for place, part in enumerate(parts):
        if not part.letter:
            out += re.escape(part.text)
            continue
        value = instead.get(place, _value(part, joined=_is_joined(parts, place)))
        ends = "" if part.is_name or _is_joined(parts, place) else r"(?!\d)"
        value = f"({value})" if place == capture else f"(?:{value})"
        out += f"[ \\t]*{value}{ends}"
    return out


def _is_joined(parts: Sequence[Part], place: int) -> bool:
    """Whether a number is followed by digits of the next part, so that its width counts."""
    return parts[place].is_number and place + 1 < len(parts) and parts[place + 1].is_number


def _value(part: Part, *, joined: bool) -> str:
    if part.letter in ("M", "L") and part.is_name:
        return _months(part, range(1, 13))
    if part.letter == "E":
        return _names(_DAYS)
    if part.letter == "a":
        return "(?i:am|pm)"
    if part.letter == "X":
        minutes = {1: "", 2: r"\d{2}", 3: r":\d{2}"}.get(part.count)
        if minutes is None:
            raise ValueError(f"expected X, XX or XXX in a pattern, got {part}")
        return rf"(?:Z|[+-]\d{{2}}{minutes})"
    if part.is_zone:
        return r"(?:GMT[+-]\d{1,2}:\d{2}|[+-]\d{4}|[A-Za-z]+(?: [A-Za-z]+)*)"
    if part.letter == "y":
        return rf"\d{{{part.count}}}" if joined else r"\d+"
    if part.letter == "S":
        return r"\d{1,3}" if part.count <= 3 else rf"0{{0,{part.count - 3}}}\d{{1,3}}"
    return _range(part, joined)


def _range(part: Part, joined: bool) -> str:
    """The numbers of a part, with zeros in front or, when digits follow, of just so many digits."""
    alone, two = _NUMBERS[part.letter]
    if not joined:
        return f"0*(?:{alone})"
    if part.count == 1:
        return r"\d" if part.letter in "HKms" else "[1-9]"
    return f"0{{{part.count - 2}}}(?:{two})" if part.count > 2 else two


def _months(part: Part, months: Sequence[int]) -> str:
    if part.is_name:
        return _names([_MONTHS[month - 1] for month in months])
    return f"0*(?:{'|'.join(map(str, months))})"


def _names(names: Sequence[str]) -> str:
    """Names in full or by three letters, in any case; the longest that fits."""
    return f"(?>(?i:{'|'.join(f'{name}|{name[:3]}' for name in names)}))"
