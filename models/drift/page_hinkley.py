"""Page-Hinkley: has the mean moved, by sums of distances from it."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

from models.arguments import above_zero_below_one, number, whole_number
from models.drift.detector import DetectorPool
from models.errors import ParameterError
from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Which changes count.
DIRECTIONS = ("both", "up", "down")

#: Places in a detector's state: rows, their mean, the two faded sums with their least and greatest value, and whether
#: the last row was a change.
ROWS, MEAN, UP, DOWN, LEAST_UP, MOST_DOWN, DRIFT = range(7)
SIZE = 7
_LARGEST = sys.float_info.max


@inner
def page_hinkley_reset(state: Floats) -> None:
    """The state (SIZE,) of a detector that has seen nothing."""
    state[:] = 0.0
    state[LEAST_UP] = _LARGEST
    state[MOST_DOWN] = -1.0


@inner
def page_hinkley_update(state: Floats, value: float, delta: float, alpha: float, minimum: int, direction: int) -> float:
    """Learn a value; the test statistic, 0 before there are `minimum` rows.

    `direction` is a place in `DIRECTIONS`; above the threshold the mean has moved.
    """
    state[ROWS] += 1.0
    state[MEAN] += (value - state[MEAN]) / state[ROWS]
    distance = value - state[MEAN]
    state[UP] = alpha * state[UP] + distance - delta
    state[DOWN] = alpha * state[DOWN] + distance + delta
    state[LEAST_UP] = min(state[LEAST_UP], state[UP])
    state[MOST_DOWN] = max(state[MOST_DOWN], state[DOWN])
    if state[ROWS] < minimum:
        return 0.0
    up, down = state[UP] - state[LEAST_UP], state[MOST_DOWN] - state[DOWN]
    if direction == 0:
        return max(up, down)
    return up if direction == 1 else down


@entry
def detect(
    state: Floats, slots: Longs, values: Floats, delta: float, threshold: float, alpha: float, minimum: int,
    direction: int, results: Floats,
) -> None:  # fmt: skip
    """Rows (n, 1) in order into the detectors of their keys; `results` (n, 3): drift, statistic, mean."""
    for row in range(values.shape[0]):
        one = state[slots[row]]
        if one[DRIFT] != 0.0:
            page_hinkley_reset(one)
        statistic = page_hinkley_update(one, values[row, 0], delta, alpha, minimum, direction)
        one[DRIFT] = 1.0 if statistic > threshold else 0.0
        results[row, 0] = one[DRIFT]
        results[row, 1] = statistic
        results[row, 2] = one[MEAN]


def make_ready() -> None:
    """Load the kernel, or compile it."""
    table = np.empty((0, 1))
    ready(detect, table, np.empty(0, np.int64), table, 0.005, 50.0, 0.9999, 30, 0, table)


#: What the list of kernels calls.
compile_all = make_ready


class PageHinkleyPool(DetectorPool):
    """The Page-Hinkley test for many keys.

    Parameters
    ----------
    delta
        A distance from the mean that is nothing, in the unit of the values; 0 to 1e9.
    threshold
        A statistic above this is a change, in the unit of the values times rows; 0 to 1e15.
    alpha
        Sums fade by this factor a row, above 0 and below 1.
    minimum
        Rows before the first verdict, 1 to 1,000,000.
    direction
        'up', 'down' or 'both': which changes count.

    Notes
    -----
    The statistic is how far the faded sum of distances from the mean has risen above its least value (up), or fallen
    below its greatest (down). On the row behind a change the key begins anew. Memory is 56 bytes a key; a row takes
    some tens of nanoseconds.

    Results a row: drift, bool; statistic, 0 or more, 0 before `minimum` rows; mean, of the rows since the beginning or
    the last change. Row by row equal to river 0.23's ``drift.PageHinkley``.

    Source: Page, "Continuous inspection schemes", Biometrika 41 (1954); with fading, Sebastião, Fernandes, "Supporting
    the Page-Hinkley test with empirical mode decomposition for change detection", ISMIS 2017.
    """

    results = (("drift", bool), ("statistic", float), ("mean", float))

    def __init__(
        self,
        delta: float = 0.005,
        threshold: float = 50.0,
        alpha: float = 0.9999,
        minimum: int = 30,
        direction: str = "both",
    ) -> None:
        self.delta = number("delta", delta, 0.0, 1e9)
        self.threshold = number("threshold", threshold, 0.0, 1e15)
        self.alpha = above_zero_below_one("alpha", alpha)
        self.minimum = whole_number("minimum", minimum, 1, 1_000_000)
        if direction not in DIRECTIONS:
            raise ParameterError(f"direction must be one of {', '.join(DIRECTIONS)}, got {direction!r}")
        self.direction = direction
        parameters = {
            "delta": self.delta, "threshold": self.threshold, "alpha": self.alpha, "minimum": self.minimum,
            "direction": DIRECTIONS.index(direction),
        }  # fmt: skip
        fresh = np.zeros(SIZE)
        fresh[LEAST_UP], fresh[MOST_DOWN] = _LARGEST, -1.0
        super().__init__("page_hinkley", parameters, fresh, columns=1)
        make_ready()

    def _detect(self, places: npt.NDArray[np.int64], values: Floats, found: Floats) -> None:
        direction = DIRECTIONS.index(self.direction)
        detect(self._state, places, values, self.delta, self.threshold, self.alpha, self.minimum, direction, found)
