"""What the original ensemble does with a row, step by step: five straight lines through a tanh, each with its rate."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

MEMBERS: Final = 5
RATE, FADE = 0.01, 0.9999
"""The learning rate of the first member; those of the others are multiples of it. What each update leaves of it."""
NEUTRAL: Final = 100.0
"""Rows before which every member says 0."""
ERRORS, ERRORS_LEAST = 100, 10
"""Errors a member's weight looks back on, and from how many on it does."""

#: Places in a state: rows so far, the last mid price, errors kept, where the next goes; then of each column mean and
#: its squared distances, the last row scaled, and the members' last predictions, weights and errors.
ROWS, LAST, KEPT, NEXT_ERROR, COLUMNS = range(5)

#: Columns of the results.
SCORE, LOW, HIGH, COUNT = range(4)


def width_of(columns: int) -> int:
    """How many float64 the state of a key takes."""
    return COLUMNS + 3 * columns + MEMBERS * (1 + columns + 1 + ERRORS)


@inner
def _line(weights: Floats, first: int, row: Floats) -> float:
    """The straight line of the member whose weights begin at `first`, its intercept behind them."""
    height = weights[first + row.size]
    for column in range(row.size):
        height += weights[first + column] * row[column]
    return float(height)


@inner
def _learn(state: Floats, columns: int, change: float) -> None:
    """The row before has moved by `change`: errors, and a step of each member."""
    row = state[COLUMNS + 2 * columns : COLUMNS + 3 * columns]
    said = state[COLUMNS + 3 * columns : COLUMNS + 3 * columns + MEMBERS]
    weights = state[COLUMNS + 3 * columns + MEMBERS :]
    errors = weights[MEMBERS * (columns + 1) :]
    place = int(state[NEXT_ERROR])
    fade = FADE ** (state[ROWS] - 1.0)
    for member in range(MEMBERS):
        errors[place * MEMBERS + member] = abs(said[member] - change)
        first = member * (columns + 1)
        predicted = math.tanh(_line(weights, first, row))
        step = RATE * (member + 1.0) * fade * (change - predicted) * (1.0 - predicted * predicted)
        for column in range(columns):
            weights[first + column] += step * row[column]
        weights[first + columns] += step
    state[NEXT_ERROR] = float((place + 1) % ERRORS)
    state[KEPT] = min(state[KEPT] + 1.0, float(ERRORS))


@inner
def _scale(state: Floats, columns: int, features: Floats) -> None:
    """The standard scaler: it takes the row in, and then scales it; a column without a spread becomes 0."""
    n = state[ROWS]
    for column in range(columns):
        mean = state[COLUMNS + column]
        away = features[column] - mean
        mean += away / n
        state[COLUMNS + column] = mean
        state[COLUMNS + columns + column] += away * (features[column] - mean)
        spread = math.sqrt(state[COLUMNS + columns + column] / n)
        state[COLUMNS + 2 * columns + column] = (features[column] - mean) / spread if spread > 0.0 else 0.0


@inner
def _predict(state: Floats, columns: int, out: Floats) -> None:
    """Predictions of the members, and their mean by inverse mean absolute error."""
    row = state[COLUMNS + 2 * columns : COLUMNS + 3 * columns]
    said = state[COLUMNS + 3 * columns : COLUMNS + 3 * columns + MEMBERS]
    weights = state[COLUMNS + 3 * columns + MEMBERS :]
    errors = weights[MEMBERS * (columns + 1) :]
    kept = int(state[KEPT])
    total, score, low, high = 0.0, 0.0, math.inf, 0.0
    for member in range(MEMBERS):
        first = member * (columns + 1)
        said[member] = math.tanh(_line(weights, first, row)) if state[ROWS] > NEUTRAL else 0.0
        weight = 1.0
        if kept >= ERRORS_LEAST:
            mistaken = 0.0
            for place in range(kept):
                mistaken += errors[place * MEMBERS + member]
            weight = 1.0 / (mistaken / kept + 1e-6)
        total += weight
        score += weight * said[member]
        low, high = min(low, weight), max(high, weight)
    out[SCORE], out[LOW], out[HIGH] = score / total, low / total, high / total


@entry
def take_rows(states: Floats, slots: Longs, mids: Floats, features: Floats, out: Floats) -> None:
    """Each row in turn: what the one before was wrong by is learned, then the row is predicted."""
    columns = features.shape[1]
    for row in range(slots.size):
        state = states[slots[row]]
        if state[ROWS] > 0.0:
            _learn(state, columns, mids[row] / state[LAST] - 1.0)
        state[ROWS] += 1.0
        state[LAST] = mids[row]
        _scale(state, columns, features[row])
        _predict(state, columns, out[row])


def make_ready() -> None:
    """Load the kernel, or compile it."""
    table, longs = np.empty((0, 1)), np.empty(0, np.int64)
    ready(take_rows, table, longs, np.empty(0), table, table)


#: What the list of kernels calls.
compile_all = make_ready
