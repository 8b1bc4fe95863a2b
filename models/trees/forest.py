"""An adaptive random forest: trees on rows drawn anew, each watched by two detectors and replaced when it drifts.

Each member learns a row as often as a Poisson number says, watches a random part of the columns in each leaf, and votes
with the share of its votes that were right. When the detector of warnings says that its errors rise, a second tree
begins to grow beside it; when the one of drifts does, that tree takes its place.

Source: H. M. Gomes and others, "Adaptive random forests for evolving data stream classification", Machine Learning
2017; as in MOA, only errors that rise count as a change.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.drift.adwin import adwin_mean, adwin_reset, adwin_update
from models.kernel_cache import inner
from models.trees.layout import (
    ADWIN_SIZE,
    BUCKETS,
    CLOCK,
    DETECTORS_AT,
    DRIFT,
    DRIFTS,
    FIRST_CHECK,
    FOREST,
    GROWING,
    MEMBER_HEAD,
    MEMBER_SIZE,
    MEMBERS,
    MEMBERS_AT,
    MIN_WINDOW,
    RESAMPLING,
    RIGHT,
    SERVING,
    TREE_SIZE,
    VOTES,
    WARNING,
)
from models.trees.leaf import predict
from models.trees.tree import begin_tree, draw, find_leaf, leaf_at, learn

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]


@inner
def member_of(state: Floats, sizes: Longs, number: int) -> Any:
    """A member's part of the state."""
    first = sizes[MEMBERS_AT] + number * sizes[MEMBER_SIZE]
    return state[first : first + sizes[MEMBER_SIZE]]


@inner
def tree_of(member: Floats, sizes: Longs, serving: bool) -> Any:
    """The tree of a member that is in service, or the other one."""
    which = np.int64(member[SERVING]) if serving else 1 - np.int64(member[SERVING])
    first = MEMBER_HEAD + which * sizes[TREE_SIZE]
    return member[first : first + sizes[TREE_SIZE]]


@inner
def vote(member: Floats, sizes: Longs, x: Floats) -> float:
    """A member's probability of class 1."""
    tree = tree_of(member, sizes, True)
    return predict(leaf_at(tree, sizes, find_leaf(tree, sizes, x)), sizes, x)


@inner
def probability(state: Floats, sizes: Longs, x: Floats) -> float:
    """The members' votes, each with the share of its votes that were right."""
    total, sure = 0.0, 0.0
    for number in range(sizes[MEMBERS]):
        member = member_of(state, sizes, number)
        weight = member[RIGHT] / member[VOTES] if member[RIGHT] > 0.0 else 1.0
        sure += weight * vote(member, sizes, x)
        total += weight
    return min(max(sure / total, 0.0), 1.0)


@inner
def _times(member: Floats, sizes: Longs, number: int, mean: float) -> float:
    """A Poisson number, by inversion."""
    left, count = draw(member, sizes, number), 0.0
    share = math.exp(-mean)
    while left >= share and count < 100.0:
        left -= share
        count += 1.0
        share *= mean / count
    return count


@inner
def _rises(detector: Floats, error: float, delta: float) -> bool:
    """Learn an error; whether errors have become more."""
    before = adwin_mean(detector)
    changed = adwin_update(detector, error, delta, CLOCK, BUCKETS, MIN_WINDOW, FIRST_CHECK)
    return changed and adwin_mean(detector) > before


@inner
def _adapt(member: Floats, sizes: Longs, rates: Floats, number: int, error: float) -> None:
    """Tell a member's detectors of a vote, and do what follows."""
    first = sizes[DETECTORS_AT]
    warning, drift = member[first : first + ADWIN_SIZE], member[first + ADWIN_SIZE : first + 2 * ADWIN_SIZE]
    if _rises(warning, error, rates[WARNING]):
        adwin_reset(warning)
        begin_tree(tree_of(member, sizes, False), sizes, member, number)
        member[GROWING] = 1.0
    if _rises(drift, error, rates[DRIFT]):
        if member[GROWING] == 0.0:
            begin_tree(tree_of(member, sizes, False), sizes, member, number)
        member[SERVING] = 1.0 - member[SERVING]
        member[GROWING] = 0.0
        member[RIGHT], member[VOTES] = 0.0, 0.0
        member[DRIFTS] += 1.0
        adwin_reset(warning)
        adwin_reset(drift)


@inner
def learn_row(state: Floats, sizes: Longs, rates: Floats, x: Floats, label: int, weight: float, found: Floats) -> None:
    """Every member learns a row in its own way; a tree alone just learns it."""
    for number in range(sizes[MEMBERS]):
        member = member_of(state, sizes, number)
        tree = tree_of(member, sizes, True)
        if sizes[FOREST] == 0:
            learn(tree, sizes, rates, x, label, weight, member, number, found)
            continue
        right = (vote(member, sizes, x) >= 0.5) == (label == 1)
        member[VOTES] += 1.0
        member[RIGHT] += 1.0 if right else 0.0
        times = _times(member, sizes, number, rates[RESAMPLING]) * weight
        if times > 0.0:
            learn(tree, sizes, rates, x, label, times, member, number, found)
            if member[GROWING] == 1.0:
                learn(tree_of(member, sizes, False), sizes, rates, x, label, times, member, number, found)
        _adapt(member, sizes, rates, number, 0.0 if right else 1.0)
