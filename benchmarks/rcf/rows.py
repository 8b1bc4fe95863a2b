"""Rows of the table: what was measured round by round, what it must reach, and the text a reader sees."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Row:
    """A figure of ours, by round, and what it is held against.

    With a peer, a round's result is ours over the peer's of the same round; without, it is the figure itself. The
    median of the rounds decides.
    """

    figure: str
    unit: str
    ours: list[float]
    #: nothing, where a figure only explains another one
    at_least: float | None = None
    aim: float | None = None
    peer_name: str = ""
    peer: list[float] = field(default_factory=list)
    #: the same results by processor time, which other work on the machine disturbs less
    by_cpu: list[float] = field(default_factory=list)
    less_is_better: bool = False

    @property
    def results(self) -> list[float]:
        """What is compared with the bars, by round."""
        if not self.peer:
            return self.ours
        return [ours / peer for ours, peer in zip(self.ours, self.peer, strict=True)]

    def reaches(self, bar: float | None) -> bool:
        """Is the median at the bar or beyond; no bar is never missed."""
        if bar is None:
            return True
        median = statistics.median(self.results)
        return median <= bar if self.less_is_better else median >= bar

    @classmethod
    def of(cls, report: dict[str, Any]) -> Row:
        """A row from its report."""
        return cls(**{part.name: report[part.name] for part in fields(cls)})

    def report(self) -> dict[str, Any]:
        """For the JSON file."""
        return {
            **asdict(self),
            "results": self.results,
            "holds": self.reaches(self.at_least),
            "reaches_aim": self.reaches(self.aim),
        }


def number(value: float) -> str:
    """Three digits or so, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1 or value == 0 else f"{value:.2f}"


def spread(values: Sequence[float]) -> str:
    """min / median / max."""
    return " / ".join(number(value) for value in (min(values), statistics.median(values), max(values)))


def _bar(row: Row, bar: float | None) -> str:
    if bar is None:
        return "-"
    if row.peer:
        return f"{bar:g} x"
    return f"{'<= ' if row.less_is_better else ''}{bar:g}"


def table(rows: Sequence[Row]) -> str:
    """Each row with its bars and whether the median reaches them."""
    head = ("", "unit", "peer", "ours", "min / median / max", "by CPU", "at least", "aim", "")
    lines = [head]
    for row in rows:
        lines.append(
            (
                row.figure,
                row.unit,
                f"{row.peer_name} {number(statistics.median(row.peer))}" if row.peer else "-",
                number(statistics.median(row.ours)),
                spread(row.results) + (" x" if row.peer else ""),
                number(statistics.median(row.by_cpu)) + (" x" if row.peer else "") if row.by_cpu else "-",
                _bar(row, row.at_least),
                _bar(row, row.aim),
                "-"
                if row.at_least is None
                else "aim reached"
                if row.reaches(row.aim)
                else "holds"
                if row.reaches(row.at_least)
                else "MISSED",
            )
        )
    return aligned(lines)


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns of one width; the first column to the left, the others to the right, a rule below the head."""
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    texts = [
        "  ".join(
            cell.ljust(width) if k in (0, len(widths) - 1) else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([texts[0], "-" * max(len(text) for text in texts), *texts[1:]])
