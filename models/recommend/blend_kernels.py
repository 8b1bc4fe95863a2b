"""Kernels of the blend: candidates, their features, and the conditional logit that weighs them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, ready
from models.recommend.kernels import decayed

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]

#: Features of a candidate: logarithms of the fading counts, the lift by each of the last three reads, the cosine to the
#: user and to the last read, hours since the first click, minutes since the last one, and hours from the first click to
#: the user's last visit.
RATES = 6
LIFTS = 3
LIFT, COSINE, LAST, AGE, FRESH, PASSED = (
    RATES,
    RATES + LIFTS,
    RATES + LIFTS + 1,
    RATES + LIFTS + 2,
    RATES + LIFTS + 3,
    RATES + LIFTS + 4,
)
FEATURES = RATES + LIFTS + 5
#: What is added to a count before its logarithm is taken, and to the weights of neighbours.
COUNT_PRIOR = 0.3
LIFT_PRIOR = 3.0


@entry
def gather(
    hot: Longs, recent: Ints, neighbours: Ints, history: Ints, depth: int, marks: Longs, mark: int, result: Longs
) -> int:
    """Candidates, each once: what is hot, what was clicked last, and the neighbours of the last reads; how many."""
    count = 0
    for k in range(hot.size):
        item = hot[k]
        if marks[item] != mark:
            marks[item] = mark
            result[count] = item
            count += 1
    for k in range(recent.size):
        item = recent[k]
        if item >= 0 and marks[item] != mark:
            marks[item] = mark
            result[count] = item
            count += 1
    for h in range(min(depth, history.size)):
        if history[h] < 0:
            break
        for k in range(neighbours.shape[1]):
            item = neighbours[history[h], k]
            if item >= 0 and marks[item] != mark:
                marks[item] = mark
                result[count] = item
                count += 1
    # what the user has read is no candidate
    kept = 0
    for n in range(count):
        known = False
        for h in range(history.size):
            if history[h] == result[n]:
                known = True
                break
        if not known:
            result[kept] = result[n]
            kept += 1
    return kept


@entry
def describe(
    candidates: Longs, now: int, half_lives_ms: Floats, rates: Floats, seen_ms: Longs, first_ms: Longs,
    popular: float, neighbours: Ints, weights: Singles, totals: Floats, stamps_ms: Longs, covisit_half_life_ms: float,
    history: Ints, before: int, vectors: Singles, user_vector: Floats, places: Longs, features: Floats,
) -> None:  # fmt: skip
    """Features (n, FEATURES) of the candidates; `places` (items,) is scratch, -1 everywhere before and after."""
    last, last_length = history[0], 0.0
    if last >= 0:
        for c in range(user_vector.size):
            last_length += vectors[last, c] * vectors[last, c]
    for n in range(candidates.size):
        item = candidates[n]
        places[item] = n
        for k in range(half_lives_ms.size):
            count = rates[item, k] * decayed(now - seen_ms[item], half_lives_ms[k])
            features[n, k] = math.log(count + COUNT_PRIOR)
        share = (rates[item, 2] * decayed(now - seen_ms[item], half_lives_ms[2]) + COUNT_PRIOR) / (popular + 100.0)
        for k in range(LIFTS):
            # chance behind that read over the chance without it, before its weight is known
            features[n, LIFT + k] = share
        product, length, behind = 0.0, 0.0, 0.0
        for c in range(user_vector.size):
            product += user_vector[c] * vectors[item, c]
            length += vectors[item, c] * vectors[item, c]
        if last >= 0:
            for c in range(user_vector.size):
                behind += vectors[last, c] * vectors[item, c]
        features[n, COSINE] = product / math.sqrt(length) if length > 0.0 else 0.0
        features[n, LAST] = behind / math.sqrt(length * last_length) if length > 0.0 and last_length > 0.0 else 0.0
        features[n, AGE] = math.log1p(max(0, now - first_ms[item]) / 3_600_000.0)
        features[n, FRESH] = math.log1p(max(0, now - seen_ms[item]) / 60_000.0)
        features[n, PASSED] = math.log1p(max(0, before - first_ms[item]) / 3_600_000.0) if before > 0 else 0.0
    for k in range(LIFTS):
        item = history[k] if k < history.size else -1
        if item < 0:
            for n in range(candidates.size):
                features[n, LIFT + k] = 0.0
            continue
        fade = decayed(now - stamps_ms[item], covisit_half_life_ms)
        total = totals[item] * fade
        base = LIFT_PRIOR / (total + LIFT_PRIOR)
        for n in range(candidates.size):
            features[n, LIFT + k] = -features[n, LIFT + k]
        for m in range(neighbours.shape[1]):
            other = neighbours[item, m]
            if other >= 0 and places[other] >= 0:
                n = places[other]
                share = -features[n, LIFT + k]
                chance = (weights[item, m] * fade + LIFT_PRIOR * share) / (total + LIFT_PRIOR)
                features[n, LIFT + k] = math.log(chance / share)
        for n in range(candidates.size):
            if features[n, LIFT + k] < 0.0 and -features[n, LIFT + k] <= 1.0:
                features[n, LIFT + k] = math.log(base)
    for n in range(candidates.size):
        places[candidates[n]] = -1


@entry
def weigh(
    features: Floats, weights: Floats, contexts: Longs, candidates: Longs, appeal: Floats, kind: int, scores: Floats
) -> None:
    """Scores (n,): features times the summed weights of the contexts that hold, and the appeal of the item itself.

    `weights` is (contexts, FEATURES), `appeal` (items, 1 + kinds): for everybody, and for users of that kind.
    """
    for n in range(scores.size):
        scores[n] = appeal[candidates[n], 0] + appeal[candidates[n], 1 + kind]
    for f in range(features.shape[1]):
        weight = 0.0
        for c in range(contexts.size):
            weight += weights[contexts[c], f]
        for n in range(scores.size):
            scores[n] += weight * features[n, f]


@entry
def climb(
    features: Floats, clicked: int, weights: Floats, squares: Floats, contexts: Longs, candidates: Longs,
    appeal: Floats, kind: int, scores: Floats, rate: float, appeal_rate: float,
) -> float:  # fmt: skip
    """One step of the conditional logit: the clicked candidate against all of them; its log-likelihood before.

    The gradient of a weight is the clicked candidate's feature less its mean under the model, in AdaGrad's steps; that
    of an item's appeal is whether it was clicked less its chance, in steps of a fixed size, since appeal changes.
    """
    weigh(features, weights, contexts, candidates, appeal, kind, scores)
    top = scores[0]
    for n in range(scores.size):
        top = max(top, scores[n])
    total = 0.0
    for n in range(scores.size):
        total += math.exp(scores[n] - top)
    likelihood = scores[clicked] - top - math.log(total)
    for n in range(scores.size):
        scores[n] = math.exp(scores[n] - top) / total
    for f in range(features.shape[1]):
        gradient = features[clicked, f]
        for n in range(scores.size):
            gradient -= scores[n] * features[n, f]
        for c in range(contexts.size):
            squares[contexts[c], f] += gradient * gradient
            weights[contexts[c], f] += rate * gradient / math.sqrt(squares[contexts[c], f])
    for n in range(scores.size):
        step = appeal_rate * ((1.0 if n == clicked else 0.0) - scores[n])
        appeal[candidates[n], 0] += step
        appeal[candidates[n], 1 + kind] += step
    return likelihood


def compile_all() -> None:
    """Make every kernel ready for the one set of types it is called with."""
    floats, floats2, longs = np.zeros(1), np.zeros((1, 1)), np.zeros(1, np.int64)
    ints, ints2, singles2 = np.zeros(1, np.int32), np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32)
    ready(gather, longs, ints, ints2, ints, 1, longs, 1, longs)
    ready(
        describe, longs, 0, floats, floats2, longs, longs, 1.0, ints2, singles2, floats, longs, 1.0, ints, 0, singles2,
        floats, longs, floats2,
    )  # fmt: skip
    ready(weigh, floats2, floats2, longs, longs, floats2, 0, floats)
    ready(climb, floats2, 0, floats2, floats2, longs, longs, floats2, 0, floats, 0.1, 0.1)
