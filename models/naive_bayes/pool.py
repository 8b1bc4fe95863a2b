"""Gaussian naive Bayes for many keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.learning.interface import Floats, Times
from models.learning.parameters import Declared, Real, Whole, checked
from models.learning.state_pool import Longs, StatePool
from models.learning.work import Work
from models.naive_bayes import kernels

#: What the learner may be told.
PARAMETERS: Declared = {
    "buckets": Whole(64, 2, 2**20, "hash buckets of a categorical column"),
    "positive_weight": Real(1.0, 0.0, 1e6, "weight of rows with label 1"),
    "negative_weight": Real(1.0, 0.0, 1e6, "weight of rows with label 0"),
}


class NaiveBayesPool(StatePool):
    """Gaussian naive Bayes, one model a key.

    Parameters
    ----------
    columns, categories
        Numeric columns, and categorical ones behind them.
    parameters
        As `PARAMETERS` declares them; ParameterError for others.

    Notes
    -----
    A prediction is a probability in 0..1; before the first row is learned it is 0.5, and while all labels were the same
    it is theirs. Numbers that depend on each other make it too sure of itself. Memory of a slot is constant: 16 bytes
    a model, 48 a numeric column, ``16 * buckets`` a categorical one. Equal to river's ``GaussianNB`` on numbers.

    Source: T. Mitchell, Machine Learning, 1997, chapter 6.9; moments as in B. Welford, 1962.

    Examples
    --------
    >>> import numpy as np
    >>> pool = NaiveBayesPool(1)
    >>> slots, rows = np.full(5, pool.open(), np.int32), np.array([[1.0, 0], [1.2, 0], [3.0, 1], [3.2, 1], [3.1, 1]])
    >>> pool.process(slots, np.arange(5), rows)["prediction"].round(2).tolist()
    [0.5, 0.0, 0.0, 0.33, 1.0]
    """

    def __init__(self, columns: int, categories: int = 0, **parameters: Any) -> None:
        given = checked("naive_bayes", PARAMETERS, parameters)
        self._sizes = columns, categories, int(given["buckets"])
        self._class_weights = np.array([given["negative_weight"], given["positive_weight"]])
        every = {"columns": columns, "categories": categories, **given}
        super().__init__("naive_bayes", every, columns, categories, np.zeros(kernels.width_of(*self._sizes)))
        kernels.make_ready()

    def _take(
        self, states: Floats, slots: Longs, times: Times, values: Floats, labels: Floats, weights: Floats, out: Floats,
        work: Work,
    ) -> None:  # fmt: skip
        kernels.take_rows(states, slots, values, labels, weights, out, work, *self._sizes, self._class_weights)

    def _wrong_state(self, state: Floats) -> str | None:
        moments = state[2 : 2 + 2 * self.columns * kernels.MOMENTS].reshape(-1, kernels.MOMENTS)
        counts = state[2 + moments.size :]
        fits = np.isfinite(state).all() and (state[:2] >= 0).all() and (moments[:, [0, 2]] >= 0).all()
        return None if fits and (counts >= 0).all() else "its counts and squares cannot be"
