"""The compiled steps of the original consumer: logistic regression by plain gradient descent, and its gate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready
from models.learning.work import LEARN, PREDICT, Work, all_rows

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]


#: Places in a key's state behind its weights, of which the intercept is the last: messages so far, those accepted, the
#: sum of their F1, and how many rows of the next message are there. Behind BUFFER these rows: features, label, weight.
MESSAGES, ACCEPTED, F1_SUM, FILLED, BUFFER = range(5)


def width_of(columns: int, message_rows: int) -> int:
    """How many float64 the state of a key takes."""
    return columns + 1 + BUFFER + message_rows * (columns + 2)


@inner
def _margin(weights: Floats, row: Floats, columns: int) -> float:
    margin = weights[columns]
    for column in range(columns):
        margin += weights[column] * row[column]
    return margin


@inner
def _step(weights: Floats, row: Floats, columns: int, label: float, rate: float) -> None:
    step = rate * (label - 1.0 / (1.0 + math.exp(-_margin(weights, row, columns))))
    for column in range(columns):
        weights[column] += step * row[column]
    weights[columns] += step


@entry
def fit(weights: Floats, features: Floats, labels: Floats, rate: float) -> None:
    """One pass over the rows, in order; the last weight is the intercept."""
    for row in range(features.shape[0]):
        _step(weights, features[row], features.shape[1], labels[row], rate)


@inner
def consume(state: Floats, columns: int, order: Longs, tried: int, rate: float, share: float, copies: bool) -> None:
    """A whole message that the buffer holds: learn most of it, try the rest, and record that or not."""
    weights, facts = state[: columns + 1], state[columns + 1 : columns + 1 + BUFFER]
    rows = state[columns + 1 + BUFFER :].reshape(order.size, columns + 2)
    before = weights.copy()
    for place in range(tried, order.size):
        row = rows[order[place]]
        _step(weights, row, columns, row[columns], rate * row[columns + 1])
    right, wrong = 0, 0
    for place in range(tried):
        row = rows[order[place]]
        predicted = _margin(weights, row, columns) > 0.0
        right += predicted and row[columns] == 1.0
        wrong += predicted != (row[columns] == 1.0)
    f1 = 2.0 * right / (2.0 * right + wrong) if right > 0 else 0.0
    facts[MESSAGES] += 1.0
    facts[FILLED] = 0.0
    if facts[ACCEPTED] == 0.0 or f1 > share * (facts[F1_SUM] / facts[ACCEPTED]):
        facts[ACCEPTED] += 1.0
        facts[F1_SUM] += f1
    elif copies:
        weights[:] = before


@entry
def take_rows(
    states: Floats, slots: Longs, values: Floats, labels: Floats, weights: Floats, out: Floats, work: Work,
    columns: int, order: Longs, tried: int, rate: float, share: float, copies: bool,
) -> None:  # fmt: skip
    """Predict each row, put it to its message, or both; a value that is missing counts as 0."""
    for row in range(slots.size):
        state = states[slots[row]]
        if work[row] & PREDICT:
            margin = state[columns]
            for column in range(columns):
                if not math.isnan(values[row, column]):
                    margin += state[column] * values[row, column]
            out[row] = 1.0 / (1.0 + math.exp(min(-margin, 700.0)))
        if work[row] & LEARN and not math.isnan(labels[row]) and weights[row] > 0.0:
            filled = columns + 1 + FILLED
            place = columns + 1 + BUFFER + int(state[filled]) * (columns + 2)
            for column in range(columns):
                state[place + column] = 0.0 if math.isnan(values[row, column]) else values[row, column]
            state[place + columns], state[place + columns + 1] = labels[row], weights[row]
            state[filled] += 1.0
            if state[filled] == order.size:
                consume(state, columns, order, tried, rate, share, copies)


def make_ready() -> None:
    """Load the kernels, or compile them."""
    floats, longs, table = np.empty(0), np.empty(0, np.int64), np.empty((0, 1))
    ready(fit, floats, table, floats, 0.001)
    rows: tuple[Any, ...] = (table, longs, table, floats, floats, floats, all_rows(LEARN, 0))
    ready(take_rows, *rows, 1, longs, 0, 0.001, 0.95, False)


#: What the list of kernels calls.
compile_all = make_ready
