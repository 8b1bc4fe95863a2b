"""Column descriptions of the log parsers: ``name TYPE VARCHAR(16), at TYPE TIMESTAMP 'dd/MMM/yyyy' START 0 FOR 11``.

Source: "FIXED_COLUMN_LOG_PARSE", "VARIABLE_COLUMN_LOG_PARSE" and "REGEX_LOG_PARSE" of AWS's SQL reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jobs.kinesis.column_types import ColumnType, parse_type
from jobs.kinesis.functions.declaration import ArgumentFault, fails_where
from jobs.kinesis.functions.time_reading import read_time
from jobs.kinesis.values import VARCHAR, Value, cast

# how AWS types the fields nobody described
UNTYPED = ColumnType("VARCHAR", length=1024)

_TOKEN = re.compile(
    r"""\s*(?:"(?P<quoted>(?:[^"]|"")+)"|'(?P<text>(?:[^']|'')*)'|(?P<word>[A-Za-z_][\w$]*)|(?P<number>\d+)"""
    r"""|(?P<sign>[(),]))"""
)


@dataclass(frozen=True)
class Description:
    """A column as it is described.

    Attributes
    ----------
    name
        As SQL stores it: upper case unless it was quoted.
    type
        Its type.
    pattern
        How its dates and times are written; None: as SQL writes them.
    start, length
        Of a fixed column: from which character, counted from 0, and how many; None: up to the end of the line.
    """

    name: str
    type: ColumnType
    pattern: str | None = None
    start: int | None = None
    length: int | None = None


def parse_descriptions(text: str, argument: int) -> tuple[Description, ...]:
    """Read a list of column descriptions; the word TYPE may be missing.

    Raises
    ------
    ArgumentFault
        Saying what was expected instead of what stands there, about the argument at this place.
    """
    found = _Reader(text, argument).descriptions()
    names = [description.name for description in found]
    for name in names:
        if names.count(name) > 1:
            raise ArgumentFault(f"two columns are described as {name}", argument)
    return found


def typed(sql: str, description: Description, argument: int) -> Value:
    """The text of a field as its type; one that does not fit fails the row, an empty one is NULL."""
    kind = description.type
    if kind.is_text:
        return Value(f"CAST({sql} AS {kind.flink})" if kind.length is not None else sql, kind)
    text = f"NULLIF(TRIM({sql}), '')"
    message = f"{description.name} is no {kind}"
    if description.pattern is not None:
        try:
            time = read_time(text, description.pattern)
        except ValueError as error:
            raise ArgumentFault(f"{description.name}: {error}", argument) from error
        read = time.sql if kind.name == "TIMESTAMP" else f"CAST({time.sql} AS {kind.flink})"
        return fails_where(Value(read, kind), time.fails, message)
    found = cast(Value(text, VARCHAR), kind)
    if found is None:
        raise ArgumentFault(f"{description.name}: a field cannot be {kind}", argument)
    return found


class _Reader:
    """Word after word of a list of descriptions."""

    def __init__(self, text: str, argument: int) -> None:
        self._argument = argument
        self._tokens = list(self._split(text))
        self._place = 0

    def descriptions(self) -> tuple[Description, ...]:
        found = [self._description()]
        while self._accept(","):
            found.append(self._description())
        if self._peek()[0]:
            self._expected("a comma")
        return tuple(found)

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        place, text = 0, text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise ArgumentFault(f"cannot read the columns at character {place + 1} of {text!r}", self._argument)
            kind = str(match.lastgroup)
            yield kind, match[kind]
            place = match.end()

    def _description(self) -> Description:
        kind, name = self._peek()
        if kind not in ("word", "quoted"):
            self._expected("the name of a column")
        self._place += 1
        name = name.upper() if kind == "word" else name.replace('""', '"')
        self._accept("TYPE")
        column_type = self._type(name)
        pattern = self._pattern(name, column_type)
        if self._accept("NOT") and not self._accept("NULL"):
            self._expected("NULL behind NOT")
        start = self._number("START")
        return Description(name, column_type, pattern, start, None if start is None else self._number("FOR"))

    def _type(self, name: str) -> ColumnType:
        kind, word = self._peek()
        if kind != "word" or word.upper() in ("START", "NOT"):
            return UNTYPED
        text = word
        self._place += 1
        if word.upper() == "DOUBLE" and self._accept("PRECISION"):
            text += " PRECISION"
        if self._accept("("):
            text += "("
            while not self._accept(")"):
                if not self._peek()[0]:
                    self._expected(")")
                text += self._peek()[1]
                self._place += 1
            text += ")"
        try:
            return parse_type(text)
        except ValueError as error:
            raise ArgumentFault(f"{name}: {error}", self._argument) from error

    def _pattern(self, name: str, column_type: ColumnType) -> str | None:
        kind, text = self._peek()
        if kind != "text":
            return None
        if not column_type.is_time:
            raise ArgumentFault(f"{name}: only dates and times take a pattern, not {column_type}", self._argument)
        self._place += 1
        return text.replace("''", "'")

    def _number(self, word: str) -> int | None:
        if not self._accept(word):
            return None
        kind, text = self._peek()
        if kind != "number":
            self._expected(f"a number behind {word}")
        self._place += 1
        return int(text)

    def _accept(self, word: str) -> bool:
        kind, text = self._peek()
        if kind in ("word", "sign") and text.upper() == word:
            self._place += 1
            return True
        return False

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("", "")

    def _expected(self, what: str) -> None:
        got = self._peek()[1] or "the end"
        raise ArgumentFault(f"columns: expected {what}, got {got!r}", self._argument)
