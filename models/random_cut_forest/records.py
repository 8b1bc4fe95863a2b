"""How rows become points: offsets, rounding, shingles, and what a forest remembers of them.

The first known value of each column is subtracted, in float64, before a value is rounded to float32: random cuts do
not mind a shift, and a float32 has too few digits for a large one. A value further than 1e30 from 0 or from that offset
is refused, one closer than 2**-100 to the offset counts as equal to it; so no range or difference ever overflows or
becomes subnormal (whose arithmetic depends on the processor's mode).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline, inner
from models.random_cut_forest.layout import FOUR, OFFSETS, SEEN, THREE, TWO, Layout
from models.random_cut_forest.machine import F32, I64, Address, U, load_f32, load_f64, load_u64, store_f32, store_u64

LARGEST = 1e30
TINIEST = 2.0**-100


@inline
def rounded(value: float, offset: float) -> float:
    """A value as the forest sees it: the distance from the offset as float32; 0 if one of them is unknown."""
    x = value - offset
    return F32(x) if abs(x) >= TINIEST else F32(0)


@inline
def offset_of(block: Address, column: int) -> float:
    """First known value of a column; NaN before there is one."""
    return load_f64(block + OFFSETS + (U(column) << THREE))


@inline
def records_seen(block: Address) -> int:
    """Number of records the forest has seen."""
    return I64(load_u64(block + SEEN))


@inner
def point_at(
    block: Address, layout: Layout, values: npt.NDArray[np.float64], order: npt.NDArray[np.int64], first: int,
    index: int, target: Address,
) -> None:  # fmt: skip
    """Write the point of record `index` of ``order[first:]``: its shingle, oldest record first, from the forest's
    memory and from the rows themselves."""
    columns, length = I64(layout.columns), I64(layout.shingle)
    place = target
    for position in range(length):
        record = index - (length - 1) + position
        for column in range(columns):
            if record >= 0:
                value = rounded(values[order[first + record], column], offset_of(block, column))
            else:
                old = (length - 1 + record) * columns + column
                value = load_f32(block + layout.history_at + (U(old) << TWO))
            store_f32(place, value)
            place += FOUR
    _pad(place, target, layout)


@inner
def vector_at(block: Address, layout: Layout, vectors: npt.NDArray[np.float64], row: int, target: Address) -> None:
    """Write the point of a full vector."""
    columns, place = I64(layout.columns), target
    for dimension in range(vectors.shape[1]):
        store_f32(place, rounded(vectors[row, dimension], offset_of(block, dimension % columns)))
        place += FOUR
    _pad(place, target, layout)


@inline
def _pad(place: Address, target: Address, layout: Layout) -> None:
    """Zeros up to the last lane."""
    end = target + layout.lanes * FOUR
    while place < end:
        store_f32(place, F32(0))
        place += FOUR


@inner
def remember(
    block: Address, layout: Layout, values: npt.NDArray[np.float64], order: npt.NDArray[np.int64], first: int, end: int
) -> None:
    """Count the records ``order[first:end]`` as seen, and keep the last ones for the next shingle."""
    columns, kept, count = I64(layout.columns), I64(layout.shingle) - 1, end - first
    history = block + layout.history_at
    store_u64(block + SEEN, load_u64(block + SEEN) + U(count))
    for k in range(kept):
        record = k + count - kept
        for column in range(columns):
            target = history + (U(k * columns + column) << TWO)
            if record >= 0:
                store_f32(target, rounded(values[order[first + record], column], offset_of(block, column)))
            else:
                store_f32(target, load_f32(history + (U((k + count) * columns + column) << TWO)))


@inline
def has_missing(values: npt.NDArray[np.float64], row: int) -> bool:
    """Is a value of the row NaN."""
    found = False
    for column in range(values.shape[1]):
        found |= math.isnan(values[row, column])
    return found
