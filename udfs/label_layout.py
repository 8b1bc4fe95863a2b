"""Where a pack has what a learner with late labels needs: features, ids, labels, and which row is what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from udfs.pack import FloatArray

#: Kinds of rows in a pack, in the order of equal times.
INPUT, LABEL, BEAT = 0, 1, 2


@dataclass(frozen=True)
class FeatureColumns:
    """Which columns are features: numbers as they are, then a code for each text or truth value.

    Parameters
    ----------
    numbers
        Positions of the numeric ones.
    categories
        Names and positions of the others; equal values of two columns have different codes.
    """

    numbers: tuple[int, ...]
    categories: tuple[tuple[str, int], ...] = ()

    @property
    def positions(self) -> tuple[int, ...]:
        """All positions, in the order of the features."""
        return (*self.numbers, *(position for _, position in self.categories))

    def of(self, columns: Sequence[Sequence[Any]]) -> FloatArray:
        """Features (n, d) of columns with n values each; NaN where SQL has NULL."""
        n = len(columns[self.positions[0]])
        features = np.empty((n, len(self.positions)), dtype=np.float64)
        for j, position in enumerate(self.numbers):
            features[:, j] = columns[position]  # numpy makes NaN of None
        if self.categories:
            from models.features import category_codes  # loads a kernel

            for j, (name, position) in enumerate(self.categories, len(self.numbers)):
                features[:, j] = category_codes(name, [_text(value) for value in columns[position]])
        return features

    def among(self, kept: Sequence[int]) -> FeatureColumns:
        """The same features where only the columns at these positions are kept, in their order."""
        place = {position: i for i, position in enumerate(kept)}
        return FeatureColumns(
            tuple(place[position] for position in self.numbers),
            tuple((name, place[position]) for name, position in self.categories),
        )


def _text(value: Any) -> str | None:
    """A category as text; truth values as SQL writes them."""
    return str(value).upper() if isinstance(value, bool) else value


@dataclass(frozen=True)
class LabelLayout:
    """Where a pack has what labels need, beside `PackLayout`.

    Parameters
    ----------
    width
        Number of columns of the input; they are arrays 0 .. width - 1.
    features
        Which of them are features.
    label
        Position of the label.
    id
        Position of the id; None where each input brings its own label.
    kind
        Position of the kinds of rows; None where all are inputs.
    """

    width: int
    features: FeatureColumns
    label: int
    id: int | None = None
    kind: int | None = None
