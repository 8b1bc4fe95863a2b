"""Patterns of Java's SimpleDateFormat, which AWS's functions take, taken apart: letters of a kind, and texts between.

Source: the class documentation of ``java.text.SimpleDateFormat``, "Date and Time Patterns" of AWS's SQL reference.
"""

from __future__ import annotations

from dataclasses import dataclass

_LETTERS = frozenset("GyYMLwWDdFEuaHkKhmsSzZX")
_ZONES = frozenset("zZX")


@dataclass(frozen=True)
class Part:
    """One piece of a pattern: ``count`` times a letter, or a text (then ``letter`` is empty)."""

    letter: str = ""
    count: int = 0
    text: str = ""

    @property
    def is_name(self) -> bool:
        """Whether it is written in letters: months in words, weekdays, AM/PM, eras, zones."""
        return self.letter in ("E", "a", "G") or self.is_zone or (self.letter in ("M", "L") and self.count >= 3)

    @property
    def is_zone(self) -> bool:
        """Whether it is a time zone."""
        return self.letter in _ZONES

    @property
    def is_number(self) -> bool:
        """Whether it is written in digits."""
        return bool(self.letter) and not self.is_name

    def __str__(self) -> str:
        """As SimpleDateFormat reads it."""
        return self.letter * self.count if self.letter else quoted(self.text)


def quoted(text: str) -> str:
    """A text inside a pattern."""
    if not any(char.isalpha() or char == "'" for char in text):
        return text
    return "'" + text.replace("'", "''") + "'"


def parse_pattern(pattern: str) -> tuple[Part, ...]:
    """The parts of a pattern.

    Raises
    ------
    ValueError
        A letter that means nothing, or an apostrophe that is not closed.
    """
    parts: list[Part] = []
    place = 0
    while place < len(pattern):
        char = pattern[place]
        if char == "'":
            text, place = _quoted(pattern, place)
            _add_text(parts, text)
        elif char.isascii() and char.isalpha():
            end = place
            while end < len(pattern) and pattern[end] == char:
                end += 1
            if char not in _LETTERS:
                raise ValueError(f"{char!r} means nothing in the pattern {pattern!r}; texts stand in apostrophes")
            parts.append(Part(char, end - place))
            place = end
        else:
            _add_text(parts, char)
            place += 1
    return tuple(parts)


def _quoted(pattern: str, start: int) -> tuple[str, int]:
    """A text in apostrophes and the place behind it; two of them are one apostrophe, inside and outside."""
    if pattern.startswith("''", start):
        return "'", start + 2
    text, place = "", start + 1
    while place < len(pattern):
        if pattern.startswith("''", place):
            text += "'"
            place += 2
        elif pattern[place] == "'":
            return text, place + 1
        else:
            text += pattern[place]
            place += 1
    raise ValueError(f"an apostrophe is not closed in the pattern {pattern!r}")


def _add_text(parts: list[Part], text: str) -> None:
    if parts and not parts[-1].letter:
        parts[-1] = Part(text=parts[-1].text + text)
    else:
        parts.append(Part(text=text))
