"""Looking into the file of a reference table before anything runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from jobs.kinesis.source_tables import Reference


def doubled_key(file: Path, reference: Reference, keys: Sequence[str]) -> tuple[str, ...] | None:
    """The first key that two rows of a file have; None where each has its own.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is not of its format.
    """
    indexes = [[column.name for column in reference.columns].index(key) for key in keys]
    seen: set[tuple[str, ...]] = set()
    for row in _rows(file, reference):
        key = tuple(row[index] if index < len(row) else "" for index in indexes)
        if key in seen:
            return key
        seen.add(key)
    return None


def _rows(file: Path, reference: Reference) -> Iterator[list[str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        if reference.format == "csv":
            yield from csv.reader(lines, delimiter=reference.delimiter)
            return
        for line in filter(str.strip, lines):
            record = json.loads(line)
            yield [str(record.get(column.name)) for column in reference.columns]
