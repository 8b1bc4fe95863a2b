"""The compiled step of the original consumer's model: logistic regression by plain stochastic gradient descent."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, ready

Floats = npt.NDArray[np.float64]


@entry
def fit(weights: Floats, features: Floats, labels: Floats, rate: float) -> None:
    """One pass over the rows, in order; the last weight is the intercept."""
    columns = features.shape[1]
    for row in range(features.shape[0]):
        margin = weights[columns]
        for column in range(columns):
            margin += weights[column] * features[row, column]
        step = rate * (labels[row] - 1.0 / (1.0 + math.exp(-margin)))
        for column in range(columns):
            weights[column] += step * features[row, column]
        weights[columns] += step


def make_ready() -> None:
    """Load the kernel, or compile it."""
    ready(fit, np.empty(0), np.empty((0, 1)), np.empty(0), 0.001)


#: What the list of kernels calls.
compile_all = make_ready
