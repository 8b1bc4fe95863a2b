"""Text that knows where it comes from.

A pipeline file passes through several hands before Flink reads it: placeholders are filled, statements are
cut out, calls are replaced. `LocatedText` carries along, for each of its characters, the place in the file as
the user wrote it, so that an error found at any stage is told at line and column of that file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from jobs.errors import SqlError


class Position(NamedTuple):
    """A place in a file, both numbers from 1."""

    line: int
    column: int


class Replacement(NamedTuple):
    """Characters ``start`` to ``end`` (exclusive) of a text give way to ``text``."""

    start: int
    end: int
    text: str


class Piece(NamedTuple):
    """Characters from ``start`` on: a copy of the file from ``origin`` on, or text that stands for it."""

    start: int
    origin: int
    copied: bool


def excerpt(text: str, limit: int = 60) -> str:
    """A piece of SQL as messages show it: one line, and no longer than is needed to know it again."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 3].rstrip() + "..."


@dataclass(frozen=True, eq=False)
class File:
    """A pipeline file as it was read: the name that messages show, and the text."""

    name: str
    text: str

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(i + 1 for i, character in enumerate(self.text) if character == "\n")]

    def position(self, offset: int) -> Position:
        """Line and column of a character; the end of the text is a place too."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def error(self, message: str, offset: int = 0) -> SqlError:
        """The error to raise for something wrong at ``offset``."""
        line, column = self.position(offset)
        message = " ".join(message.split())  # an error is one line, whatever it quotes
        return SqlError(message, file=self.name, line=line, column=column)


@dataclass(frozen=True, eq=False)
class LocatedText:
    """A text, and for each character its place in the file.

    Parameters
    ----------
    text
        What it says.
    file
        Where it comes from.
    pieces
        In order of ``start``; the first starts at 0.
    """

    text: str
    file: File
    pieces: Sequence[Piece]

    @classmethod
    def whole(cls, file: File) -> LocatedText:
        """The text of a file, unchanged."""
        return cls(file.text, file, (Piece(0, 0, True),))

    def __len__(self) -> int:
        return len(self.text)

    def origin(self, offset: int) -> int:
        """The offset in the file of a character of this text."""
        piece = self.pieces[max(bisect_right(self.pieces, offset, key=lambda piece: piece.start) - 1, 0)]
        return piece.origin + (offset - piece.start if piece.copied else 0)

    def position(self, offset: int) -> Position:
        """Line and column in the file of a character of this text."""
        return self.file.position(self.origin(offset))

    def error(self, message: str, offset: int = 0) -> SqlError:
        """The error to raise for something wrong at a character of this text."""
        return self.file.error(message, self.origin(offset))

    def slice(self, start: int, end: int) -> LocatedText:
        """Characters ``start`` to ``end`` (exclusive)."""
        inside = [
            Piece(piece.start - start, piece.origin, piece.copied) for piece in self.pieces if start < piece.start < end
        ]
        first = self.pieces[max(bisect_right(self.pieces, start, key=lambda piece: piece.start) - 1, 0)]
        return LocatedText(self.text[start:end], self.file, (Piece(0, self.origin(start), first.copied), *inside))

    def replace(self, replacements: Iterable[Replacement]) -> LocatedText:
        """This text with some spans replaced; what replaces a span lies where the span began.

        Where one span contains another only the outer one counts, so calls nested in a call need no
        care; what is inserted at an edge of a span stays.

        Raises
        ------
        ValueError
            Two spans overlap without one containing the other.
        """
        parts: list[str] = []
        pieces: list[Piece] = []
        length = done = 0

        def keep(until: int) -> None:
            nonlocal length
            if until > done:
                kept = self.slice(done, until)
                pieces.extend(Piece(piece.start + length, piece.origin, piece.copied) for piece in kept.pieces)
                parts.append(kept.text)
                length += len(kept.text)

        for start, end, text in sorted(replacements, key=lambda r: (r.start, r.end > r.start, -r.end)):
            if start < done:
                if end <= done:
                    continue
                raise ValueError(f"replacements overlap at offset {start}")
            keep(start)
            if text:
                pieces.append(Piece(length, self.origin(start), False))
                parts.append(text)
                length += len(text)
            done = end
        keep(len(self.text))
        return LocatedText("".join(parts), self.file, tuple(pieces) or (Piece(0, self.origin(0), True),))

    def wrap(self, before: str, after: str = "") -> LocatedText:
        """This text between two others, which lie where it begins and ends."""
        end = len(self.text)
        return self.replace([Replacement(0, 0, before), Replacement(end, end, after)])
