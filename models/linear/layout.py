"""Where the numbers of a linear model lie in its state, and what a kernel is told about it.

    counters | scaler: counts, means, variances | weights | accumulators | averages | calibration | table of values

A kernel gets two small arrays: ``layout`` (whole numbers: sizes, places, which algorithm) and ``rates`` (the others).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models import calibration

# ---- counters at the front of a state
#: rows learned, time of the last one, intercept, ALMA's k, cumulative L1 penalty, known values, squared norm, and the
#: intercept's sum for its mean
LEARNED, LAST_TIME, INTERCEPT, UPDATES, PENALTY, VALUES, NORM, INTERCEPT_SUM = range(8)
HEAD = 8

# ---- entries of `layout`
(
    NUMERIC, CATEGORIES, BUCKETS, ONE_HOT, SCALED, ALGORITHM, OPTIMIZER, CALIBRATED, AVERAGED,
    COUNTS, MEANS, VARIANCES, WEIGHTS, FIRST, SECOND, PENALTIES, SUMS, CALIBRATION, TABLE,
) = range(19)  # fmt: skip

LOGISTIC, PERCEPTRON, LINEAR, PASSIVE_AGGRESSIVE, PASSIVE_AGGRESSIVE_REGRESSION, ALMA = range(6)
SGD, ADAGRAD, FTRL = range(3)

# ---- entries of `rates`
(
    RATE, POWER, INTERCEPT_RATE, L1, L2, FTRL_ALPHA, FTRL_BETA, AGGRESSIVENESS, VARIANT, TOLERANCE,
    POSITIVE, NEGATIVE, HALF_LIFE, AVERAGE_FROM, ALMA_ALPHA, ALMA_B, ALMA_C, CALIBRATION_RATE,
) = range(18)  # fmt: skip

ALGORITHMS = {
    "logistic": LOGISTIC, "perceptron": PERCEPTRON, "linear_regression": LINEAR,
    "passive_aggressive": PASSIVE_AGGRESSIVE, "passive_aggressive_regression": PASSIVE_AGGRESSIVE_REGRESSION,
    "alma": ALMA,
}  # fmt: skip
OPTIMIZERS = {"constant": SGD, "inverse_scaling": SGD, "adagrad": ADAGRAD, "ftrl": FTRL}
CALIBRATIONS = {"none": calibration.NONE, "platt": calibration.PLATT, "binned": calibration.BINNED}


@dataclass(frozen=True)
class Layout:
    """The two arrays of the kernels, and the length of a state."""

    layout: npt.NDArray[np.int64]
    rates: npt.NDArray[np.float64]
    width: int


def layout_of(algorithm: str, columns: int, categories: int, given: Mapping[str, Any]) -> Layout:
    """The layout of models with these parameters; a part that is not needed takes no place."""
    one_hot = categories > 0 and given["encoding"] == "one_hot"
    buckets = given["buckets"] if categories else 0
    weights = columns + buckets
    optimizer = OPTIMIZERS[given.get("optimizer", "constant")]
    calibrated = CALIBRATIONS[given.get("calibration", "none")]
    sizes = {
        COUNTS: columns if given["scale"] else 0,
        MEANS: columns if given["scale"] else 0,
        VARIANCES: columns if given["scale"] else 0,
        WEIGHTS: weights,
        FIRST: weights if optimizer != SGD else 0,
        SECOND: weights if optimizer == FTRL else 0,
        PENALTIES: weights if given.get("l1", 0.0) > 0.0 and optimizer != FTRL else 0,
        SUMS: weights if given["averaging"] else 0,
        CALIBRATION: calibration.SIZE if calibrated else 0,
        TABLE: buckets if one_hot else 0,
    }
    layout = np.zeros(19, np.int64)
    layout[[NUMERIC, CATEGORIES, BUCKETS, ONE_HOT]] = columns, categories, buckets, one_hot
    layout[[SCALED, ALGORITHM, OPTIMIZER]] = given["scale"], ALGORITHMS[algorithm], optimizer
    layout[[CALIBRATED, AVERAGED]] = calibrated, given["averaging"]
    place = HEAD
    for part, size in sizes.items():
        layout[part] = place
        place += size
    return Layout(layout, _rates(given), place)


def _rates(given: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    rates = np.zeros(18)
    names = {
        RATE: "learning_rate", INTERCEPT_RATE: "intercept_learning_rate", L1: "l1", L2: "l2", FTRL_ALPHA: "ftrl_alpha",
        FTRL_BETA: "ftrl_beta", AGGRESSIVENESS: "aggressiveness", VARIANT: "variant", TOLERANCE: "tolerance",
        POSITIVE: "positive_weight", NEGATIVE: "negative_weight", HALF_LIFE: "scaler_half_life_ms",
        AVERAGE_FROM: "average_from", ALMA_ALPHA: "alpha", ALMA_B: "b", ALMA_C: "c",
        CALIBRATION_RATE: "calibration_rate",
    }  # fmt: skip
    for place, name in names.items():
        rates[place] = given.get(name, 1.0 if place in (POSITIVE, NEGATIVE) else 0.0)
    if given.get("optimizer") == "inverse_scaling":
        rates[POWER] = given["power"]
    return rates
