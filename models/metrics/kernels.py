"""The compiled steps of the metrics: one row into the sums and the window of its key, and the measures of both.

A window keeps its rows twice: in the order they came, to know which one leaves, and sorted by probability. All
measures of a window are one pass over the sorted rows, so they are a function of which rows it holds and not of the
way it got them: nothing is added and taken away again, and no rounding gathers in a long stream.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Probabilities are taken to lie in [CLIP, 1 - CLIP] when a log loss is computed.
CLIP = 1e-6
#: Bins of equal width for the calibration error.
BINS = 10

#: Places in a key's state. Behind BEGIN: the window's probabilities, codes and times in the order they came (the last
#: only where a time ends the window), then its sorted probabilities and signed losses.
SEEN, POSITIVES, LAST, HELD, HEAD = 0, 1, 2, 3, 4
#: Sums over rows, weighted where old ones fade.
TP, FP, FN, TN, LAST_RIGHT, PRIOR_RIGHT, LOG_LOSS, BRIER = 5, 6, 7, 8, 9, 10, 11, 12
BIN_SUMS = 13
BEGIN = BIN_SUMS + BINS

#: Columns of the results.
(
    ACCURACY, BALANCED_ACCURACY, KAPPA, F1, LOG_LOSS_MEAN, BRIER_MEAN, ROC_AUC, AVERAGE_PRECISION, CALIBRATION_ERROR,
    BASELINE_LAST_CLASS, BASELINE_PRIOR, N,
) = range(12)  # fmt: skip
RESULTS = 12


@inner
def log_loss_of(label: float, probability: float) -> float:
    """Log loss of one row, with the probability clipped; above 0."""
    clipped = min(max(probability, CLIP), 1.0 - CLIP)
    return -math.log(clipped) if label == 1.0 else -math.log(1.0 - clipped)


@inner
def _bin_of(probability: float) -> int:
    return min(int(probability * BINS), BINS - 1)


@inner
def ranked(probabilities: Floats, losses: Floats, begin: int, begin_losses: int, n: int, found: Floats) -> None:
    """The measures that need an order, of rows sorted by probability.

    Parameters
    ----------
    probabilities, losses
        Arrays that hold them, ascending by probability, from `begin` and from `begin_losses` on; a loss counts as
        negative where the label is 0.
    n
        How many rows, 1 or more.
    found
        (RESULTS,) log loss, Brier score, ROC-AUC, average precision and calibration error are written to it; ROC-AUC
        is NaN without rows of both classes, average precision without a positive one.
    """
    positives = 0
    for k in range(n):
        positives += losses[begin_losses + k] > 0.0
    negatives = n - positives
    log_loss, brier, below_half, precision, calibration = 0.0, 0.0, 0.0, 0.0, 0.0
    above_tp, above_fp = 0, 0
    bin_now, bin_sum = -1, 0.0
    k = n - 1
    while k >= 0:
        probability = probabilities[begin + k]
        tp, fp = 0, 0
        while k >= 0 and probabilities[begin + k] == probability:
            loss = losses[begin_losses + k]
            log_loss += abs(loss)
            if loss > 0.0:
                tp += 1
            else:
                fp += 1
            k -= 1
        brier += tp * (1.0 - probability) * (1.0 - probability) + fp * probability * probability
        if _bin_of(probability) != bin_now:
            calibration += abs(bin_sum)
            bin_now, bin_sum = _bin_of(probability), 0.0
        bin_sum += (tp + fp) * probability - tp
        # each positive is ahead of the negatives below it, and level with those of its own probability
        below_half += tp * (2.0 * (negatives - above_fp - fp) + fp)
        above_tp += tp
        above_fp += fp
        if tp:
            precision += tp * (above_tp / (above_tp + above_fp))
    found[LOG_LOSS_MEAN] = log_loss / n
    found[BRIER_MEAN] = brier / n
    found[CALIBRATION_ERROR] = (calibration + abs(bin_sum)) / n
    found[ROC_AUC] = below_half / (2.0 * positives * negatives) if positives and negatives else np.nan
    found[AVERAGE_PRECISION] = precision / positives if positives else np.nan


@inner
def counted(tp: float, fp: float, fn: float, tn: float, found: Floats) -> None:
    """The measures of a table of four counts, which may be weighted, into `found`; their sum is above 0."""
    n = tp + fp + fn + tn
    right = (tp + tn) / n
    found[ACCURACY] = right
    if tp + fn == 0.0:
        found[BALANCED_ACCURACY] = tn / (tn + fp)
    elif tn + fp == 0.0:
        found[BALANCED_ACCURACY] = tp / (tp + fn)
    else:
        found[BALANCED_ACCURACY] = 0.5 * (tp / (tp + fn) + tn / (tn + fp))
    chance = ((tp + fn) / n) * ((tp + fp) / n) + ((tn + fp) / n) * ((tn + fn) / n)
    found[KAPPA] = (right - chance) / (1.0 - chance) if chance < 1.0 else 0.0
    found[F1] = 2.0 * tp / (2.0 * tp + fp + fn) if tp > 0.0 else 0.0


@inner
def _place_of(state: Floats, begin: int, begin_losses: int, held: int, probability: float, label: float) -> int:
    """The first place of the sorted window that is not before a row; of equal probabilities label 0 comes first."""
    low, high = 0, held
    while low < high:
        middle = (low + high) >> 1
        other = state[begin + middle]
        before = other < probability or (other == probability and label == 1.0 and state[begin_losses + middle] < 0.0)
        if before:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def _add_code(state: Floats, code: int, weight: float) -> None:
    """A row's four bits into the sums: label, predicted, whether last class was right, whether the prior was."""
    label, predicted = code & 1, code & 2
    if label:
        state[TP if predicted else FN] += weight
    else:
        state[FP if predicted else TN] += weight
    if code & 4:
        state[LAST_RIGHT] += weight
    if code & 8:
        state[PRIOR_RIGHT] += weight


@inner
def _drop_oldest(state: Floats, window: int, ordered: int, fades: bool) -> None:
    """Take the oldest row out of the window; the sums too, where they are the window's."""
    held, head = int(state[HELD]), int(state[HEAD])
    probability, code = state[BEGIN + head], int(state[BEGIN + window + head])
    losses = ordered + window
    place = _place_of(state, ordered, losses, held, probability, float(code & 1))
    for k in range(place, held - 1):
        state[ordered + k] = state[ordered + k + 1]
        state[losses + k] = state[losses + k + 1]
    # places that hold nothing are 0, so that equal windows are equal bytes
    state[ordered + held - 1] = state[losses + held - 1] = 0.0
    state[BEGIN + head] = state[BEGIN + window + head] = 0.0
    if ordered > BEGIN + 2 * window:
        state[BEGIN + 2 * window + head] = 0.0
    state[HELD], state[HEAD] = held - 1, head + 1 if head + 1 < window else 0
    if not fades:
        _add_code(state, code, -1.0)


@inner
def learn_row(
    state: Floats, time: float, label: float, probability: float, threshold: float, window: int, span: float,
    fading: float, found: Floats,
) -> None:  # fmt: skip
    """One row into the state of its key, and all measures after it into `found` (RESULTS,)."""
    ordered = BEGIN + (3 if span > 0.0 else 2) * window
    losses = ordered + window
    seen, positives = state[SEEN], state[POSITIVES]
    predicted = 1 if probability >= threshold else 0
    # before the first row both baselines give one half, which is class 1, as is a tie of the prior
    last_right = (state[LAST] if seen > 0.0 else 1.0) == label
    prior_right = (1.0 if 2.0 * positives >= seen else 0.0) == label
    code = int(label) + 2 * predicted + 4 * int(last_right) + 8 * int(prior_right)
    loss = log_loss_of(label, probability)
    signed = loss if label == 1.0 else -loss
    fades = fading > 0.0

    if span > 0.0:
        while state[HELD] > 0.0 and state[BEGIN + 2 * window + int(state[HEAD])] <= time - span:
            _drop_oldest(state, window, ordered, fades)
    if int(state[HELD]) == window:
        _drop_oldest(state, window, ordered, fades)
    held = int(state[HELD])
    tail = (int(state[HEAD]) + held) % window
    state[BEGIN + tail], state[BEGIN + window + tail] = probability, code
    if span > 0.0:
        state[BEGIN + 2 * window + tail] = time
    place = _place_of(state, ordered, losses, held, probability, label)
    for k in range(held, place, -1):
        state[ordered + k] = state[ordered + k - 1]
        state[losses + k] = state[losses + k - 1]
    state[ordered + place], state[losses + place] = probability, signed
    held += 1
    state[HELD] = held
    state[SEEN], state[POSITIVES], state[LAST] = seen + 1.0, positives + label, label

    ranked(state, state, ordered, losses, held, found)
    if fades:
        for k in range(TP, BEGIN):
            state[k] *= fading
        _add_code(state, code, 1.0)
        state[LOG_LOSS] += loss
        state[BRIER] += (label - probability) * (label - probability)
        state[BIN_SUMS + _bin_of(probability)] += probability - label
    else:
        _add_code(state, code, 1.0)
    weight = state[TP] + state[FP] + state[FN] + state[TN]
    counted(state[TP], state[FP], state[FN], state[TN], found)
    found[BASELINE_LAST_CLASS] = state[LAST_RIGHT] / weight
    found[BASELINE_PRIOR] = state[PRIOR_RIGHT] / weight
    found[N] = state[SEEN] if fades else held
    if fades:
        calibration = 0.0
        for k in range(BINS):
            calibration += abs(state[BIN_SUMS + k])
        found[LOG_LOSS_MEAN] = state[LOG_LOSS] / weight
        found[BRIER_MEAN] = state[BRIER] / weight
        found[CALIBRATION_ERROR] = calibration / weight


@entry
def learn_rows(
    state: Floats, slots: Longs, times: Longs, values: Floats, threshold: float, window: int, span: float,
    fading: float, results: Floats,
) -> None:  # fmt: skip
    """Rows (label, probability) in order into the states (slots, width) of their keys; `results` (n, RESULTS).

    A row whose label is not 0 or 1, or whose probability is not within 0..1, changes nothing and has NaN for results.
    """
    for row in range(values.shape[0]):
        label, probability = values[row, 0], values[row, 1]
        if (label == 0.0 or label == 1.0) and probability >= 0.0 and probability <= 1.0:
            learn_row(
                state[slots[row]], float(times[row]), label, probability, threshold, window, span, fading, results[row]
            )
        else:
            results[row, :] = np.nan


@entry
def measure_sorted(probabilities: Floats, losses: Floats, counts: Floats, found: Floats) -> None:
    """All measures but the baselines of rows sorted by probability; `counts` tp, fp, fn, tn; n is 1 or more."""
    ranked(probabilities, losses, 0, 0, probabilities.size, found)
    counted(counts[0], counts[1], counts[2], counts[3], found)
    found[N] = probabilities.size


def make_ready() -> None:
    """Load the kernels, or compile them."""
    table, row, longs = np.empty((0, 1)), np.empty(0), np.empty(0, np.int64)
    arguments: dict[Any, tuple[Any, ...]] = {
        learn_rows: (table, longs, longs, table, 0.5, 1, 0.0, 0.0, table),
        measure_sorted: (row, row, row, row),
    }
    for kernel, examples in arguments.items():
        ready(kernel, *examples)


#: What the list of kernels calls.
compile_all = make_ready
