"""The compiled steps: keep who is near whom as records come and go, and walk from neighbour to neighbour.

Who is near whom is a matrix of bits, a row of 64-bit words for each place of the window. A record that comes or goes
changes one row and one column of it, and a cluster is found by taking whole words: with 1,000 records a walk over
the window reads at most 16,000 words, however dense they lie. The distances from a new record to all others are one
pass over the window, which is as quick as a grid or a tree at this size, and does not lose with 30 columns.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inline, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

#: No value may be further from 0: the squared distance of two records with 30 columns is then finite.
LARGEST = 1e150
_LARGEST_FLOAT = sys.float_info.max

#: Numbers of a hotspot in a row of results: records, density, the minimum of each column, the maximum of each.
RECORDS, DENSITY, BOX = 0, 1, 2

#: A place of the window beyond its oldest record, and the number of records held.
HEAD, HELD = 0, 1

_ONE = np.uint64(1)
_NONE = np.uint64(0)
_LOW_SIX = 63
#: The six high bits of (1 << k) times this constant differ for every k (a de Bruijn sequence); the table holds k.
_SEQUENCE = np.uint64(0x03F79D71B4CB0A89)
_SHIFT = np.uint64(58)
_PLACE_OF = np.zeros(64, np.int64)
for _k in range(64):
    _PLACE_OF[(int(_SEQUENCE) << _k & 2**64 - 1) >> 58] = _k


@entry
def refused_value(values: Floats) -> int:
    """-1, or row * columns + column of the first value that cannot be taken."""
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            if not abs(values[row, column]) <= LARGEST:  # NaN compares as false
                return row * values.shape[1] + column
    return -1


@inline
def _bit(place: int) -> Any:
    return _ONE << np.uint64(place & _LOW_SIX)


@inner
def _forget(near: Words, neighbours: Longs, place: int) -> None:
    """Take the record at a place out of the neighbours of all others."""
    word, bit = place >> 6, _bit(place)
    for other in range(neighbours.size):
        if near[other, word] & bit:
            near[other, word] ^= bit
            neighbours[other] -= 1
    near[place, :] = _NONE
    neighbours[place] = 0


@inner
def _learn(
    points: Floats,
    near: Words,
    neighbours: Longs,
    held: Longs,
    values: Floats,
    row: int,
    radius_squared: float,
    squares: Floats,
) -> None:
    """Put a record into the window, in place of the oldest if it is full."""
    columns, size = points.shape
    if held[HELD] < size:
        place = held[HELD]
        held[HELD] += 1
    else:
        place = held[HEAD]
        held[HEAD] = place + 1 if place + 1 < size else 0
        _forget(near, neighbours, place)
    records = held[HELD]
    squares[:records] = 0.0
    for column in range(columns):  # in this order for each pair, so that a distance has the same bits from both ends
        value = values[row, column]
        points[column, place] = value
        line = points[column]
        for other in range(records):
            difference = line[other] - value
            squares[other] += difference * difference
    word, bit = place >> 6, _bit(place)
    for other in range(records):
        if squares[other] <= radius_squared:
            near[place, other >> 6] |= _bit(other)
            near[other, word] |= bit
            neighbours[other] += 1
            neighbours[place] += 1
    neighbours[place] -= 1  # a record is its own neighbour once


@inline
def _join(points: Floats, place: int, found: Floats, hotspot: int) -> None:
    """Count a record in and widen the box to it."""
    columns = points.shape[0]
    found[hotspot, RECORDS] += 1.0
    for column in range(columns):
        value = points[column, place]
        found[hotspot, BOX + column] = min(found[hotspot, BOX + column], value)
        found[hotspot, BOX + columns + column] = max(found[hotspot, BOX + columns + column], value)


@inner
def density_of(found: Floats, hotspot: int, columns: int, shortest: float) -> float:
    """Records per volume of the box, no side taken shorter than ``shortest``; finite whatever the sides are.

    The product keeps its power of two apart, so it neither overflows nor vanishes on the way.
    """
    product, power = 1.0, 0
    for column in range(columns):
        side = found[hotspot, BOX + columns + column] - found[hotspot, BOX + column]
        part, more = math.frexp(product * math.frexp(max(side, shortest))[0])
        product, power = part, power + more + math.frexp(max(side, shortest))[1]
    return min(math.ldexp(found[hotspot, RECORDS] / product, -power), _LARGEST_FLOAT)


@inner
def _walk(
    points: Floats,
    near: Words,
    neighbours: Longs,
    held: Longs,
    minimum: int,
    shortest: float,
    found: Floats,
    used: int,
    labels: Longs,
    free: Words,
    waiting: Longs,
) -> int:
    """Find all clusters of the window: write them to ``found`` from row ``used`` on, and return the next free row.

    ``labels`` gets the number of each place's cluster, -1 for none. Clusters are numbered by their oldest core record,
    and a border record goes to the first cluster that reaches it: the numbers scikit-learn gives.
    """
    columns, size = points.shape
    records = held[HELD]
    free[:] = _NONE
    for place in range(records):
        free[place >> 6] |= _bit(place)
        labels[place] = -1
    hotspots = 0
    for age in range(records):
        first = held[HEAD] + age
        if first >= size:
            first -= size
        if neighbours[first] < minimum or not free[first >> 6] & _bit(first):
            continue
        hotspot = used + hotspots
        found[hotspot, RECORDS] = 0.0
        found[hotspot, BOX : BOX + columns] = np.inf
        found[hotspot, BOX + columns :] = -np.inf
        free[first >> 6] ^= _bit(first)
        labels[first] = hotspots
        _join(points, first, found, hotspot)
        waiting[0], left = first, 1
        while left:
            left -= 1
            core = waiting[left]
            for word in range(free.size):
                taken = near[core, word] & free[word]
                free[word] ^= taken
                while taken:
                    lowest = taken & (~taken + _ONE)
                    taken ^= lowest
                    place = (word << 6) + _PLACE_OF[np.int64((lowest * _SEQUENCE) >> _SHIFT)]
                    labels[place] = hotspots
                    _join(points, place, found, hotspot)
                    if neighbours[place] >= minimum:
                        waiting[left] = place
                        left += 1
        found[hotspot, DENSITY] = density_of(found, hotspot, columns, shortest)
        hotspots += 1
    return used + hotspots


@entry
def take_rows(
    points: Floats,
    near: Words,
    neighbours: Longs,
    held: Longs,
    values: Floats,
    start: int,
    radius_squared: float,
    minimum: int,
    shortest: float,
    found: Floats,
    counts: Longs,
) -> int:
    """Put rows from ``start`` on into the window of their key, and find the hotspots after each.

    Writes the hotspots one behind the other to ``found`` and their number in each row to ``counts``. Returns the row
    it stopped before, because ``found`` might not hold the next one's.
    """
    size, words = near.shape
    labels, waiting = np.empty(size, np.int64), np.empty(size, np.int64)
    free, squares = np.empty(words, np.uint64), np.empty(size)
    used = 0
    for row in range(start, values.shape[0]):
        if used + size > found.shape[0]:
            return row
        _learn(points, near, neighbours, held, values, row, radius_squared, squares)
        after = _walk(points, near, neighbours, held, minimum, shortest, found, used, labels, free, waiting)
        counts[row] = after - used
        used = after
    return values.shape[0]


@entry
def learn_rows(
    points: Floats, near: Words, neighbours: Longs, held: Longs, values: Floats, radius_squared: float
) -> None:
    """Put rows into a window without looking for hotspots."""
    squares = np.empty(near.shape[0])
    for row in range(values.shape[0]):
        _learn(points, near, neighbours, held, values, row, radius_squared, squares)


@entry
def label_places(points: Floats, near: Words, neighbours: Longs, held: Longs, minimum: int, labels: Longs) -> None:
    """Write the number of each place's cluster to ``labels``, -1 for none."""
    size, words = near.shape
    found = np.empty((size, BOX + 2 * points.shape[0]))
    waiting, free = np.empty(size, np.int64), np.empty(words, np.uint64)
    _walk(points, near, neighbours, held, minimum, 1.0, found, 0, labels, free, waiting)


def make_ready() -> None:
    """Load the kernels, or compile them."""
    table, longs = np.empty((0, 1)), np.empty(0, np.int64)
    window = (table, np.empty((0, 1), np.uint64), longs, longs)
    arguments: dict[Any, tuple[Any, ...]] = {
        refused_value: (table,),
        take_rows: (*window, table, 0, 1.0, 2, 1.0, table, longs),
        learn_rows: (*window, table, 1.0),
        label_places: (*window, 2, longs),
    }
    for kernel, examples in arguments.items():
        ready(kernel, *examples)


#: What the list of kernels calls.
compile_all = make_ready
