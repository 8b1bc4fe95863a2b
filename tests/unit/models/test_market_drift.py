"""Drift of predictions: what "accuracy below 0.45 over 100" tells of a model that is as it always was."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from models.drift import ADWINPool

KEYS, LABELS = 40, 4_000


def wrongs(accuracy: float, seed: int) -> np.ndarray:
    """(LABELS, KEYS): 1 where a prediction was wrong."""
    return (np.random.default_rng(seed).random((LABELS, KEYS)) >= accuracy).astype(float)


def alarms(wrong: np.ndarray) -> np.ndarray:
    """(LABELS, KEYS): where ADWIN, as the market's pipeline calls it, finds that something has changed."""
    pool = ADWINPool()
    slots = np.tile(np.array([pool.open() for _ in range(KEYS)], np.int32), LABELS)
    found = pool.process(slots, np.repeat(np.arange(LABELS), KEYS), wrong.reshape(-1, 1))
    return found["drift"].reshape(LABELS, KEYS) > 0


@pytest.mark.parametrize(("accuracy", "false"), [(0.50, 0.136), (0.52, 0.067), (0.55, 0.018)])
def test_defect_8_a_drift_is_a_change_and_not_a_low_accuracy(accuracy: float, false: float) -> None:
    """The shares of moments at which the old rule is wrong are those of the binomial; ADWIN says nothing."""
    wrong = wrongs(accuracy, seed=int(100 * accuracy))
    sums = np.cumsum(np.vstack([np.zeros(KEYS), wrong]), axis=0)
    below = (sums[100:] - sums[:-100]) > 55
    assert binom.cdf(44, 100, accuracy) == pytest.approx(false, abs=5e-4)
    assert below.mean() == pytest.approx(false, abs=0.015)
    assert alarms(wrong).sum() <= 2


def test_defect_8_a_model_that_gets_worse_is_told_of() -> None:
    wrong = np.vstack([wrongs(0.58, seed=1)[:2_000], wrongs(0.42, seed=2)[:2_000]])
    found = alarms(wrong)
    assert found[:2_000].sum() <= 1 and found[2_000:].any(axis=0).mean() > 0.95
