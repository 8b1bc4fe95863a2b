"""The compiled steps of naive Bayes.

    rows of each class | of each class and column: weight, mean, sum of squared distances | of each class and category:
    rows of each bucket

A number's density is a Gaussian's with the variance of n - 1; 1e-9 is added to it, as river 0.23 does, so that a column
which never varied in a class does not decide alone. A category's probability is its bucket's share with one row added
to every bucket (Laplace).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.calibration.kernels import sigmoid
from models.features.hashing import bucket_of
from models.kernel_cache import entry, inner, ready
from models.learning.work import LEARN, PREDICT, Work, all_rows

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Weight, mean and sum of squares of a column.
MOMENTS = 3
_LEAST_DENSITY = 1e-9


def width_of(columns: int, categories: int, buckets: int) -> int:
    """Numbers of a model's state."""
    return 2 * (1 + MOMENTS * columns + categories * buckets)


@inner
def _log_density(state: Floats, at: int, value: float) -> float:
    """Logarithm of a Gaussian's density, as river has it."""
    n = state[at]
    variance = state[at + 2] / (n - 1.0) if n > 1.0 else 0.0
    if variance <= 0.0:
        return math.log(_LEAST_DENSITY)
    distance = value - state[at + 1]
    density = math.exp(-distance * distance / (2.0 * variance)) / math.sqrt(2.0 * math.pi * variance)
    return math.log(_LEAST_DENSITY + density)


@inner
def _log_likelihood(state: Floats, label: int, columns: int, categories: int, buckets: int, row: Floats) -> float:
    """Logarithm of a class's share times the likelihood of a row in it."""
    total = state[0] + state[1]
    found = math.log(state[label] / total)
    first = 2 + label * columns * MOMENTS
    for column in range(columns):
        if not math.isnan(row[column]):
            found += _log_density(state, first + column * MOMENTS, row[column])
    first = 2 + 2 * columns * MOMENTS + label * categories * buckets
    for column in range(categories):
        code = row[columns + column]
        if not math.isnan(code):
            place = first + column * buckets + bucket_of(code, buckets)
            found += math.log((state[place] + 1.0) / (state[label] + buckets))
    return found


@inner
def probability(state: Floats, columns: int, categories: int, buckets: int, row: Floats) -> float:
    """Probability of class 1: one half before the first row, certain while only one class was seen."""
    if state[0] == 0.0 or state[1] == 0.0:
        return 0.5 if state[0] == state[1] else (1.0 if state[1] > 0.0 else 0.0)
    one = _log_likelihood(state, 1, columns, categories, buckets, row)
    return sigmoid(one - _log_likelihood(state, 0, columns, categories, buckets, row))


@inner
def learn_row(
    state: Floats, columns: int, categories: int, buckets: int, row: Floats, label: int, weight: float
) -> None:
    """Learn one row of a class."""
    state[label] += weight
    first = 2 + label * columns * MOMENTS
    for column in range(columns):
        if math.isnan(row[column]):
            continue
        at = first + column * MOMENTS
        state[at] += weight
        before = state[at + 1]
        state[at + 1] += weight * (row[column] - before) / state[at]
        state[at + 2] += weight * (row[column] - before) * (row[column] - state[at + 1])
    first = 2 + 2 * columns * MOMENTS + label * categories * buckets
    for column in range(categories):
        code = row[columns + column]
        if not math.isnan(code):
            state[first + column * buckets + bucket_of(code, buckets)] += weight


@entry
def take_rows(
    states: Floats, slots: Longs, values: Floats, labels: Floats, weights: Floats, out: Floats, work: Work,
    columns: int, categories: int, buckets: int, class_weights: Floats,
) -> None:  # fmt: skip
    """Predict each row, learn it, or one after the other, in the order given; a label that is NaN is not learned."""
    for row in range(slots.size):
        state = states[slots[row]]
        if work[row] & PREDICT:
            out[row] = probability(state, columns, categories, buckets, values[row])
        if work[row] & LEARN and not math.isnan(labels[row]):
            label = int(labels[row])
            weight = weights[row] * class_weights[label]
            if weight > 0.0:
                learn_row(state, columns, categories, buckets, values[row], label, weight)


def make_ready() -> None:
    """Load the kernel, or compile it."""
    floats, table = np.empty(0), np.empty((0, 2))
    arguments: tuple[Any, ...] = (table, np.empty(0, np.int64), table, floats, floats, floats, all_rows(LEARN, 0))
    ready(take_rows, *arguments, 1, 0, 8, floats)


#: What the list of kernels calls.
compile_all = make_ready
