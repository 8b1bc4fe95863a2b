"""What is kept of a key besides its two forests: one row of float64, of constant size.

    counters | weights of the day's slots | weights of the week's | histogram of scores | column 0 | column 1 | ...
    column   first value, level, usual deviation, spread | its day | its week

One row is one kind of number, so a snapshot is its bytes, and a kernel gets all keys as one matrix. Counters and
positions are far below 2**53 and exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: A day has this many slots of SLOT_MS milliseconds: half an hour is fine enough for a morning to look like a
#: morning, and coarse enough that a slot is full after some days.
SLOTS = 48
DAY_MS = 86_400_000
SLOT_MS = DAY_MS // SLOTS
WEEK_SLOTS = 7 * SLOTS

#: Scores of the two forests are counted in bins of 1/BINS_PER_UNIT; the largest possible score is below 14.
BINS_PER_UNIT = 128
BINS = 14 * BINS_PER_UNIT

# counters
#: records learned, time of the last one, number and height of the last emission
SEEN, LAST_TIME, BAR_AT, BAR = 0, 1, 2, 3
#: the weight that the next score gets in the histogram, and the sum of all weights in it
GAIN, TOTAL = 4, 5
DAY_WEIGHTS = 8
WEEK_WEIGHTS = DAY_WEIGHTS + SLOTS
#: a Fenwick tree, counted from 1
HISTOGRAM = WEEK_WEIGHTS + WEEK_SLOTS
COLUMNS = HISTOGRAM + BINS + 1

# words of a column
#: first known value (NaN before), running level, mean distance from the expected, unit of the forests (0: not yet)
FIRST, LEVEL, USUAL, SPREAD = 0, 1, 2, 3
#: sum of the distances from the level while the spread is not known
DISTANCES = 4
DAY = 8
WEEK = DAY + SLOTS
COLUMN_SIZE = WEEK + WEEK_SLOTS


def size_of(columns: int) -> int:
    """Numbers kept of a key with so many columns."""
    return COLUMNS + columns * COLUMN_SIZE


def prepare(state: npt.NDArray[np.float64]) -> None:
    """Make a row the state of a key that was never seen."""
    state[:] = 0.0
    state[LAST_TIME] = np.nan
    state[BAR] = -np.inf
    state[GAIN] = 1.0
    state[COLUMNS::COLUMN_SIZE] = np.nan  # FIRST of every column


def is_sound(state: npt.NDArray[Any]) -> bool:
    """Whether a row could have been left by the kernels; rules out what would lead them out of bounds."""
    columns = state[COLUMNS:].reshape(-1, COLUMN_SIZE)
    rest = state[:COLUMNS].copy()
    rest[[LAST_TIME, BAR]] = 0.0
    seen = state[SEEN]
    return bool(
        np.isfinite(rest).all()
        and np.isfinite(columns[:, 1:]).all()
        and not np.isinf(columns[:, FIRST]).any()
        and not np.isinf(state[LAST_TIME])
        and state[BAR] < np.inf
        and 0 <= state[BAR_AT] <= seen < 2.0**53
        and seen == np.floor(seen)
        and state[GAIN] >= 1.0
        and (columns[:, SPREAD] >= 0.0).all()
    )
