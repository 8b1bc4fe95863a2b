"""The compiled entry point: rows of many keys through their linear models."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.calibration import calibrate, learn_margin
from models.kernel_cache import entry, ready
from models.learning.work import LEARN, PREDICT, Work, all_rows
from models.linear.features import gather, learn_scale, learn_values
from models.linear.layout import (
    ALGORITHM,
    CALIBRATED,
    CALIBRATION,
    CALIBRATION_RATE,
    CATEGORIES,
    HEAD,
    LINEAR,
    NUMERIC,
    ONE_HOT,
    PASSIVE_AGGRESSIVE_REGRESSION,
    SCALED,
)
from models.linear.steps import averaged_margin, class_weight, learn_row

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]


@entry
def take_rows(
    states: Floats, slots: Longs, times: Longs, values: Floats, labels: Floats, weights: Floats, out: Floats,
    work: Work, layout: Longs, rates: Floats,
) -> None:  # fmt: skip
    """Predict each row, learn it, or one after the other, in the order given; a label that is NaN is not learned."""
    most = layout[NUMERIC] + layout[CATEGORIES]
    index, x, before = np.empty(most, np.int64), np.empty(most), np.empty(most)
    regression = layout[ALGORITHM] == LINEAR or layout[ALGORITHM] == PASSIVE_AGGRESSIVE_REGRESSION
    for row in range(slots.size):
        state, what = states[slots[row]], work[row]
        learning = what & LEARN != 0 and not np.isnan(labels[row])
        margin = 0.0
        if what & PREDICT or layout[CALIBRATED]:
            used = gather(state, layout, values[row], index, x)
            margin = averaged_margin(state, layout, rates, index, x, used)
        if what & PREDICT:
            out[row] = margin if regression else calibrate(state, layout[CALIBRATION], layout[CALIBRATED], margin)
        if not learning:
            continue
        label, weight = labels[row], weights[row]
        if not regression:
            weight *= class_weight(rates, label)
        if layout[CALIBRATED]:
            learn_margin(state, layout[CALIBRATION], layout[CALIBRATED], margin, label, weight, rates[CALIBRATION_RATE])
        if layout[SCALED]:
            learn_scale(state, layout, rates, times[row], values[row])
        if layout[ONE_HOT]:
            learn_values(state, layout, values[row])
        used = gather(state, layout, values[row], index, x)
        learn_row(state, layout, rates, index, x, used, label, weight, before)


def make_ready() -> None:
    """Load the kernel, or compile it."""
    longs, floats, table = np.empty(0, np.int64), np.empty(0), np.empty((0, HEAD))
    arguments: tuple[Any, ...] = (table, longs, longs, table, floats, floats, floats, all_rows(LEARN, 0), longs, floats)
    ready(take_rows, *arguments)


#: What the list of kernels calls.
compile_all = make_ready
