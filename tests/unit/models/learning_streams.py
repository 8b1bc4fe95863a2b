"""Streams that tests of learners share: made ones, and recorded ones where CUTBANK_DATA has them."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from functools import cache

import numpy as np

from tests.recorded_data import recorded_file


@dataclass(frozen=True)
class Stream:
    """Rows in order with their labels."""

    names: tuple[str, ...]
    features: np.ndarray
    labels: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Features and, last, the label: what `process` takes."""
        return np.column_stack([self.features, self.labels])

    def dicts(self) -> list[dict[str, float]]:
        """Rows as river takes them."""
        return [dict(zip(self.names, row, strict=True)) for row in self.features.tolist()]


@cache
def made(rows: int = 3000, columns: int = 5, seed: int = 7) -> Stream:
    """A concept that turns round half way; columns of very different size, one constant, labels with noise."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, columns)) * 10.0 ** np.arange(-1, columns - 1) + 3.0
    features[:, -1] = 4.0
    concept = random.normal(size=columns) / 10.0 ** np.arange(-1, columns - 1)
    signs = np.where(np.arange(rows) < rows // 2, 1.0, -1.0)
    score = ((features - 3.0) @ concept) * signs + 0.3 * random.normal(size=rows)
    return Stream(tuple(f"x{number}" for number in range(columns)), features, (score > 0.0).astype(float))


@cache
def recorded(name: str) -> Stream:
    """A recorded stream; a test that asks for one is marked real_data, and skips loudly where there is none."""
    with gzip.open(recorded_file("streams", f"{name}.csv.gz"), "rt", newline="") as lines:
        header, *table = csv.reader(lines)
    values = np.array(table, np.float64)
    assert header[-1] == "label"
    return Stream(tuple(header[:-1]), values[:, :-1], values[:, -1])
