"""The compiled step of user vectors: note a read, then take the mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]

#: Places in a user's state: how many items are held, then their ids, newest first.
HELD = 0
ITEMS = 1


@inner
def _note(state: Floats, item: float) -> int:
    """Put an item in front; one that is held already moves there, else the oldest goes. How many are held then."""
    held, last = int(state[HELD]), state.size - ITEMS
    place = held
    for k in range(held):
        if state[ITEMS + k] == item:
            place = k
            break
    if place == held:
        held = min(held + 1, last)
        place = held - 1
    for k in range(place, 0, -1):
        state[ITEMS + k] = state[ITEMS + k - 1]
    state[ITEMS] = item
    state[HELD] = held
    return held


@inner
def _find(ids: Longs, item: float) -> int:
    """The row of an item, -1 where it has none."""
    low, high = 0, ids.size
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < item:
            low = middle + 1
        else:
            high = middle
    return low if low < ids.size and ids[low] == item else -1


@entry
def take(state: Floats, slots: Longs, items: Floats, ids: Longs, vectors: Singles, means: Singles, held: Longs) -> None:
    """Reads (n, 1) of users in order; `means` (n, d) and `held` (n,) as of behind each read.

    Sums are taken in double precision from the newest to the oldest, anew for each row: they do not depend on what was
    read before the last items, as sums that are kept up to date would.
    """
    total = np.empty(vectors.shape[1])
    for row in range(items.shape[0]):
        one = state[slots[row]]
        held[row] = _note(one, items[row, 0])
        total[:] = 0.0
        known = 0
        for k in range(held[row]):
            place = _find(ids, one[ITEMS + k])
            if place >= 0:
                known += 1
                for c in range(total.size):
                    total[c] += vectors[place, c]
        for c in range(total.size):
            means[row, c] = np.float32(total[c] / known) if known > 0 else np.float32(0.0)


def compile_all() -> None:
    """Load the kernel, or compile it."""
    table, longs, singles = np.empty((0, 1)), np.empty(0, np.int64), np.empty((0, 1), np.float32)
    ready(take, table, longs, table, _frozen(longs), _frozen(singles), singles, longs)


def _frozen(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    frozen = array.copy()
    frozen.flags.writeable = False
    return frozen
