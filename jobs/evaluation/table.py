"""A CSV file, plain or compressed by gzip, as what a learner takes: numbers, codes of texts, labels and times."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jobs.errors import CutbankError, UsageError
from models.features import category_codes

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Words for a label, besides numbers.
_LABELS = {"true": 1.0, "false": 0.0}
#: The time of a label that was never known.
NEVER = 2**62
#: A cell that says nothing.
_MISSING = ("", "nan", "null", "na", "none")


@dataclass(frozen=True)
class Choice:
    """Which columns of a file are what; every other one is a feature.

    Attributes
    ----------
    label
        The column to predict.
    event_time, label_time
        When a row happened, and when its label was known; both or neither.
    categories
        Columns that are categories although they look like numbers.
    ignored
        Columns that are left out.
    """

    label: str
    event_time: str | None = None
    label_time: str | None = None
    categories: Sequence[str] = ()
    ignored: Sequence[str] = ()


@dataclass(frozen=True)
class Table:
    """A file's rows in order.

    Attributes
    ----------
    numbers, texts
        Names of the numeric columns and of the categorical ones.
    values
        (n, numbers) float64, NaN where a cell is empty.
    cells
        The cells of each categorical column, None where one is empty.
    labels
        (n,) NaN where the label is not known.
    event_times, label_times
        (n,) milliseconds since 1970 UTC, or None; `NEVER` where a label was never known.
    """

    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    values: Floats
    cells: tuple[Sequence[str | None], ...]
    labels: Floats
    event_times: Longs | None = None
    label_times: Longs | None = None

    def features(self) -> Floats:
        """(n, numbers + texts): the numbers, then a code for each text."""
        codes = [category_codes(name, cells) for name, cells in zip(self.texts, self.cells, strict=True)]
        return np.column_stack([self.values, *codes])


def read_table(file: Path, choice: Choice, *, classes: bool) -> Table:
    """Read a file.

    Parameters
    ----------
    file
        CSV with a header line; gzip by its name's end ``.gz``.
    choice
        What its columns are.
    classes
        Whether labels are classes (0 and 1, true and false), or numbers.

    Raises
    ------
    UsageError
        The file is not there, or a column of `choice` is not in it.
    CutbankError
        The file is no such CSV; the message names line and column.
    """
    header, columns = _cells(file)
    named = {"--label": choice.label, "--event-time": choice.event_time, "--label-time": choice.label_time}
    wanted = [(option, name) for option, name in named.items() if name is not None]
    wanted += [("--category", name) for name in choice.categories] + [("--ignore", name) for name in choice.ignored]
    for option, name in wanted:
        if name not in header:
            raise UsageError(f"{option}: {file.name} has no column {name!r}; it has {', '.join(header)}")
    if (choice.event_time is None) != (choice.label_time is None):
        raise UsageError("--event-time and --label-time belong together: one of them is missing")
    cells = dict(zip(header, columns, strict=True))
    labels = np.array(
        [_label(file, line, choice.label, cell, classes) for line, cell in enumerate(cells[choice.label], 2)],
        np.float64,
    )
    features = [name for name in header if name not in {*filter(None, named.values()), *choice.ignored}]
    values = {name: None if name in choice.categories else _numbers(cells[name]) for name in features}
    numbers = tuple(name for name in features if values[name] is not None)
    texts = tuple(name for name in features if values[name] is None)
    if not features:
        raise UsageError(f"{file.name} has no column left to learn from")
    known = [value for value in values.values() if value is not None]
    return Table(
        numbers,
        texts,
        np.column_stack(known) if known else np.empty((labels.size, 0)),
        tuple([None if cell.lower() in _MISSING else cell for cell in cells[name]] for name in texts),
        labels,
        None if choice.event_time is None else _times(file, choice.event_time, cells[choice.event_time], False),
        None if choice.label_time is None else _times(file, choice.label_time, cells[choice.label_time], True),
    )


def _cells(file: Path) -> tuple[list[str], list[list[str]]]:
    """The header, and the cells of each column."""
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8-sig", newline="") as text:
            lines = csv.reader(text, strict=True)
            header = [name.strip() for name in next(lines, [])]
            rows = []
            for row in lines:
                if not row:
                    continue
                if len(row) != len(header):
                    raise CutbankError(
                        f"{file.name}, line {lines.line_num}: expected {len(header)} cells as in the header, "
                        f"got {len(row)}"
                    )
                rows.append(row)
    except FileNotFoundError:
        raise UsageError(f"{file}: there is no such file") from None
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise CutbankError(f"{file.name} cannot be read as CSV in UTF-8: {error}") from error
    if not header:
        raise CutbankError(f"{file.name} is empty: expected a header line")
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise CutbankError(f"{file.name} has two columns of the name {doubled[0]!r}")
    if not rows:
        raise CutbankError(f"{file.name} has no rows below its header")
    return header, [list(column) for column in zip(*rows, strict=True)]


def _numbers(cells: Sequence[str]) -> Floats | None:
    """A column as numbers, NaN where a cell is empty; None if a cell is no finite number, or all are empty."""
    numbers = np.empty(len(cells))
    for row, cell in enumerate(cells):
        if cell.strip().lower() in _MISSING:
            numbers[row] = np.nan
            continue
        try:
            numbers[row] = float(cell)
        except ValueError:
            return None
        if math.isinf(numbers[row]):
            return None
    return None if np.isnan(numbers).all() else numbers


def _label(file: Path, line: int, column: str, cell: str, classes: bool) -> float:
    word = cell.strip().lower()
    if word in _MISSING:
        return math.nan
    try:
        value = _LABELS[word] if word in _LABELS else float(word)
    except ValueError:
        value = math.inf
    if math.isinf(value) or (classes and value not in (0.0, 1.0)):
        expected = "0, 1, true or false" if classes else "a number"
        raise CutbankError(f"{file.name}, line {line}: expected {column} to be {expected}, got {cell!r}")
    return value


def _times(file: Path, column: str, cells: Sequence[str], or_never: bool) -> Longs:
    """Times in milliseconds: ISO 8601, taken as UTC where they name no zone, or whole numbers that are that already."""
    times = np.empty(len(cells), np.int64)
    for row, cell in enumerate(cells):
        text = cell.strip()
        if or_never and text.lower() in _MISSING:
            times[row] = NEVER
            continue
        try:
            if text.lstrip("-").isdigit():
                times[row] = int(text)
            else:
                moment = datetime.fromisoformat(text)
                moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
                times[row] = round(moment.timestamp() * 1000)
        except (ValueError, OverflowError):
            raise CutbankError(
                f"{file.name}, line {row + 2}: expected {column} to be a time in ISO 8601 or milliseconds since 1970, "
                f"got {cell!r}"
            ) from None
    return times
