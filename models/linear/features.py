"""From a row to what the weights see: numbers scaled by what was learned so far, categories by their place.

The scaler keeps count, mean and variance of each column (Welford's updates, as river's ``StandardScaler``). With a
half-life a row learned so long ago counts half: all counts fade with the time between rows, means and variances with
them. A column that never varied is 0, and so is a value that is missing: neither says anything.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.features.code_table import find, find_or_add
from models.features.hashing import bucket_of, sign_of
from models.kernel_cache import inner
from models.linear.layout import (
    BUCKETS,
    CATEGORIES,
    COUNTS,
    HALF_LIFE,
    LAST_TIME,
    LEARNED,
    MEANS,
    NUMERIC,
    ONE_HOT,
    SCALED,
    TABLE,
    VALUES,
    VARIANCES,
)

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: A scaled value, a weight and a prediction are cut here, far from where a product of two would overflow.
FARTHEST = 1e100


@inner
def learn_scale(state: Floats, layout: Longs, rates: Floats, time_ms: int, row: Floats) -> None:
    """Move the scaler by a row."""
    kept = 1.0
    if rates[HALF_LIFE] > 0.0:
        if state[LEARNED] > 0.0:
            kept = 0.5 ** (max(float(time_ms) - state[LAST_TIME], 0.0) / rates[HALF_LIFE])
        state[LAST_TIME] = max(float(time_ms), state[LAST_TIME]) if state[LEARNED] > 0.0 else float(time_ms)
    counts, means, variances = layout[COUNTS], layout[MEANS], layout[VARIANCES]
    for column in range(layout[NUMERIC]):
        value = row[column]
        if math.isnan(value):
            state[counts + column] *= kept
            continue
        count = state[counts + column] * kept + 1.0
        before = state[means + column]
        mean = before + (value - before) / count
        state[counts + column] = count
        state[means + column] = mean
        state[variances + column] += ((value - before) * (value - mean) - state[variances + column]) / count


@inner
def learn_values(state: Floats, layout: Longs, row: Floats) -> None:
    """Number the categories of a row that were never seen, one-hot only."""
    for column in range(layout[CATEGORIES]):
        code = row[layout[NUMERIC] + column]
        if not math.isnan(code):
            find_or_add(state, layout[TABLE], layout[BUCKETS], VALUES, column, code)


@inner
def gather(state: Floats, layout: Longs, row: Floats, index: Longs, x: Floats) -> int:
    """Write which weights a row touches to ``index`` and with which values to ``x``; returns how many."""
    numeric = layout[NUMERIC]
    for column in range(numeric):
        index[column] = column
        x[column] = row[column]
    if layout[SCALED]:
        means, variances = layout[MEANS], layout[VARIANCES]
        for column in range(numeric):
            variance = state[variances + column]
            scaled = (row[column] - state[means + column]) / math.sqrt(variance) if variance > 0.0 else 0.0
            x[column] = min(max(scaled, -FARTHEST), FARTHEST)
    for column in range(numeric):
        if math.isnan(row[column]):
            x[column] = 0.0
    used = numeric
    for column in range(layout[CATEGORIES]):
        code = row[numeric + column]
        if math.isnan(code):
            continue
        if layout[ONE_HOT]:
            place = find(state, layout[TABLE], layout[BUCKETS], column, code)
            if place < 0:
                continue
            value = 1.0
        else:
            place, value = bucket_of(code, layout[BUCKETS]), sign_of(code)
        place += numeric
        known = -1
        for earlier in range(numeric, used):  # two values in one bucket are one feature with their sum
            if index[earlier] == place:
                known = earlier
        if known >= 0:
            x[known] += value
        else:
            index[used], x[used] = place, value
            used += 1
    return used
