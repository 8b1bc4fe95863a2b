"""The compiled entry points: rows through trees."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.drift.adwin import adwin_reset
from models.features.code_table import find, find_or_add
from models.kernel_cache import entry, inner, ready
from models.learning.work import LEARN, PREDICT, Work, all_rows
from models.trees.forest import learn_row, member_of, probability, tree_of
from models.trees.layout import (
    ADWIN_SIZE,
    CATEGORIES,
    COLUMNS,
    DETECTORS_AT,
    FOREST,
    LEARNED,
    MEMBERS,
    NEGATIVE,
    POSITIVE,
    TABLE,
    TABLE_COUNTS,
    VALUES,
)
from models.trees.tree import begin_tree

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]


@entry
def begin(state: Floats, sizes: Longs) -> None:
    """Make zeros the state of a model that has seen nothing."""
    for number in range(sizes[MEMBERS]):
        member = member_of(state, sizes, number)
        begin_tree(tree_of(member, sizes, True), sizes, member, number)
        if sizes[FOREST] == 1:
            first = sizes[DETECTORS_AT]
            adwin_reset(member[first : first + ADWIN_SIZE])
            adwin_reset(member[first + ADWIN_SIZE : first + 2 * ADWIN_SIZE])


@inner
def _number_categories(state: Floats, sizes: Longs, row: Floats, x: Floats, add: bool) -> None:
    """Numbers as they are, categories as the number of their value; NaN where it is missing or has none."""
    columns, values = sizes[COLUMNS], sizes[VALUES]
    for column in range(columns):
        x[column] = row[column]
    for column in range(sizes[CATEGORIES]):
        code = row[columns + column]
        x[columns + column] = np.nan
        if math.isnan(code):
            continue
        table = sizes[TABLE] + column * values
        if add:
            place = find_or_add(state, table, values, sizes[TABLE_COUNTS] + column, column, code)
        else:
            place = find(state, table, values, column, code)
        if place >= 0:
            x[columns + column] = float(place)


@entry
def take_rows(
    states: Floats, slots: Longs, values: Floats, labels: Floats, weights: Floats, out: Floats, work: Work,
    sizes: Longs, rates: Floats,
) -> None:  # fmt: skip
    """Predict each row, learn it, or one after the other, in the order given; a label that is NaN is not learned."""
    x, found = np.empty(sizes[COLUMNS] + sizes[CATEGORIES]), np.empty(4)
    for row in range(slots.size):
        state = states[slots[row]]
        if work[row] & PREDICT:
            _number_categories(state, sizes, values[row], x, False)
            out[row] = probability(state, sizes, x)
        if work[row] & LEARN and not math.isnan(labels[row]):
            label = int(labels[row])
            weight = weights[row] * (rates[POSITIVE] if label == 1 else rates[NEGATIVE])
            if weight > 0.0:
                _number_categories(state, sizes, values[row], x, True)
                learn_row(state, sizes, rates, x, label, weight, found)
                state[LEARNED] += 1.0


def make_ready() -> None:
    """Load the kernels, or compile them."""
    longs, floats, table = np.empty(0, np.int64), np.empty(0), np.empty((0, 2))
    arguments: tuple[Any, ...] = (table, longs, table, floats, floats, floats, all_rows(LEARN, 0), longs, floats)
    ready(take_rows, *arguments)
    ready(begin, floats, longs)


#: What the list of kernels calls.
compile_all = make_ready
