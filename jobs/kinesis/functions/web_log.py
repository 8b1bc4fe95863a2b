"""Apache log formats, as W3C_LOG_PARSE takes them: ``%h %l %u %t \\"%r\\" %>s %b``.

Source: "W3C_LOG_PARSE" of AWS's SQL reference, which names the specifiers and the predefined formats, and the log
formats of Apache's mod_log_config. IIS is named there without its columns, so it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from jobs.kinesis.column_types import ColumnType

_TEXT = ColumnType("VARCHAR", length=1024)
_BIGINT = ColumnType("BIGINT")
_INTEGER = ColumnType("INTEGER")

FORMATS = {
    "COMMON": '%h %l %u %t "%r" %>s %b',
    "COMMON WITH VHOST": '%v %h %l %u %t "%r" %>s %b',
    "NCSA EXTENDED": '%h %l %u %t "%r" %>s %b "%[Referer]i" "%[User-agent]i"',
    "REFERER": "%[Referer]i ---> %U",
    "AGENT": "%[User-agent]i",
}
_SPECIFIER = re.compile(
    r"%(?P<condition>!?\d+(?:,\d+)*)?(?P<which>[<>])?(?:\[(?P<name>[^\]]*)\]|\{(?P<brace>[^}]*)\})?(?P<letter>[A-Za-z])"
)
# numbers by what they count; the reference makes %B a text, because it may be a dash
_TYPES = {
    "b": _BIGINT,
    "D": _BIGINT,
    "I": _BIGINT,
    "O": _BIGINT,
    "p": _INTEGER,
    "P": _INTEGER,
    "s": _INTEGER,
    "T": _INTEGER,
}
_LETTERS = "aABbCDefhHilmnopPqrstTuUvVXIO"
# letters whose values have no blanks in them
_WORDS = "aABhHlmquUvVX"
_NAMED = "Ceino"


@dataclass(frozen=True)
class LogFormat:
    """What a line looks like: a Java expression with one group a field, and the types of the fields."""

    regex: str
    types: tuple[ColumnType, ...]


def parse_format(text: str) -> LogFormat:
    """Read a format, or the name of a predefined one.

    Raises
    ------
    ValueError
        An unknown name or specifier, or one whose name is missing.
    """
    name = " ".join(text.upper().split())
    if name == "IIS":
        raise ValueError("IIS is named in the reference without its columns; write the format out")
    form = FORMATS.get(name, text).replace('\\"', '"')
    if "%" not in form:
        raise ValueError(f"expected {', '.join(FORMATS)} or specifiers such as %h %t %b, got {text!r}")
    regex, types, place = r"(?s)\A", [], 0
    while place < len(form):
        if form.startswith("%%", place):
            regex, place = regex + "%", place + 2
        elif form[place] == "%":
            match = _SPECIFIER.match(form, place)
            if match is None or match["letter"] not in _LETTERS:
                raise ValueError(
                    f"there is no specifier {form[place : place + 3]!r} at character {place + 1} of {form!r}"
                )
            regex += _value(match, form)
            types.append(_TYPES.get(match["letter"], _TEXT))
            place = match.end()
        else:
            # runs of blanks in a line are as good as one
            regex += r"\s+" if form[place].isspace() else re.escape(form[place])
            place += 1
    return LogFormat(regex + r"\s*\z", tuple(types))


def _value(match: re.Match[str], form: str) -> str:
    """What a specifier stands for, by its letter and by what stands around it."""
    letter, before, after = match["letter"], form[: match.start()], form[match.end() :]
    if letter in _NAMED and match["name"] is None and match["brace"] is None:
        raise ValueError(f"%{letter} needs a name, %[...]{letter}")
    if before.endswith('"') and after.startswith('"'):
        return r'((?:[^"\\]|\\.)*)'
    if letter == "t":
        # the brackets belong to the value unless the format has them
        return r"([^\]]*)" if before.endswith("[") and after.startswith("]") else r"(\[[^\]]*\])"
    if letter in _TYPES:
        return r"(\d{1,9}|-)" if _TYPES[letter] == _INTEGER else r"(\d{1,18}|-)"
    if letter in _WORDS:
        return r"(\S*)" if letter == "q" else r"(\S+)"
    return "(.*?)"
