"""The compiled entry points: rows of many keys, before and after the forests."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.anomaly_detector.profile import LEARNED_FROM, take
from models.anomaly_detector.state import SEEN, size_of
from models.anomaly_detector.verdict import grade_of
from models.kernel_cache import entry, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: No value may be further from 0: above, distances of two values would leave the range of a float64's square.
LARGEST = 1e300


@entry
def refused_value(values: Floats) -> int:
    """-1, or row * columns + column of the first value that cannot be taken; NaN is a value that is missing."""
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value = values[row, column]
            if not math.isnan(value) and not abs(value) <= LARGEST:
                return row * values.shape[1] + column
    return -1


@entry
def take_rows(
    states: Floats, slots: Longs, times_ms: Longs, values: Floats, features: Floats, judged: Floats, records: Longs
) -> None:
    """Compare rows with what is usual for their keys, and learn them, in the order given.

    Writes ``features`` (n, 2 d), ``judged`` (n, 4) and ``records`` (n,): the number of the record in its key where the
    forests take it, -1 where it comes too early for them, -2 where it holds no value.
    """
    for row in range(slots.size):
        state = states[slots[row]]
        if not take(state, times_ms[row], values, row, values.shape[1], features, judged):
            records[row] = -2
            continue
        seen = state[SEEN]
        records[row] = int(seen) if seen >= LEARNED_FROM else -1
        state[SEEN] = seen + 1.0


@entry
def judge_rows(states: Floats, slots: Longs, records: Longs, scores: Floats, score: Floats, grade: Floats) -> None:
    """Grades of rows that the forests have scored: ``scores`` (m, 2) belongs to the m rows with a record number."""
    taken = 0
    for row in range(slots.size):
        if records[row] < 0:
            continue
        score[row] = 0.5 * (scores[taken, 0] + scores[taken, 1])
        grade[row] = grade_of(states[slots[row]], records[row], score[row])
        taken += 1


def make_ready() -> None:
    """Load the kernels, or compile them."""
    floats, longs, table = np.empty(0), np.empty(0, np.int64), np.empty((0, 1))
    arguments: dict[Any, tuple[Any, ...]] = {
        refused_value: (table,),
        take_rows: (np.empty((0, size_of(1))), longs, longs, table, table, table, longs),
        judge_rows: (np.empty((0, size_of(1))), longs, longs, table, floats, floats),
    }
    for kernel, examples in arguments.items():
        ready(kernel, *examples)


#: What the list of kernels calls.
compile_all = make_ready
