"""Online calibration of margins, kept in `SIZE` numbers of a model's state.

Margins are divided by their usual size first (the root of their mean square), because a passive-aggressive margin
grows with the weights and an ALMA one never leaves -1..1. *Platt* fits ``p = 1 / (1 + exp(-(a m + b)))`` by stochastic
gradient steps on the log loss. *Binned* keeps the share of positives in each of `BINS` bins of ``1 / (1 + exp(-m))``
and goes straight from the middle of one bin to that of the next. Both learn a row with the margin it was predicted
with.

Sources: J. Platt, "Probabilistic Outputs for Support Vector Machines", 1999; B. Zadrozny and C. Elkan, "Obtaining
calibrated probability estimates from decision trees and naive Bayesian classifiers", ICML 2001 (binning).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline, inner

State = npt.NDArray[np.float64]

NONE, PLATT, BINNED = 0, 1, 2
BINS = 20
#: rows seen, mean square of margins; slope and offset
SEEN, SQUARE, SLOPE, OFFSET = 0, 1, 2, 3
#: shares of positives of the bins, rows of the bins
SHARES = 4
COUNTS = SHARES + BINS
SIZE = COUNTS + BINS

#: Rows after which an old margin counts 1/e in their usual size.
MARGIN_MEMORY = 1000.0
#: Rows after which an old row of a bin counts 1/e; before that a bin is a plain mean.
BIN_MEMORY = 500.0
#: Rows that a bin's first share, its middle, is worth.
BIN_DOUBT = 2.0
#: A margin in usual sizes is cut here: probabilities stay above 1e-13.
FARTHEST = 30.0


@inline
def sigmoid(margin: float) -> float:
    """1 / (1 + exp(-margin)), without overflow."""
    if margin >= 0.0:
        return 1.0 / (1.0 + math.exp(-margin))
    power = math.exp(margin)
    return power / (1.0 + power)


def prepare(state: State, at: int) -> None:
    """Make zeros a calibration that has seen nothing: Platt's is the plain sigmoid, a bin's share its middle."""
    state[at + SLOPE] = 1.0
    state[at + SHARES : at + SHARES + BINS] = (np.arange(BINS) + 0.5) / BINS


@inline
def _in_usual_sizes(state: State, at: int, margin: float) -> float:
    square = state[at + SQUARE]
    if square > 0.0:
        margin /= math.sqrt(square)
    return min(max(margin, -FARTHEST), FARTHEST)


@inner
def calibrate(state: State, at: int, kind: int, margin: float) -> float:
    """The probability of a positive, by the calibration as it is."""
    if kind == NONE:
        return sigmoid(margin)
    margin = _in_usual_sizes(state, at, margin)
    if kind == PLATT:
        return sigmoid(state[at + SLOPE] * margin + state[at + OFFSET])
    position = sigmoid(margin) * BINS - 0.5
    low = min(max(math.floor(position), 0), BINS - 2)
    part = min(max(position - low, 0.0), 1.0)
    return (1.0 - part) * state[at + SHARES + low] + part * state[at + SHARES + low + 1]


@inner
def learn_margin(state: State, at: int, kind: int, margin: float, label: float, weight: float, rate: float) -> None:
    """Learn what a margin meant."""
    usual = _in_usual_sizes(state, at, margin)
    if kind == PLATT:
        error = sigmoid(state[at + SLOPE] * usual + state[at + OFFSET]) - label
        step = min(rate * weight, 1.0) * error
        state[at + SLOPE] = min(max(state[at + SLOPE] - step * usual, 0.0), 1e6)
        state[at + OFFSET] = min(max(state[at + OFFSET] - step, -1e6), 1e6)
    elif kind == BINNED:
        place = min(int(sigmoid(usual) * BINS), BINS - 1)
        count = state[at + COUNTS + place] + weight
        state[at + COUNTS + place] = min(count, BIN_MEMORY)
        share = weight / max(count + BIN_DOUBT, weight)
        state[at + SHARES + place] += share * (label - state[at + SHARES + place])
    seen = state[at + SEEN] + 1.0
    state[at + SEEN] = min(seen, MARGIN_MEMORY)
    margin = min(max(margin, -1e100), 1e100)
    state[at + SQUARE] += (margin * margin - state[at + SQUARE]) / seen


def is_sound_calibration(part: State) -> bool:
    """Whether the numbers of a calibration could have been left by `learn_margin`."""
    shares = part[SHARES:COUNTS]
    return bool(
        np.isfinite(part).all()
        and (part[[SEEN, SQUARE, SLOPE]] >= 0.0).all()
        and ((shares >= 0.0) & (shares <= 1.0)).all()
        and (part[COUNTS:] >= 0.0).all()
    )
