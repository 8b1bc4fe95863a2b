"""When a leaf becomes two: the best split of the watched columns, and whether the rows suffice to trust it.

A number is tried at `TRIES` places between its least and largest value, with the rows on each side estimated from the
Gaussians of the classes; a category is tried against all others. The gain is in bits of entropy. A split is taken when
its gain exceeds the next column's by the Hoeffding bound, or when the bound says that they are as good as equal
(P. Domingos, G. Hulten, "Mining High-Speed Data Streams", KDD 2000). Not splitting is a candidate with gain 0.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline, inner
from models.trees.layout import (
    COLUMNS,
    DELTA,
    LEAF_HEAD,
    LEAST,
    MEAN,
    MOMENTS,
    MOST,
    STRIDE,
    TIE,
    VALUES,
    WATCHED,
    WEIGHT,
    WEIGHTS,
)
from models.trees.leaf import variance_of

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Places tried of a number.
TRIES = 10
#: Least part of the rows on either side.
LEAST_PART = 0.01


@inline
def _bits(zero: float, one: float) -> float:
    """Entropy of two classes times their weight."""
    found = 0.0
    total = zero + one
    if zero > 0.0:
        found -= zero * math.log2(zero / total)
    if one > 0.0:
        found -= one * math.log2(one / total)
    return found


@inner
def _gain(zero: float, one: float, left_zero: float, left_one: float) -> float:
    """Bits a row that a split saves; -1 where a side would have too few rows."""
    right_zero, right_one = max(zero - left_zero, 0.0), max(one - left_one, 0.0)
    total = zero + one
    left = left_zero + left_one
    if left < LEAST_PART * total or total - left < LEAST_PART * total:
        return -1.0
    return (_bits(zero, one) - _bits(left_zero, left_one) - _bits(right_zero, right_one)) / total


@inner
def _below(leaf: Floats, at: int, value: float) -> float:
    """Estimated weight of a class's numbers up to a value."""
    if leaf[at + WEIGHT] <= 0.0 or value < leaf[at + LEAST]:
        return 0.0
    if value >= leaf[at + MOST]:
        return leaf[at + WEIGHT]
    z = (value - leaf[at + MEAN]) / math.sqrt(2.0 * variance_of(leaf, at))
    return leaf[at + WEIGHT] * 0.5 * math.erfc(-z)


@inner
def best_split(leaf: Floats, sizes: Longs, rates: Floats, found: Floats) -> bool:
    """Whether to split; then ``found`` is column, threshold or category, and the left side's weight of each class."""
    best, second = 0.0, 0.0
    found[0] = -1.0
    watched = sizes[WATCHED]
    for place in range(watched):
        column = int(leaf[LEAF_HEAD + place])
        at = LEAF_HEAD + watched + place * sizes[STRIDE]
        gain, threshold, left_zero, left_one = -1.0, 0.0, 0.0, 0.0
        if column >= sizes[COLUMNS]:
            values = sizes[VALUES]
            zero, one = leaf[at : at + values].sum(), leaf[at + values : at + 2 * values].sum()
            for value in range(values):
                its_zero, its_one = leaf[at + value], leaf[at + values + value]
                its_gain = _gain(zero, one, its_zero, its_one) if its_zero + its_one > 0.0 else -1.0
                if its_gain > gain:
                    gain, threshold, left_zero, left_one = its_gain, float(value), its_zero, its_one
        else:
            zero, one = leaf[at + WEIGHT], leaf[at + MOMENTS + WEIGHT]
            if zero <= 0.0 or one <= 0.0:
                continue
            least = min(leaf[at + LEAST], leaf[at + MOMENTS + LEAST])
            most = max(leaf[at + MOST], leaf[at + MOMENTS + MOST])
            for number in range(1, TRIES + 1):
                value = least + (most - least) * number / (TRIES + 1)
                if value <= least or value >= most:
                    continue
                its_zero, its_one = _below(leaf, at, value), _below(leaf, at + MOMENTS, value)
                its_gain = _gain(zero, one, its_zero, its_one)
                if its_gain > gain:
                    gain, threshold, left_zero, left_one = its_gain, value, its_zero, its_one
        if gain > best:
            best, second = gain, best
            found[0], found[1], found[2], found[3] = float(column), threshold, left_zero, left_one
        elif gain > second:
            second = gain
    if found[0] < 0.0:
        return False
    rows = leaf[WEIGHTS] + leaf[WEIGHTS + 1]
    bound = math.sqrt(math.log(1.0 / rates[DELTA]) / (2.0 * rows))
    return best - second > bound or bound < rates[TIE]
