"""KSWIN: have the newest rows another distribution than those before them."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import above_zero_below_one, whole_number
from models.drift.detector import DetectorPool
from models.errors import ParameterError
from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

LARGEST_WINDOW = 10_000
LARGEST_RECENT = 1_000
#: A distance of 0.1 or less is no change, however many rows say so.
LEAST_DISTANCE = 0.1

#: Places in a detector's state: rows in the window, place of its oldest, random numbers drawn, and whether the last
#: row was a change. Behind BEGIN: the window's rows in the order they came, then the older ones sorted, then the newest
#: `recent` ones sorted.
HELD, HEAD, DRAWN, DRIFT = range(4)
BEGIN = 4

_A, _B, _C = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@inner
def _mixed(x: Any) -> Any:
    """The finishing of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    x = (x ^ (x >> np.uint64(30))) * _B
    x = (x ^ (x >> np.uint64(27))) * _C
    return x ^ (x >> np.uint64(31))


@inner
def _uniform(seed: int, drawn: int) -> float:
    """A number in [0, 1) for each count of numbers drawn; the seed is mixed first, so that no two share a sequence."""
    x = _mixed(_mixed(np.uint64(seed) + _A) + np.uint64(drawn) * _A)
    return float(x >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@inner
def _put(state: Floats, begin: int, n: int, value: float) -> None:
    """A value into n sorted ones."""
    k = n
    while k > 0 and state[begin + k - 1] > value:
        state[begin + k] = state[begin + k - 1]
        k -= 1
    state[begin + k] = value


@inner
def _take(state: Floats, begin: int, n: int, value: float) -> None:
    """A value out of n sorted ones, which hold it; the place that is free then is 0."""
    k = 0
    while state[begin + k] != value:
        k += 1
    for j in range(k, n - 1):
        state[begin + j] = state[begin + j + 1]
    state[begin + n - 1] = 0.0


@inner
def _distance(state: Floats, older: int, newest: int, window: int, recent: int, seed: int, drawn: Floats) -> int:
    """The largest difference of the two samples' counts of rows up to a value; the sample of the older is drawn."""
    left = window - recent
    need = recent
    number = int(state[DRAWN])
    for k in range(left):
        # in the order of the values, so the sample is sorted; each subset is equally likely
        if need == left - k or _uniform(seed, number) * (left - k) < need:
            drawn[recent - need] = state[older + k]
            need -= 1
        number += 1
        if need == 0:
            break
    state[DRAWN] = number
    i, j, most = 0, 0, 0
    while i < recent and j < recent:
        value = min(drawn[i], state[newest + j])
        while i < recent and drawn[i] == value:
            i += 1
        while j < recent and state[newest + j] == value:
            j += 1
        most = max(most, abs(i - j))
    return most


@inner
def kswin_update(
    state: Floats, value: float, critical: int, window: int, recent: int, seed: int, drawn: Floats
) -> float:
    """Learn a value; the distance of the two distributions (0..1), 0 until the window is full.

    `critical` comes from `critical_count`, `drawn` is (recent,) of work space. The change is in `state[DRIFT]`; on the
    row behind one the window begins anew.
    """
    if state[DRIFT] != 0.0:
        number = state[DRAWN]
        state[:] = 0.0
        state[DRAWN] = number
    older, newest = BEGIN + window, BEGIN + window + (window - recent)
    held, head = int(state[HELD]), int(state[HEAD])
    if held == window:
        _take(state, older, window - recent, state[BEGIN + head])
        head = head + 1 if head + 1 < window else 0
        held -= 1
    if held >= recent:
        # the oldest of the newest becomes one of the older
        turning = state[BEGIN + (head + held - recent) % window]
        _take(state, newest, recent, turning)
        _put(state, older, held - recent, turning)
    state[BEGIN + (head + held) % window] = value
    _put(state, newest, min(held, recent - 1), value)
    held += 1
    state[HELD], state[HEAD] = held, head
    if held < window:
        return 0.0
    most = _distance(state, older, newest, window, recent, seed, drawn)
    statistic = most / recent
    if most >= critical and statistic > LEAST_DISTANCE:
        state[DRIFT] = 1.0
    return statistic


@entry
def detect(
    state: Floats, slots: Longs, values: Floats, critical: int, window: int, recent: int, seed: int, drawn: Floats,
    results: Floats,
) -> None:  # fmt: skip
    """Rows (n, 1) in order into the detectors of their keys; `results` (n, 2): drift, statistic."""
    for row in range(values.shape[0]):
        one = state[slots[row]]
        results[row, 1] = kswin_update(one, values[row, 0], critical, window, recent, seed, drawn)
        results[row, 0] = one[DRIFT]


def make_ready() -> None:
    """Load the kernel, or compile it."""
    table, row = np.empty((0, 1)), np.empty(0)
    ready(detect, table, np.empty(0, np.int64), table, 1, 2, 1, 0, row, table)


#: What the list of kernels calls.
compile_all = make_ready


def critical_count(alpha: float, rows: int) -> int:
    """The least difference of counts at which two samples of so many rows differ at this level; ``rows + 1``: none.

    Exact, two-sided: of the paths from (0, 0) to (rows, rows) the share that leaves the diagonal by so many steps, by
    the reflection principle (Gnedenko, Korolyuk 1951; Hodges, Arkiv för Matematik 3, 1958).
    """
    total = comb(2 * rows, rows)
    for count in range(1, rows + 1):
        outside = 2 * sum((-1) ** (k + 1) * comb(2 * rows, rows - k * count) for k in range(1, rows // count + 1))
        if outside / total <= alpha:
            return count
    return rows + 1


class KSWINPool(DetectorPool):
    """Kolmogorov-Smirnov windowing for many keys.

    Parameters
    ----------
    alpha
        Level of a test, above 0 and below 1; there is one a row, and rows after each other share most of their window.
    window
        Rows of a key that are kept, 2 to 10,000.
    recent
        The newest so many of them are compared with a random sample of as many of the others, 1 to 1,000; at most
        half the window.
    seed
        Start of the random numbers, 0 to 2**63 - 1.

    Notes
    -----
    It sees any change of the distribution, not of the mean alone, within the window. Where the window is twice
    `recent` nothing is drawn. On the row behind a change the window begins anew. Memory is ``8 * (4 + 2 * window)``
    bytes a key, 1.6 KB for 100 rows; a row takes a microsecond, more with longer windows.

    Results a row: drift, bool; statistic, the largest distance of the two distributions, 0..1, 0 until the window is
    full. A change is a statistic above 0.1 whose exact two-sided p-value is at most alpha: the rule of river 0.23's
    ``drift.KSWIN``, which it equals row by row where nothing is drawn.

    Source: Raab, Heusinger, Schleif, "Reactive Soft Prototype Computing for Concept Drift Streams", Neurocomputing
    416 (2020).
    """

    results = (("drift", bool), ("statistic", float))

    def __init__(self, alpha: float = 0.005, window: int = 100, recent: int = 30, seed: int = 0) -> None:
        self.alpha = above_zero_below_one("alpha", alpha)
        self.window = whole_number("window", window, 2, LARGEST_WINDOW)
        self.recent = whole_number("recent", recent, 1, LARGEST_RECENT)
        self.seed = whole_number("seed", seed, 0, 2**63 - 1)
        if 2 * self.recent > self.window:
            raise ParameterError(f"recent must be at most half of window ({window}), got {recent}")
        parameters = {"alpha": self.alpha, "window": self.window, "recent": self.recent, "seed": self.seed}
        super().__init__("kswin", parameters, np.zeros(BEGIN + 2 * self.window), columns=1)
        self._critical = critical_count(self.alpha, self.recent)
        self._drawn = np.empty(self.recent)
        make_ready()

    def _detect(self, places: npt.NDArray[np.int64], values: Floats, found: Floats) -> None:
        detect(self._state, places, values, self._critical, self.window, self.recent, self.seed, self._drawn, found)

    def _wrong_state(self, state: Floats) -> str | None:
        held, head = state[HELD], state[HEAD]
        if not (np.isfinite(state).all() and held in range(self.window + 1) and head in range(self.window)):
            return "its window holds numbers that cannot be"
        older, split = BEGIN + self.window, BEGIN + 2 * self.window - self.recent
        order = (int(head) + np.arange(int(held))) % self.window
        rows = state[BEGIN:older][order]
        newest, others = np.sort(rows[-self.recent :]), np.sort(rows[: -self.recent])
        if not (
            np.array_equal(state[split : split + newest.size], newest)
            and np.array_equal(state[older : older + others.size], others)
        ):
            return "the sorted rows of its window are not its rows"
        return None
