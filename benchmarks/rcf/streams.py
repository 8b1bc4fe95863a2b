"""Streams whose anomalies are known, point by point: recorded ones and two made with a fixed seed."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Stream:
    """Points float32 (n, d) in order, and which of them are anomalies."""

    name: str
    points: npt.NDArray[np.float32]
    labels: npt.NDArray[np.bool_]

    def head(self, count: int) -> Stream:
        """Its first points, for those who are slow."""
        return Stream(self.name, self.points[:count], self.labels[:count])


def two_levels(count: int, seed: int) -> Stream:
    """One column: levels of -3 and 3 with noise of 0.5, at random; one point in 50 lies anywhere from -5.5 to 5.5."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(count) < 0.5, -3.0, 3.0) + 0.5 * rng.standard_normal(count)
    labels = rng.random(count) < 0.02
    values[labels] = rng.uniform(-5.5, 5.5, np.count_nonzero(labels))
    return Stream("levels", values[:, None].astype(np.float32), labels)


def correlated_columns(count: int, seed: int) -> Stream:
    """Eight columns of two common causes with noise; in one point in 50 two columns are off by 3 to 5 noise widths."""
    rng = np.random.default_rng(seed)
    causes = rng.standard_normal((count, 2)) @ rng.standard_normal((2, 8))
    values = causes + 0.7 * rng.standard_normal((count, 8))
    labels = rng.random(count) < 0.02
    for row in np.flatnonzero(labels):
        columns = rng.choice(8, 2, replace=False)
        values[row, columns] += 0.7 * rng.uniform(3.0, 5.0, 2) * rng.choice([-1.0, 1.0], 2)
    return Stream("columns", values.astype(np.float32), labels)


def nab(folder: Path) -> list[Stream]:
    """The series of the Numenta Anomaly Benchmark that have anomalies: a point in a labelled window is one.

    Raises FileNotFoundError where the folder is not; it is not part of the project.
    """
    windows: dict[str, Any] = json.loads((folder / "combined_windows.json").read_text())
    return [_series(folder / "data" / name, spans) for name, spans in windows.items() if spans]


def _series(file: Path, windows: Sequence[Sequence[str]]) -> Stream:
    with file.open(newline="") as lines:
        rows = [(datetime.fromisoformat(row["timestamp"]), float(row["value"])) for row in csv.DictReader(lines)]
    spans = [tuple(map(datetime.fromisoformat, window)) for window in windows]
    labels = [any(begin <= moment <= end for begin, end in spans) for moment, _ in rows]
    values = np.array([value for _, value in rows])
    return Stream(file.stem, (values - values[0])[:, None].astype(np.float32), np.array(labels))
