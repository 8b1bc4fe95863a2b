"""Linear learners for many keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from models import calibration
from models.features.code_table import is_sound_table
from models.learning.interface import Floats, Times
from models.learning.parameters import Declared, Flag, Real, Whole, Word, checked
from models.learning.state_pool import Longs, StatePool
from models.learning.work import Work
from models.linear import kernels
from models.linear.layout import (
    CALIBRATED,
    CALIBRATION,
    COUNTS,
    INTERCEPT,
    INTERCEPT_SUM,
    LEARNED,
    MEANS,
    NORM,
    ONE_HOT,
    SECOND,
    SUMS,
    TABLE,
    UPDATES,
    VALUES,
    VARIANCES,
    WEIGHTS,
    layout_of,
)

_SHARED: Declared = {
    "scale": Flag(True, "scale numeric columns to mean 0 and variance 1 by what was learned so far"),
    "scaler_half_life_ms": Whole(0, 0, 10**13, "event time after which a row counts half in the scaler; 0: for ever"),
    "encoding": Word(
        "hashed", ("hashed", "one_hot"), "categorical columns: signed hashing, or a weight for each value"
    ),
    "buckets": Whole(1024, 8, 2**24, "weights for categories: hash buckets, or room for so many values (7/8 of it)"),
    "averaging": Flag(False, "predict with the mean of the weights (Polyak-Ruppert)"),
    "average_from": Whole(0, 0, 10**12, "rows learned before averaging begins"),
}
_CLASSES: Declared = {
    "positive_weight": Real(1.0, 0.0, 1e6, "weight of rows with label 1"),
    "negative_weight": Real(1.0, 0.0, 1e6, "weight of rows with label 0"),
    "calibration": Word("none", ("none", "platt", "binned"), "from margins to probabilities, learned online"),
    "calibration_rate": Real(0.01, 0.0, 1.0, "learning rate of Platt's calibration", above_low=True),
}
_GRADIENT: Declared = {
    "optimizer": Word("constant", ("constant", "inverse_scaling", "adagrad", "ftrl"), "how steps are sized"),
    "learning_rate": Real(0.01, 0.0, 1e3, "size of a step; with ftrl not used", above_low=True),
    "power": Real(0.5, 0.0, 10.0, "of inverse_scaling: the rate is divided by (rows + 1) ** power"),
    "intercept_learning_rate": Real(0.01, 0.0, 1e3, "size of the intercept's step; 0: no intercept"),
    "l1": Real(0.0, 0.0, 1e6, "L1 penalty"),
    "l2": Real(0.0, 0.0, 1e6, "L2 penalty"),
    "ftrl_alpha": Real(0.05, 0.0, 1e3, "of ftrl: size of a step", above_low=True),
    "ftrl_beta": Real(1.0, 0.0, 1e6, "of ftrl: smooths the first steps"),
}
_AGGRESSION: Declared = {
    "aggressiveness": Real(1.0, 0.0, 1e6, "C: the most a row may move the weights", above_low=True),
    "variant": Whole(1, 1, 2, "1: PA-I, a step is cut at C; 2: PA-II, it is softened by 1/(2C)"),
}

#: What each algorithm may be told.
PARAMETERS: dict[str, Declared] = {
    "logistic": {**_SHARED, **_CLASSES, **_GRADIENT},
    "perceptron": {**_SHARED, **_CLASSES, "l2": _GRADIENT["l2"]},
    "linear_regression": {**_SHARED, **_GRADIENT},
    "passive_aggressive": {**_SHARED, **_CLASSES, **_AGGRESSION},
    "passive_aggressive_regression": {
        **_SHARED, **_AGGRESSION, "tolerance": Real(0.1, 0.0, 1e100, "errors up to this teach nothing"),
    },
    "alma": {
        **_SHARED,
        **_CLASSES,
        "alpha": Real(0.9, 0.0, 1.0, "part of the largest margin that may be missed", above_low=True),
        "b": Real(1 / 0.9, 0.0, 1e6, "B of the paper", above_low=True),
        "c": Real(2**0.5, 0.0, 1e6, "C of the paper", above_low=True),
    },
}  # fmt: skip


class LinearPool(StatePool):
    """Linear models for many keys, each with its scaler and, if wanted, its calibration.

    Parameters
    ----------
    algorithm
        ``logistic``, ``perceptron``, ``passive_aggressive``, ``alma`` (classification); ``linear_regression``,
        ``passive_aggressive_regression`` (regression).
    columns, categories
        Numeric columns, and categorical ones behind them; at least one of all.
    parameters
        As `PARAMETERS` declares them; ParameterError for others.

    Notes
    -----
    A prediction is a probability in 0..1 (a number for a regression). Before the first row is learned it is 0.5 (0).
    A perceptron's, a passive-aggressive or ALMA's is the sigmoid of its margin and no good probability unless
    ``calibration`` is on. Scaling uses what was *learned*: a prediction changes no bit.

    Memory of a slot is constant, `slot_bytes`: with 8 columns 320 bytes for logistic regression, 448 with FTRL. Time of
    a row with 8 columns, predicted and learned: below a microsecond.

    Examples
    --------
    >>> import numpy as np
    >>> pool = LinearPool("logistic", 1, learning_rate=0.5, scale=False)
    >>> slots, times = np.full(4, pool.open(), np.int32), np.arange(4)
    >>> rows = np.array([[1.0, 1], [-1.0, 0], [1.0, 1], [-1.0, 0]])
    >>> pool.process(slots, times, rows)["prediction"].round(2).tolist()
    [0.5, 0.44, 0.62, 0.34]
    """

    def __init__(self, algorithm: str, columns: int, categories: int = 0, **parameters: Any) -> None:
        given = checked(algorithm, PARAMETERS[algorithm], parameters)
        if algorithm == "perceptron":
            fixed = {"learning_rate": 1.0, "intercept_learning_rate": 1.0, "optimizer": "constant"}
        else:
            fixed = {}
        found = layout_of(algorithm, columns, categories, {**given, **fixed})
        self._layout, self._rates = found.layout, found.rates
        self.task = "regression" if algorithm.endswith("regression") else "classification"
        every = {"algorithm": algorithm, "columns": columns, "categories": categories, **given}
        fresh = np.zeros(found.width)
        fresh[UPDATES] = 1.0
        if found.layout[CALIBRATED]:
            calibration.prepare(fresh, int(found.layout[CALIBRATION]))
        super().__init__("linear", every, columns, categories, fresh)
        kernels.make_ready()

    # ---------------------------------------------------------------- what it has learned
    def weights(self, slot: int) -> tuple[Floats, float]:
        """Weights (columns + buckets,) of scaled columns and of categories, and the intercept, as they predict."""
        state = self.state(slot)
        weights = state[self._part(WEIGHTS)]
        rows = state[LEARNED] - self.parameters["average_from"]
        if not self.parameters["averaging"] or rows <= 0:
            return weights, float(state[INTERCEPT])
        mean: Floats = weights - state[self._part(SUMS)] / rows
        return mean, float(state[INTERCEPT] - state[INTERCEPT_SUM] / rows)

    def scaler(self, slot: int) -> tuple[Floats, Floats, Floats]:
        """Rows learned, means and variances of the numeric columns, each (columns,); empty without `scale`."""
        state, size = self.state(slot), self.columns if self.parameters["scale"] else 0
        counts, means, variances = (
            state[self._layout[part] : self._layout[part] + size] for part in (COUNTS, MEANS, VARIANCES)
        )
        return counts, means, variances

    def _part(self, first: int) -> slice:
        size = self.columns + (self.parameters["buckets"] if self.categories else 0)
        return slice(int(self._layout[first]), int(self._layout[first]) + size)

    # ---------------------------------------------------------------- as StatePool asks
    def _wrong_state(self, state: Floats) -> str | None:
        return None if self._is_sound(state) else "its state holds numbers that cannot be"

    def _is_sound(self, state: Floats) -> bool:
        layout = self._layout
        if not np.isfinite(state).all() or state[UPDATES] < 1.0 or state[NORM] < 0.0 or state[LEARNED] < 0.0:
            return False
        if (state[layout[COUNTS] : layout[COUNTS] + self.columns] < 0.0).any() and self.parameters["scale"]:
            return False
        if (state[layout[VARIANCES] : layout[WEIGHTS]] < 0.0).any():
            return False
        if self.parameters.get("optimizer") == "ftrl" and (state[self._part(SECOND)] < 0.0).any():
            return False
        at = int(layout[CALIBRATION])
        if layout[CALIBRATED] and not calibration.is_sound_calibration(state[at : at + calibration.SIZE]):
            return False
        if layout[ONE_HOT]:
            return is_sound_table(state[layout[TABLE] :], float(state[VALUES]), self.categories)
        return True

    def _take(
        self, states: Floats, slots: Longs, times: Times, values: Floats, labels: Floats, weights: Floats, out: Floats,
        work: Work,
    ) -> None:  # fmt: skip
        kernels.take_rows(states, slots, times, values, labels, weights, out, work, self._layout, self._rates)
