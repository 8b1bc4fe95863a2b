"""What a leaf has seen of the columns it watches, and what it predicts.

Of a number it keeps a Gaussian, the least and the largest value for each class; of a category a count for each class
and value. It predicts by the majority of its classes or by naive Bayes over the watched columns, whichever was right
more often in this leaf so far (Holmes, Kirkby, Pfahringer, "Stress-testing Hoeffding trees", PKDD 2005).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.calibration.kernels import sigmoid
from models.kernel_cache import inner
from models.trees.layout import (
    BAYES_RIGHT,
    COLUMNS,
    LEAF_HEAD,
    LEAST,
    MAJORITY_RIGHT,
    MEAN,
    MOMENTS,
    MOST,
    SQUARES,
    STRIDE,
    VALUES,
    WATCHED,
    WEIGHT,
    WEIGHTS,
)

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: No single column says more than this for one class and against the other: e ** 20 to 1.
MOST_SAID = 20.0
#: A standard deviation below this part of the mean's size is taken for rounding.
ROUNDING = 1e-9


@inner
def variance_of(leaf: Floats, at: int) -> float:
    """Variance of a class's numbers, and never so small that it is rounding only."""
    n = leaf[at + WEIGHT]
    least = ROUNDING * (abs(leaf[at + MEAN]) + 1e-100)
    return max(leaf[at + SQUARES] / (n - 1.0) if n > 1.0 else 0.0, least * least)


@inner
def majority(leaf: Floats) -> float:
    """Share of class 1 among the rows of a leaf, one half in an empty one."""
    total = leaf[WEIGHTS] + leaf[WEIGHTS + 1]
    return leaf[WEIGHTS + 1] / total if total > 0.0 else 0.5


@inner
def bayes(leaf: Floats, sizes: Longs, x: Floats) -> float:
    """Probability of class 1 by naive Bayes over the watched columns."""
    if leaf[WEIGHTS] <= 0.0 or leaf[WEIGHTS + 1] <= 0.0:
        return majority(leaf)
    odds = math.log(leaf[WEIGHTS + 1] / leaf[WEIGHTS])
    watched = sizes[WATCHED]
    for place in range(watched):
        column = int(leaf[LEAF_HEAD + place])
        value = x[column]
        if math.isnan(value):
            continue
        at = LEAF_HEAD + watched + place * sizes[STRIDE]
        if column >= sizes[COLUMNS]:
            zero, one = leaf[at + int(value)], leaf[at + sizes[VALUES] + int(value)]
            said = math.log((one + 1.0) / (leaf[WEIGHTS + 1] + sizes[VALUES]))
            said -= math.log((zero + 1.0) / (leaf[WEIGHTS] + sizes[VALUES]))
        else:
            if leaf[at + WEIGHT] <= 0.0 or leaf[at + MOMENTS + WEIGHT] <= 0.0:
                continue
            zero, one = variance_of(leaf, at), variance_of(leaf, at + MOMENTS)
            far, near = value - leaf[at + MEAN], value - leaf[at + MOMENTS + MEAN]
            said = 0.5 * (math.log(zero / one) + far * far / zero - near * near / one)
        if said > MOST_SAID:
            said = MOST_SAID
        elif not said > -MOST_SAID:
            said = -MOST_SAID
        odds += said
    return sigmoid(odds)


@inner
def predict(leaf: Floats, sizes: Longs, x: Floats) -> float:
    """Probability of class 1, by what was right more often here."""
    if leaf[BAYES_RIGHT] >= leaf[MAJORITY_RIGHT]:
        return bayes(leaf, sizes, x)
    return majority(leaf)


@inner
def watch(leaf: Floats, sizes: Longs, x: Floats, label: int, weight: float) -> None:
    """Learn a row."""
    leaf[MAJORITY_RIGHT] += weight * ((majority(leaf) >= 0.5) == (label == 1))
    leaf[BAYES_RIGHT] += weight * ((bayes(leaf, sizes, x) >= 0.5) == (label == 1))
    leaf[WEIGHTS + label] += weight
    watched = sizes[WATCHED]
    for place in range(watched):
        column = int(leaf[LEAF_HEAD + place])
        value = x[column]
        if math.isnan(value):
            continue
        at = LEAF_HEAD + watched + place * sizes[STRIDE]
        if column >= sizes[COLUMNS]:
            leaf[at + label * sizes[VALUES] + int(value)] += weight
            continue
        at += label * MOMENTS
        if leaf[at + WEIGHT] == 0.0:
            leaf[at + LEAST], leaf[at + MOST] = value, value
        leaf[at + WEIGHT] += weight
        before = leaf[at + MEAN]
        leaf[at + MEAN] += weight * (value - before) / leaf[at + WEIGHT]
        leaf[at + SQUARES] += weight * (value - before) * (value - leaf[at + MEAN])
        leaf[at + LEAST] = min(leaf[at + LEAST], value)
        leaf[at + MOST] = max(leaf[at + MOST], value)
