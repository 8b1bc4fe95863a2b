"""DDM: has the error rate of a model risen."""

from __future__ import annotations

import math
import sys

import numpy as np
import numpy.typing as npt

from models.arguments import number, whole_number
from models.drift.detector import DetectorPool
from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Places in a detector's state: rows, their error rate, rate and deviation where their sum was least, that sum, and
#: whether the last row was a change.
ROWS, RATE, LEAST_RATE, LEAST_DEVIATION, LEAST_SUM, DRIFT = range(6)
SIZE = 6
_LARGEST = sys.float_info.max
#: The statistic where the least deviation is 0: no model stays without errors, so the first one is a change.
MOST = 1e6


@inner
def ddm_reset(state: Floats) -> None:
    """The state (SIZE,) of a detector that has seen nothing."""
    state[:] = 0.0
    state[LEAST_SUM] = _LARGEST


@inner
def ddm_update(state: Floats, error: float, minimum: int) -> float:
    """Learn whether a prediction was wrong (1) or right (0); the statistic, 0 until there are more than `minimum` rows.

    The statistic is how many of its least deviations the error rate, with its own, lies above its least.
    """
    state[ROWS] += 1.0
    state[RATE] += (error - state[RATE]) / state[ROWS]
    if state[ROWS] <= minimum:
        return 0.0
    rate = state[RATE]
    level = rate + math.sqrt(max(0.0, rate * (1.0 - rate) / state[ROWS]))
    if level <= state[LEAST_SUM]:
        state[LEAST_RATE], state[LEAST_DEVIATION], state[LEAST_SUM] = rate, level - rate, level
    above = level - state[LEAST_RATE]
    if above > MOST * state[LEAST_DEVIATION]:
        return MOST
    return above / state[LEAST_DEVIATION] if above > 0.0 else 0.0


@entry
def detect(
    state: Floats, slots: Longs, values: Floats, warning: float, threshold: float, minimum: int, results: Floats
) -> None:
    """Rows (n, 1) in order into the detectors of their keys; `results` (n, 4): drift, statistic, rate, warning.

    A value that is not in 0..1 changes nothing and has NaN for results.
    """
    for row in range(values.shape[0]):
        value = values[row, 0]
        if not (value >= 0.0 and value <= 1.0):
            results[row, :] = np.nan
            continue
        one = state[slots[row]]
        if one[DRIFT] != 0.0:
            ddm_reset(one)
        statistic = ddm_update(one, value, minimum)
        one[DRIFT] = 1.0 if statistic > threshold else 0.0
        results[row, 0] = one[DRIFT]
        results[row, 1] = statistic
        results[row, 2] = one[RATE]
        results[row, 3] = 1.0 if statistic > warning and statistic <= threshold else 0.0


def make_ready() -> None:
    """Load the kernel, or compile it."""
    table = np.empty((0, 1))
    ready(detect, table, np.empty(0, np.int64), table, 2.0, 3.0, 30, table)


#: What the list of kernels calls.
compile_all = make_ready


class DDMPool(DetectorPool):
    """The drift detection method for many keys.

    Parameters
    ----------
    threshold
        A statistic above this is a change, 0 to 1000.
    warning
        A statistic above this and up to the threshold is a warning, 0 to 1000.
    minimum
        No verdict before there are more rows than this, 1 to 1,000,000.

    Notes
    -----
    The values are errors of a model: 1 where it was wrong, 0 where it was right; a value in between counts as that much
    of an error. A value outside 0..1 is left out, its results are NaN and its drift False. The error rate of a model
    that learns falls; where it rises by some deviations above its least, something has changed, and on the row behind
    that the key begins anew. Memory is 48 bytes a key; a row takes some tens of nanoseconds.

    Results a row: drift and warning, bool; statistic, 0 to a million, 0 in the beginning, 1 at a new least: how many
    of the least deviations the rate, with its own, lies above the least; rate, the error rate. Row by row equal to
    river 0.23's ``drift.binary.DDM``.

    Source: Gama, Medas, Castillo, Rodrigues, "Learning with drift detection", SBIA 2004.
    """

    results = (("drift", bool), ("statistic", float), ("rate", float), ("warning", bool))

    def __init__(self, threshold: float = 3.0, warning: float = 2.0, minimum: int = 30) -> None:
        self.threshold = number("threshold", threshold, 0.0, 1000.0)
        self.warning = number("warning", warning, 0.0, 1000.0)
        self.minimum = whole_number("minimum", minimum, 1, 1_000_000)
        parameters = {"threshold": self.threshold, "warning": self.warning, "minimum": self.minimum}
        fresh = np.zeros(SIZE)
        fresh[LEAST_SUM] = _LARGEST
        super().__init__("ddm", parameters, fresh, columns=1)
        make_ready()

    def _detect(self, places: npt.NDArray[np.int64], values: Floats, found: Floats) -> None:
        detect(self._state, places, values, self.warning, self.threshold, self.minimum, found)
