"""Writing times by SimpleDateFormat patterns, in Flink SQL.

Flink's DATE_FORMAT takes the patterns of ``java.time``, which share most letters. Where a letter means another thing
there (``u``, ``S`` that is not three, ``F``) or does not exist for a time without zone (``z``), the piece is computed
and joined to its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from jobs.expand import quote
from jobs.kinesis.functions.time_pattern import Part, parse_pattern

#: The zone of a TIMESTAMP, which has none: the clock was UTC.
_UTC: Mapping[str, Callable[[int], str]] = {
    "z": lambda count: "UTC" if count < 4 else "Coordinated Universal Time",
    "Z": lambda count: "+0000",
    "X": lambda count: "Z",
}
_REFUSED = frozenset("YwW")
# java.time has no more than this many letters for these
_LONGEST = {"a": 1, "E": 4, "M": 4, "L": 4, "G": 1}
_PADDED = {"d": 2, "H": 2, "k": 2, "K": 2, "h": 2, "m": 2, "s": 2, "D": 3}


def write_time(time: str, pattern: str) -> str:
    """Flink SQL that writes a TIMESTAMP(3) as text.

    Parameters
    ----------
    time
        Flink SQL of the time.
    pattern
        Of SimpleDateFormat; all its letters but the week letters Y, w and W, which depend on a country.

    Raises
    ------
    ValueError
        The pattern is none, or has one of those letters.
    """
    pieces: list[str] = []
    java = ""
    for part in parse_pattern(pattern):
        if part.letter in _REFUSED:
            raise ValueError(f"{part.letter!r} of the pattern {pattern!r} depends on a country and is not kept")
        computed = _computed(part, time)
        if computed is None:
            java += _for_java(part)
        else:
            pieces += [_formatted(time, java), computed] if java else [computed]
            java = ""
    if java:
        pieces.append(_formatted(time, java))
    if not pieces:
        return quote.text("")
    return pieces[0] if len(pieces) == 1 else f"({' || '.join(pieces)})"


def _formatted(time: str, java: str) -> str:
    return f"DATE_FORMAT({time}, {quote.text(java)})"


def _for_java(part: Part) -> str:
    """A part in the letters of java.time."""
    letter, count = part.letter, part.count
    if not letter:
        return "".join(_quoted(run) for run in re.findall(r"[^A-Za-z'\[\]{}#]+|.[A-Za-z'\[\]{}#]*", part.text, re.S))
    if letter == "y":
        return "yy" if count == 2 else "y" * max(count, 1)
    if letter in _LONGEST:
        if letter in ("M", "L") and count < 3:
            return letter * count
        return letter * (_LONGEST[letter] if count >= 4 else min(count, _LONGEST[letter]))
    return letter * count


def _quoted(text: str) -> str:
    """A text among the letters of java.time, where brackets, braces and # mean something too."""
    if not re.search(r"[A-Za-z'\[\]{}#]", text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _computed(part: Part, time: str) -> str | None:
    """The value of a part java.time has no letters for; None for all others."""
    if part.letter in _UTC:
        return quote.text(_UTC[part.letter](part.count))
    if part.letter == "S" and part.count != 3:
        return _number(f"EXTRACT(MILLISECOND FROM {time})", part.count)
    if part.letter == "u":
        # Monday is 1
        return _number(f"MOD(DAYOFWEEK(CAST({time} AS DATE)) + 5, 7) + 1", part.count)
    if part.letter == "F":
        return _number(f"(EXTRACT(DAY FROM {time}) + 6) / 7", part.count)
    if part.letter in _PADDED and part.count > _PADDED[part.letter]:
        return f"LPAD({_formatted(time, part.letter)}, {part.count}, '0')"
    return None


def _number(expression: str, digits: int) -> str:
    """A number with zeros in front, never cut."""
    text = f"CAST({expression} AS STRING)"
    if digits == 1:
        return text
    return f"LPAD({text}, GREATEST({digits}, CHAR_LENGTH({text})), '0')"
