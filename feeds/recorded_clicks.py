"""A recorded stream with labels as impressions: one row of a CSV file each, at the times it has or at an even pace."""

from __future__ import annotations

import csv
import gzip
import math
import random as chance
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from feeds.clicks import Impression
from feeds.label_delay import Delay
from jobs.errors import CutbankError, UsageError

#: What every impression has besides its features.
RESERVED = ("impression_id", "campaign", "event_time")
#: Numbers as JSON writes them: with a leading zero or a blank it is a text, such as a postcode.
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][+-]?[0-9]+)?|-?\.[0-9]+([eE][+-]?[0-9]+)?")
_TRUE, _FALSE = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """How the rows of a file become impressions.

    Attributes
    ----------
    path
        CSV with a header, compressed where its name ends with .gz; numbers stay numbers, empty fields become null.
    label
        The column with the label: 1 or 0, true or false, yes or no.
    key
        The column that becomes the campaign; None: the file's name for all.
    event_time, label_time
        Columns with times, ISO 8601 with or without zone (then UTC) or milliseconds since 1970, rows in their order;
        without the first, rows come `rate` a second, without the second, labels come by `delay`.
    rate
        Rows a second.
    delay, lost, seed
        As for `feeds.clicks.honest`.
    """

    path: Path
    label: str
    key: str | None = None
    event_time: str | None = None
    label_time: str | None = None
    rate: float = 1000.0
    delay: Delay
    lost: float = 0.0
    seed: int = 0

    def impressions(self, limit: int | None = None) -> Iterator[Impression]:
        """The rows; `limit` at most.

        Raises
        ------
        UsageError
            A column is not there.
        CutbankError
            The file cannot be read, or a row has no such label or time; the message names its line.
        """
        luck = chance.Random(self.seed)
        campaign, first_ms, before_ms = self.path.name.split(".")[0], 0, 0
        with self._rows() as rows:
            self._check_columns(rows.fieldnames or [])
            for number, row in enumerate(rows):
                if number == limit:
                    return
                line = rows.line_num
                late, gone = self.delay.milliseconds(luck), luck.random() < self.lost
                clicked = self._clicked(row.pop(self.label), line)
                offset_ms = int(1000 * number / self.rate)
                if self.event_time is not None:
                    moment_ms = self._moment_ms(self.event_time, row.pop(self.event_time), line)
                    first_ms = moment_ms if number == 0 else first_ms
                    offset_ms = moment_ms - first_ms
                    if offset_ms < before_ms:
                        raise self._wrong(line, f"its {self.event_time} is before that of the row above: sort the file")
                    before_ms = offset_ms
                if self.label_time is not None:
                    known_ms = self._moment_ms(self.label_time, row.pop(self.label_time), line)
                    late = max(0, known_ms - first_ms - offset_ms)
                features = {name: _value(text) for name, text in row.items()}
                name = campaign if self.key is None else str(features.pop(self.key))
                yield Impression(number, offset_ms, name, features, clicked, None if gone else late)

    def start_ms(self) -> int | None:
        """Event time of the first row, where rows have times."""
        if self.event_time is None:
            return None
        with self._rows() as rows:
            self._check_columns(rows.fieldnames or [])
            row = next(iter(rows), None)
            return None if row is None else self._moment_ms(self.event_time, row[self.event_time], rows.line_num)

    @contextmanager
    def _rows(self) -> Iterator[csv.DictReader[str]]:
        try:
            with self._open() as lines:
                yield csv.DictReader(lines)
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise CutbankError(f"{str(self.path)!r} cannot be read: {error}") from error

    def _open(self) -> IO[str]:
        if self.path.suffix == ".gz":
            return gzip.open(self.path, "rt", encoding="utf-8", newline="")
        return self.path.open(encoding="utf-8", newline="")

    def _check_columns(self, columns: Sequence[str]) -> None:
        named = {
            "--label": self.label, "--key": self.key, "--event-time": self.event_time, "--label-time": self.label_time,
        }  # fmt: skip
        for option, column in named.items():
            if column is not None and column not in columns:
                raise UsageError(f"{option}: {str(self.path)!r} has no column {column!r}; it has {', '.join(columns)}")
        taken = set(RESERVED) & (set(columns) - set(named.values()))
        if taken:
            raise UsageError(f"--file: {str(self.path)!r} has a column {min(taken)!r}, as the records have: rename it")

    def _clicked(self, text: str | None, line: int) -> int:
        word = (text or "").strip().lower()
        if word in _TRUE or word in _FALSE:
            return int(word in _TRUE)
        raise self._wrong(line, f"its {self.label} must be 0 or 1, true or false, yes or no, got {text!r}")

    def _moment_ms(self, column: str, text: str | None, line: int) -> int:
        word = (text or "").strip()
        if word.lstrip("-").isdigit():
            return int(word)
        try:
            moment = datetime.fromisoformat(word)
        except ValueError:
            raise self._wrong(line, f"its {column} must be an ISO 8601 time or milliseconds, got {text!r}") from None
        return round(1000 * (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())

    def _wrong(self, line: int, what: str) -> CutbankError:
        return CutbankError(f"{str(self.path)!r}, line {line}: {what}")


def _value(text: str | None) -> object:
    """A field as JSON has it: a whole number, a number, a text, or null where it is empty."""
    if text is None or text == "":
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    return number if math.isfinite(number) else text
