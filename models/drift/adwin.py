"""ADWIN: a window that grows while the mean stays, and is cut where it has changed.

Inside another kernel, with the state of a detector in any float64 array:

    from models.drift.adwin import adwin_reset, adwin_size, adwin_update

    size = adwin_size(5)                       # Python: how many float64 a detector with 5 buckets a size takes
    adwin_reset(state)                         # kernel: state is (size,), a row of a larger array for instance
    changed = adwin_update(state, value, 0.002, 32, 5, 5, 10)
                                               # kernel: value, delta, clock, max_buckets, min_window, grace -> bool

`adwin_update` keeps the newer part of the window after a change, as the paper does. `ADWINPool` begins anew on the row
behind a change, as river's ``drift.ADWIN`` does: call `adwin_reset` before the next update for that.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.arguments import above_zero_below_one, whole_number
from models.drift.detector import DetectorPool
from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Sizes of buckets, 1 to 2**31 rows. A window of more than max_buckets of the largest forgets its oldest.
LEVELS = 32

#: Places in a detector's state: rows in the window, their sum, their summed squared distance from their mean, rows
#: since the beginning, how often the window was cut, sizes of buckets in use, the largest ratio of a difference of
#: means to its bound at the last check, and whether the last row was a change. Behind them: the number of buckets of
#: each size, then sums of the buckets (LEVELS, max_buckets + 1), oldest first, then their squared distances.
WIDTH, TOTAL, VARIANCE, TICKS, CUTS, USED, RATIO, DRIFT = range(8)
COUNTS = 8
SUMS = COUNTS + LEVELS


def adwin_size(max_buckets: int) -> int:
    """How many float64 the state of a detector takes, 424 with 5 buckets a size."""
    return SUMS + 2 * LEVELS * (max_buckets + 1)


@inner
def adwin_reset(state: Floats) -> None:
    """The state of a detector that has seen nothing; `state` is (adwin_size(max_buckets),)."""
    state[:] = 0.0
    state[USED] = 1.0


@inner
def adwin_mean(state: Floats) -> float:
    """Mean of the window; 0 where it is empty."""
    return state[TOTAL] / state[WIDTH] if state[WIDTH] > 0.0 else 0.0


@inner
def _shift(state: Floats, first: int, buckets: int, by: int) -> None:
    """Take the oldest `by` buckets out of a size whose buckets begin at `first`."""
    for k in range(by, buckets):
        state[first + k - by] = state[first + k]
    for k in range(buckets - by, buckets):
        state[first + k] = 0.0


@inner
def _insert(state: Floats, level: int, total: float, variance: float, max_buckets: int) -> None:
    room = max_buckets + 1
    place = SUMS + level * room + int(state[COUNTS + level])
    state[place] = total
    state[place + LEVELS * room] = variance
    state[COUNTS + level] += 1.0


@inner
def _delete_oldest(state: Floats, max_buckets: int) -> float:
    """Take the oldest bucket out of the window; how many rows it had."""
    room = max_buckets + 1
    level = int(state[USED]) - 1
    first = SUMS + level * room
    n = math.ldexp(1.0, level)
    total, variance = state[first], state[first + LEVELS * room]
    mean = total / n
    state[WIDTH] -= n
    state[TOTAL] -= total
    rest = state[TOTAL] / state[WIDTH]
    state[VARIANCE] -= variance + n * state[WIDTH] * (mean - rest) * (mean - rest) / (n + state[WIDTH])
    _shift(state, first, room, 1)
    _shift(state, first + LEVELS * room, room, 1)
    state[COUNTS + level] -= 1.0
    if state[COUNTS + level] == 0.0 and level > 0:
        state[USED] -= 1.0
    return n


@inner
def _merge_full(state: Floats, max_buckets: int) -> None:
    """Where there are too many buckets of a size, the oldest two become one of the next."""
    room = max_buckets + 1
    for level in range(LEVELS):
        if state[COUNTS + level] < room:
            break
        if level == LEVELS - 1:
            _delete_oldest(state, max_buckets)
            break
        if level + 1 == int(state[USED]):
            state[USED] += 1.0
        first = SUMS + level * room
        spread = first + LEVELS * room
        n = math.ldexp(1.0, level)
        one, other = state[first] / n, state[first + 1] / n
        between = n * n * (one - other) * (one - other) / (n + n)
        total, variance = state[first] + state[first + 1], state[spread] + state[spread + 1] + between
        _insert(state, level + 1, total, variance, max_buckets)
        _shift(state, first, room, 2)
        _shift(state, spread, room, 2)
        state[COUNTS + level] -= 2.0


@inner
def _cut(state: Floats, delta: float, max_buckets: int, min_window: float) -> bool:
    """Look for a place that parts the window into two of different means; cut its oldest bucket off if there is."""
    room = max_buckets + 1
    confidence = math.log(2.0 * math.log(state[WIDTH]) / delta)
    spread = state[VARIANCE] / state[WIDTH]
    n0, n1, u0, u1 = 0.0, state[WIDTH], 0.0, state[TOTAL]
    for level in range(int(state[USED]) - 1, -1, -1):
        n = math.ldexp(1.0, level)
        buckets = int(state[COUNTS + level])
        for k in range(buckets):
            if level == 0 and k == buckets - 1:
                break
            total = state[SUMS + level * room + k]
            n0 += n
            n1 -= n
            u0 += total
            u1 -= total
            if n1 >= min_window and n0 >= min_window:
                rows = 1.0 / (n0 - min_window + 1.0) + 1.0 / (n1 - min_window + 1.0)
                bound = math.sqrt(2.0 * rows * spread * confidence) + 2.0 / 3.0 * confidence * rows
                distance = abs(u0 / n0 - u1 / n1)
                state[RATIO] = max(state[RATIO], distance / bound)
                if distance > bound:
                    _delete_oldest(state, max_buckets)
                    return True
    return False


@inner
def adwin_update(
    state: Floats, value: float, delta: float, clock: int, max_buckets: int, min_window: int, grace: int
) -> bool:
    """Learn a value; whether the mean has changed.

    Parameters
    ----------
    state
        (adwin_size(max_buckets),) of this detector, `adwin_reset` before its first row; contiguous.
    value
        Any finite number.
    delta
        Chance of a false alarm that is put up with at a check, above 0 and below 1.
    clock
        A check every so many rows.
    max_buckets
        Buckets of one size at most, 1 or more.
    min_window
        Rows that both parts of a window must have, 1 or more.
    grace
        No check before there are more rows than this in the window, 1 or more.

    Returns
    -------
    bool
        True where the window was cut: what is in it then came after the change.
    """
    _insert(state, 0, value, 0.0, max_buckets)
    state[WIDTH] += 1.0
    width = state[WIDTH]
    if width > 1.0:
        distance = value - state[TOTAL] / (width - 1.0)
        state[VARIANCE] += (width - 1.0) * distance * distance / width
    state[TOTAL] += value
    _merge_full(state, max_buckets)
    state[TICKS] += 1.0
    changed = False
    if state[TICKS] % clock == 0.0 and state[WIDTH] > grace:
        state[RATIO] = 0.0
        while _cut(state, delta, max_buckets, float(min_window)):
            changed = True
    if changed:
        state[CUTS] += 1.0
    return changed


@entry
def detect(
    state: Floats, slots: Longs, values: Floats, delta: float, clock: int, max_buckets: int, min_window: int,
    grace: int, results: Floats,
) -> None:  # fmt: skip
    """Rows (n, 1) in order into the detectors of their keys; `results` (n, 4): drift, statistic, mean, width."""
    for row in range(values.shape[0]):
        one = state[slots[row]]
        if one[DRIFT] != 0.0:
            adwin_reset(one)
        changed = adwin_update(one, values[row, 0], delta, clock, max_buckets, min_window, grace)
        one[DRIFT] = 1.0 if changed else 0.0
        results[row, 0] = one[DRIFT]
        results[row, 1] = one[RATIO]
        results[row, 2] = adwin_mean(one)
        results[row, 3] = one[WIDTH]


def make_ready() -> None:
    """Load the kernel, or compile it."""
    table = np.empty((0, 1))
    ready(detect, table, np.empty(0, np.int64), table, 0.002, 32, 5, 5, 10, table)


#: What the list of kernels calls.
compile_all = make_ready


class ADWINPool(DetectorPool):
    """ADWIN for many keys.

    Parameters
    ----------
    delta
        Chance of a false alarm that is put up with at a check, above 0 and below 1; smaller alarms later.
    clock
        A check every so many rows of a key, 1 to 1,000,000.
    max_buckets
        Buckets of one size, 1 to 100: more are more exact about where the change was.
    min_window
        Rows that both parts of a window must have, 1 to 1,000,000.
    grace
        No check before a window has more rows than this, 1 to 1,000,000.

    Notes
    -----
    The window holds as many rows as the mean has stayed for; of them sums of buckets of 1, 2, 4, ... rows are kept,
    so memory is constant: 3.4 KB a key. At each check every place between two buckets is tried. On the row behind a
    change the key begins anew.

    Results a row:

    - drift: bool, whether a change was found.
    - statistic: the largest ratio of a difference of two means to its bound at the key's last check, up to the place
      where it was cut; above 1 is a change. 0 before the first check.
    - mean, width: of the window after the row.

    Row by row equal to river 0.23's ``drift.ADWIN``. A row takes some 0.2 microseconds.

    Source: Bifet, Gavaldà, "Learning from time-changing data with adaptive windowing", SDM 2007; the bound is that
    with the variance, in the form of MOA and river, which count ``n - min_window + 1`` for the parts' rows.
    """

    results = (("drift", bool), ("statistic", float), ("mean", float), ("width", np.int64))

    def __init__(
        self, delta: float = 0.002, clock: int = 32, max_buckets: int = 5, min_window: int = 5, grace: int = 10
    ) -> None:
        self.delta = above_zero_below_one("delta", delta)
        self.clock = whole_number("clock", clock, 1, 1_000_000)
        self.max_buckets = whole_number("max_buckets", max_buckets, 1, 100)
        self.min_window = whole_number("min_window", min_window, 1, 1_000_000)
        self.grace = whole_number("grace", grace, 1, 1_000_000)
        parameters = {
            "delta": self.delta, "clock": self.clock, "max_buckets": self.max_buckets, "min_window": self.min_window,
            "grace": self.grace,
        }  # fmt: skip
        fresh = np.zeros(adwin_size(self.max_buckets))
        fresh[USED] = 1.0
        super().__init__("adwin", parameters, fresh, columns=1)
        make_ready()

    def _detect(self, places: npt.NDArray[np.int64], values: Floats, found: Floats) -> None:
        detect(
            self._state, places, values, self.delta, self.clock, self.max_buckets, self.min_window, self.grace, found
        )

    def _wrong_state(self, state: Floats) -> str | None:
        counts, used = state[COUNTS:SUMS], state[USED]
        fits = np.isfinite(state).all() and (counts == np.rint(counts)).all() and used == np.rint(used)
        if not (fits and (counts >= 0).all() and (counts <= self.max_buckets).all() and 1 <= used <= LEVELS):
            return "its buckets cannot be"
        sizes = np.ldexp(1.0, np.arange(LEVELS))
        if state[WIDTH] != (counts * sizes).sum() or counts[int(used) :].any():
            return "its buckets do not hold as many rows as its window"
        return None
