"""A translated application as a pipeline file: readable, each statement under what it was made of."""

from __future__ import annotations

import textwrap
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.kinesis.context import Piece
from jobs.sql.located import LocatedText


@dataclass(frozen=True)
class Compiled:
    """A pipeline, and the places in the application its lines come from.

    Attributes
    ----------
    name
        Of the pipeline.
    text
        The pipeline file.
    source
        The application.
    origins
        ``(line of the pipeline, offset in the application)``, by line; -1 where a statement comes from nowhere in it.
    warnings
        What one should know though the pipeline runs, each with its place in the application.
    """

    name: str
    text: str
    source: LocatedText
    origins: tuple[tuple[int, int], ...]
    warnings: tuple[str, ...] = ()

    def origin(self, line: int) -> int | None:
        """The offset in the application of a line of the pipeline; None where it comes from nowhere in it."""
        at = bisect_right(self.origins, line, key=lambda origin: origin[0]) - 1
        offset = self.origins[at][1] if at >= 0 else -1
        return offset if offset >= 0 else None


def printed(
    source: LocatedText, name: str, pieces: Sequence[Piece], warnings: Sequence[tuple[str, int]] = ()
) -> Compiled:
    """The pipeline of these statements; a warning is ``(message, offset in the application)``."""
    told = [str(source.error(message, start)) for message, start in warnings]
    lines = [
        f"-- {name}: made from Kinesis SQL by `cutbank kinesis compile`. Each statement stands under its original.",
        "--   ${delay}: seconds that rows may be out of order at a source; ${batch}: seconds of rows in a pack",
        *(f"-- warning, line {source.position(start).line}: {message}" for message, start in warnings),
        "",
        # else they are named after what they are chained to, and one writer is chained to one task, not to two
        "-- operators find their state again at every parallelism",
        "SET 'table.exec.uid.generation' = 'ALWAYS';",
        "",
    ]
    origins: list[tuple[int, int]] = []
    shown: set[int] = set()
    for piece in pieces:
        origins.append((len(lines) + 1, -1 if piece.start is None else piece.start))
        lines += _comment(source, piece, shown)
        lines += f"{piece.sql};".split("\n")
        lines.append("")
    return Compiled(name, "\n".join(lines), source, tuple(origins), tuple(told))


def _comment(source: LocatedText, piece: Piece, shown: set[int]) -> list[str]:
    found = [f"-- {piece.title}"] if piece.title else []
    if piece.start is None or piece.start in shown:
        return found
    shown.add(piece.start)
    position = source.position(piece.start)
    end = _end(source.text, piece.start)
    original = textwrap.dedent(" " * (position.column - 1) + source.text[piece.start : end].expandtabs())
    lines = [line.rstrip() for line in original.split("\n") if line.strip()]
    return [*found, f"-- line {position.line}:", *(f"--   {line}".rstrip() for line in lines)]


def _end(text: str, start: int) -> int:
    """Where the statement that begins here ends: at its semicolon, whatever stands in quotes and comments."""
    from jobs.kinesis.tokens import CLOSED

    at = start
    while at < len(text):
        match = CLOSED.search(text, at)
        semicolon = text.find(";", at)
        if semicolon < 0:
            return len(text.rstrip())
        if match is None or semicolon < match.start():
            return semicolon
        at = match.end()
    return len(text.rstrip())
