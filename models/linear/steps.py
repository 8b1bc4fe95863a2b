"""One learning step of each algorithm, on the weights that a row touches.

The steps equal those of river 0.23 in the order of their sums: a gradient step moves the intercept with a rate of its
own, L1 is the cumulative penalty, FTRL-proximal computes weights from the sums as they are before the row, and ALMA
has no intercept. (Passive-aggressive regression is that of the paper: river 0.23 takes its numbers for classes.)
Weights are cut at 1e100.

Sources: J. Duchi, E. Hazan, Y. Singer, "Adaptive Subgradient Methods", JMLR 2011 (AdaGrad); H. B. McMahan and others,
"Ad Click Prediction: a View from the Trenches", KDD 2013, algorithm 1 (FTRL-proximal); Y. Tsuruoka, J. Tsujii,
S. Ananiadou, "Stochastic Gradient Descent Training for L1-regularized Log-linear Models", ACL 2009 (L1); K. Crammer
and others, "Online Passive-Aggressive Algorithms", JMLR 2006; C. Gentile, "A New Approximate Maximal Margin
Classification Algorithm", JMLR 2001 (ALMA, p = 2); B. Polyak, A. Juditsky, "Acceleration of Stochastic Approximation by
Averaging", 1992.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline, inner
from models.linear.features import FARTHEST
from models.linear.layout import (
    ADAGRAD,
    AGGRESSIVENESS,
    ALGORITHM,
    ALMA_ALPHA,
    ALMA_B,
    ALMA_C,
    AVERAGE_FROM,
    AVERAGED,
    FIRST,
    FTRL,
    FTRL_ALPHA,
    FTRL_BETA,
    INTERCEPT,
    INTERCEPT_RATE,
    INTERCEPT_SUM,
    L1,
    L2,
    LEARNED,
    LINEAR,
    LOGISTIC,
    NEGATIVE,
    NORM,
    OPTIMIZER,
    PASSIVE_AGGRESSIVE,
    PENALTIES,
    PENALTY,
    POSITIVE,
    POWER,
    RATE,
    SECOND,
    SUMS,
    TOLERANCE,
    UPDATES,
    VARIANT,
    WEIGHTS,
)

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: No gradient of the loss is larger.
CLIP = 1e12


@inline
def _cut(value: float) -> float:
    return min(max(value, -FARTHEST), FARTHEST)


@inner
def margin_of(state: Floats, layout: Longs, index: Longs, x: Floats, used: int) -> float:
    """Weights times values plus intercept, by the weights that learn."""
    weights = layout[WEIGHTS]
    margin = 0.0
    for place in range(used):
        margin += state[weights + index[place]] * x[place]
    return _cut(margin + state[INTERCEPT])


@inner
def averaged_margin(state: Floats, layout: Longs, rates: Floats, index: Longs, x: Floats, used: int) -> float:
    """The same by the mean of the weights since averaging began; before that, by the weights that learn."""
    rows = state[LEARNED] - rates[AVERAGE_FROM]
    if not layout[AVERAGED] or rows <= 0.0:
        return margin_of(state, layout, index, x, used)
    weights, sums = layout[WEIGHTS], layout[SUMS]
    margin = 0.0
    for place in range(used):
        at = index[place]
        margin += (state[weights + at] - state[sums + at] / rows) * x[place]
    return _cut(margin + (state[INTERCEPT] - state[INTERCEPT_SUM] / rows))


@inline
def _rate(state: Floats, rates: Floats, learned: float) -> float:
    if rates[POWER] == 0.0:
        return rates[RATE]
    return rates[RATE] / (learned + 1.0) ** rates[POWER]


@inner
def _loss_gradient(algorithm: int, margin: float, label: float) -> float:
    """Derivative of the loss by the margin."""
    if algorithm == LINEAR:
        return 2.0 * (margin - label)
    sign = 2.0 * label - 1.0
    z = margin * sign
    if algorithm == LOGISTIC:
        if z > 18.0:
            return math.exp(-z) * -sign
        return -sign if z < -18.0 else -sign / (math.exp(z) + 1.0)
    return -sign if z <= 0.0 else 0.0


@inner
def _descend(
    state: Floats, layout: Longs, rates: Floats, index: Longs, x: Floats, used: int, label: float, weight: float
) -> None:
    """A step of logistic or linear regression, or of the perceptron."""
    gradient = _loss_gradient(layout[ALGORITHM], margin_of(state, layout, index, x, used), label)
    gradient = min(max(gradient * weight, -CLIP), CLIP)
    learned = state[LEARNED]
    state[INTERCEPT] = _cut(state[INTERCEPT] - rates[INTERCEPT_RATE] * gradient)
    rate = _rate(state, rates, learned)
    weights, first, second, optimizer = layout[WEIGHTS], layout[FIRST], layout[SECOND], layout[OPTIMIZER]
    for place in range(used):
        at = index[place]
        w = state[weights + at]
        if optimizer == FTRL:
            slope = gradient * x[place]
            z, n = state[first + at], state[second + at]
            if abs(z) > rates[L1]:
                sharpness = (rates[FTRL_BETA] + math.sqrt(n)) / rates[FTRL_ALPHA] + rates[L2]
                w = -(z - math.copysign(rates[L1], z)) / sharpness
            drift = (math.sqrt(n + slope * slope) - math.sqrt(n)) / rates[FTRL_ALPHA]
            state[first + at] = z + (slope - drift * w)
            state[second + at] = n + slope * slope
        else:
            slope = gradient * x[place] + rates[L2] * w
            if optimizer == ADAGRAD:
                state[first + at] += slope * slope
                w -= rate / math.sqrt(state[first + at] + 1e-8) * slope
            else:
                w -= rate * slope
        state[weights + at] = _cut(w)
    if optimizer != FTRL and rates[L1] > 0.0:
        _shrink(state, layout, rates, index, used)


@inner
def _shrink(state: Floats, layout: Longs, rates: Floats, index: Longs, used: int) -> None:
    """The cumulative L1 penalty: each weight gets what it would have got had it been touched by every row."""
    state[PENALTY] += rates[L1] * _rate(state, rates, state[LEARNED] + 1.0)
    weights, penalties = layout[WEIGHTS], layout[PENALTIES]
    for place in range(used):
        at = index[place]
        before = state[weights + at]
        after = before
        if before > 0.0:
            after = max(0.0, before - (state[PENALTY] + state[penalties + at]))
        elif before < 0.0:
            after = min(0.0, before + (state[PENALTY] - state[penalties + at]))
        state[weights + at] = after
        state[penalties + at] += after - before


@inner
def _aggress(
    state: Floats, layout: Longs, rates: Floats, index: Longs, x: Floats, used: int, label: float, weight: float
) -> None:
    """A passive-aggressive step, I or II; a weight multiplies the aggressiveness."""
    margin = margin_of(state, layout, index, x, used)
    if layout[ALGORITHM] == PASSIVE_AGGRESSIVE:
        sign = 2.0 * label - 1.0
        loss = max(1.0 - sign * margin, 0.0)
    else:
        sign = 0.0 if label == margin else math.copysign(1.0, label - margin)
        loss = max(abs(label - margin) - rates[TOLERANCE], 0.0)
    square = 0.0
    for place in range(used):
        square += x[place] * x[place]
    most = rates[AGGRESSIVENESS] * weight
    if rates[VARIANT] == 1.0:
        step = min(most, loss / square) if square > 0.0 else 0.0
    else:
        step = loss / (square + 0.5 / most) if most > 0.0 else 0.0
    step *= sign
    weights = layout[WEIGHTS]
    for place in range(used):
        at = weights + index[place]
        state[at] = _cut(state[at] + step * x[place])
    state[INTERCEPT] = _cut(state[INTERCEPT] + step)


@inner
def _maximize_margin(
    state: Floats, layout: Longs, rates: Floats, index: Longs, x: Floats, used: int, label: float, weight: float
) -> None:
    """A step of ALMA with p = 2: only where the margin is too small, then back into the unit ball.

    The squared norm is kept up with the weights that change, so a step costs what a row touches.
    """
    sign = 2.0 * label - 1.0
    updates = math.sqrt(state[UPDATES])
    if sign * margin_of(state, layout, index, x, used) >= (1.0 - rates[ALMA_ALPHA]) * rates[ALMA_B] / updates:
        return
    rate = rates[ALMA_C] / updates * weight
    weights = layout[WEIGHTS]
    square = state[NORM]
    for place in range(used):
        at = weights + index[place]
        before = state[at]
        after = _cut(before + rate * sign * x[place])
        state[at] = after
        square += after * after - before * before
    norm = math.sqrt(max(square, 0.0))
    if norm > 1.0:
        for place in range(used):
            at = weights + index[place]
            before = state[at]
            after = before / norm
            state[at] = after
            square += after * after - before * before
    state[NORM] = max(square, 0.0)
    state[UPDATES] += 1.0


@inner
def learn_row(
    state: Floats, layout: Longs, rates: Floats, index: Longs, x: Floats, used: int, label: float, weight: float,
    before: Floats,
) -> None:  # fmt: skip
    """Learn one row, and what its step means for the mean of the weights; ``before`` is room for ``used`` weights."""
    algorithm, weights = layout[ALGORITHM], layout[WEIGHTS]
    averaged = layout[AVERAGED] != 0 and state[LEARNED] >= rates[AVERAGE_FROM]
    intercept = state[INTERCEPT]
    if averaged:
        for place in range(used):
            before[place] = state[weights + index[place]]
    if algorithm <= LINEAR:
        _descend(state, layout, rates, index, x, used, label, weight)
    elif algorithm <= PASSIVE_AGGRESSIVE + 1:
        _aggress(state, layout, rates, index, x, used, label, weight)
    else:
        _maximize_margin(state, layout, rates, index, x, used, label, weight)
    if averaged:  # a mean of all weights so far, without touching those that did not move
        rows = state[LEARNED] - rates[AVERAGE_FROM]
        sums = layout[SUMS]
        for place in range(used):
            at = index[place]
            state[sums + at] += rows * (state[weights + at] - before[place])
        state[INTERCEPT_SUM] += rows * (state[INTERCEPT] - intercept)
    state[LEARNED] += 1.0


@inline
def class_weight(rates: Floats, label: float) -> float:
    """What a class counts."""
    return rates[POSITIVE] if label == 1.0 else rates[NEGATIVE]
