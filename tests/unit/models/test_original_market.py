"""The original market ensemble against one written with scikit-learn's scaler, and what its defects come to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from models.errors import InputError, SnapshotError
from models.original_market import OriginalMarketPool
from models.signals import Rules, SignalsPool

MINUTE = 60_000


def bars(length: int, seed: int = 0, right: float = 0.6) -> np.ndarray:
    """(length, 3 + 10): prices near 60,000, and the original's ten features: mean price first, RSI in the middle."""
    dice = np.random.default_rng(seed)
    hint = dice.normal(size=length)
    signs = np.sign(hint) * np.where(dice.random(length) < right, 1, -1)
    mid = 60_000 * np.exp(np.concatenate([[0.0], np.cumsum(signs * np.abs(dice.normal(0, 5e-4, length)))[:-1]]))
    features = dice.normal(size=(length, 10))
    features[:, 0], features[:, 2], features[:, 5], features[:, 6] = mid, hint, 50 + 10 * features[:, 5], 0.0
    return np.column_stack([mid, mid - 0.1, mid + 0.1, features])


class Slow:
    """The five members with scikit-learn's scaler and plain lists."""

    def __init__(self) -> None:
        self.scaler, self.weights, self.bias = StandardScaler(), np.zeros((5, 10)), np.zeros(5)
        self.errors: list[np.ndarray] = []
        self.rows, self.last, self.row, self.said = 0, math.nan, np.zeros(10), np.zeros(5)

    def take(self, mid: float, features: np.ndarray) -> tuple[float, float, float]:
        if self.rows:
            change = mid / self.last - 1
            self.errors = [*self.errors, np.abs(self.said - change)][-100:]
            for member in range(5):
                predicted = math.tanh(self.weights[member] @ self.row + self.bias[member])
                rate = 0.01 * (member + 1) * 0.9999 ** (self.rows - 1)
                step = rate * (change - predicted) * (1 - predicted**2)
                self.weights[member] += step * self.row
                self.bias[member] += step
        self.rows, self.last = self.rows + 1, mid
        self.row = self.scaler.partial_fit(features[None]).transform(features[None])[0]
        self.said = np.tanh(self.weights @ self.row + self.bias) if self.rows > 100 else np.zeros(5)
        weights = 1 / (np.mean(self.errors, axis=0) + 1e-6) if len(self.errors) >= 10 else np.ones(5)
        weights = weights / weights.sum()
        return float(weights @ self.said), float(weights.min()), float(weights.max())


def played(rows: np.ndarray, rules: Rules | None = None) -> dict[str, np.ndarray]:
    pool = OriginalMarketPool(10, rules)
    return pool.process(np.full(len(rows), pool.open(), np.int32), np.arange(len(rows)) * MINUTE, rows)


def test_it_does_what_the_original_does() -> None:
    rows, slow = bars(400), Slow()
    wanted = np.array([slow.take(row[0], row[3:]) for row in rows])
    found = played(rows)
    # the price's own column is all but constant: its spread is small against its height
    np.testing.assert_allclose(found["score"], wanted[:, 0], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found["inverse_weight_low"], wanted[:, 1], rtol=1e-6)
    np.testing.assert_allclose(found["inverse_weight_high"], wanted[:, 2], rtol=1e-6)
    assert (found["score"][:100] == 0).all() and (found["score"][100:] != 0).all()


def test_defect_7_its_threshold_never_fires_and_its_weights_hardly_differ() -> None:
    """On a market in which 6 of 10 moves are told in advance, for 5,000 bars."""
    found = played(bars(5_000))
    assert np.abs(found["score"][200:]).max() < 0.1 and not found["signal"].any()
    assert found["inverse_weight_low"][-1] > 0.15 and found["inverse_weight_high"][-1] < 0.3


def test_it_is_scored_as_ours_is_and_a_signal_comes_at_every_row() -> None:
    """With a threshold it can reach; moves, zeros and baselines are of the market and so the same for both."""
    rows, rules = bars(600, right=0.9), Rules(threshold=1e-5, release=0.0, warm_up=0, cool_down_ms=0)
    found, pool = played(rows, rules), SignalsPool(10, rules)
    ours = pool.process(np.full(len(rows), pool.open(), np.int32), np.arange(len(rows)) * MINUTE, rows)
    for name in ("moves", "zeros", "ups", "same", "opposite", "outcome_return", "overlap"):
        np.testing.assert_array_equal(found[name], ours[name], name)
    assert set(found) == set(ours)
    beyond = np.abs(found["score"]) >= 1e-5
    assert beyond.sum() > 300 and (found["signal"][beyond] == np.sign(found["score"][beyond])).all()
    known = found["outcome_score"][1:]
    np.testing.assert_allclose(known, found["score"][:-1], atol=1e-12)  # a horizon later, as it was said
    right = np.where(known == 0, 0.5, np.sign(known) == np.sign(found["outcome_return"][1:]))
    assert found["right"][-1] == right.sum()


def test_rows_of_several_keys_do_not_meet_and_snapshots_fit_only_their_own() -> None:
    one, other = bars(150, seed=1), bars(150, seed=2)
    pool = OriginalMarketPool(10)
    slots = np.array([pool.open(), pool.open()] * 150, np.int32)
    mixed = np.stack([one, other], axis=1).reshape(300, 13)
    found = pool.process(slots, np.repeat(np.arange(150) * MINUTE, 2), mixed)
    np.testing.assert_array_equal(found["score"][::2], played(one)["score"])
    np.testing.assert_array_equal(found["score"][1::2], played(other)["score"])
    with pytest.raises(SnapshotError, match="of 10 features, these have 9"):
        OriginalMarketPool(9).load(pool.dump(0))
    before = pool.dump(0)
    with pytest.raises(InputError, match="mid must be above 0"):
        pool.process(np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros((1, 13)))
    assert pool.dump(0) == before
