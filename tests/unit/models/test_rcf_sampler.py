"""The sampler: ages and acceptance of the time-decayed reservoir, jumps against keys (tests 8 and 9)."""

from __future__ import annotations

import numpy as np
import pytest

from models.random_cut_forest import RandomCutForest
from tests.unit.models.rcf_data import two_sample_distance, uniform_distance
from tests.unit.models.rcf_oracle import Sampler
from tests.unit.models.rcf_peek import Peek, peeks


def arrivals(peek: Peek) -> np.ndarray:
    """Arrival times of a tree's samples, in a stream whose values are their record numbers."""
    return np.array([peek.point(int(code))[0] for code in peek.key_leaves])


def steady_state(sample: int, time_decay: int) -> np.ndarray:
    """Probability that a record of age 0, 1, 2, ... is in a full sample: 1 - exp(-c exp(-age / N)), where c is such
    that the sum is the sample's size."""
    weights = np.exp(-np.arange(1, 30 * time_decay) / time_decay)
    low, high = 0.0, 100.0
    for _ in range(100):
        c = (low + high) / 2
        low, high = (c, high) if (1 - np.exp(-c * weights)).sum() < sample else (low, c)
    return 1 - np.exp(-c * weights)


@pytest.mark.parametrize(
    ("sample", "time_decay", "records", "mean_age", "accepted"),
    [(256, 2560, 30_000, 1.0127, 0.0975), (64, 65, 1500, 1.157, 0.735)],
)
def test_09_08_ages_and_acceptance(
    sample: int, time_decay: int, records: int, mean_age: float, accepted: float
) -> None:
    forest = RandomCutForest(1, trees=200, sample_size=sample, time_decay=time_decay, seed=8)
    forest.process(np.arange(float(records)))
    held = np.concatenate([arrivals(peek) for peek in peeks(forest)])
    ages = (records - 1 - held).astype(int)
    chance = steady_state(sample, time_decay)
    expected = np.cumsum(chance / chance.sum())
    found = np.cumsum(np.bincount(ages, minlength=chance.size)) / ages.size
    # samples of one tree exclude each other, which makes the distance smaller than for independent ages
    assert np.abs(found - expected).max() * np.sqrt(ages.size) < 1.36
    assert ages.mean() / time_decay == pytest.approx(mean_age, rel=0.03)
    before = [set(arrivals(peek).tolist()) for peek in peeks(forest)]
    forest.process(np.array([float(records)]))
    taken = [records in set(arrivals(peek).tolist()) - old for peek, old in zip(peeks(forest), before, strict=True)]
    assert chance[0] == pytest.approx(accepted, abs=0.01)
    assert np.mean(taken) == pytest.approx(accepted, abs=3 * np.sqrt(accepted * (1 - accepted) / 200))


def test_09_08_slow_decay_is_a_uniform_sample() -> None:
    forest = RandomCutForest(1, trees=200, sample_size=64, time_decay=2147483647, seed=2)
    forest.process(np.arange(5000.0))
    held = np.concatenate([arrivals(peek) for peek in peeks(forest)])
    deciles = np.bincount((held // 500).astype(int), minlength=10)
    assert deciles.sum() == 12_800
    assert ((deciles - 1280) ** 2 / 1280).sum() < 16.9  # 5 % limit for 9 degrees of freedom
    assert uniform_distance(np.unique(held) / 5000) < 1.36


def test_09_09_jumps_equal_keys() -> None:
    """Ages and keys of the jumping sampler against one that draws a key for every record and keeps the smallest.

    Keys of a tree have their largest one in common, so that one and the distances from it are compared.
    """
    trees, sample, time_decay, records = 500, 64, 640, 3000
    forest = RandomCutForest(1, trees=trees, sample_size=sample, time_decay=time_decay, seed=4)
    forest.process(np.arange(float(records)))
    jumped = np.array([arrivals(peek) for peek in peeks(forest)])
    jumped_keys = np.log([[peek.key(place) for place in range(sample)] for peek in peeks(forest)])
    random = np.random.default_rng(9)
    keys = np.log(random.exponential(size=(trees, records))) - np.arange(records) / time_decay
    drawn = np.argpartition(keys, sample, axis=1)[:, :sample]
    drawn_keys = np.take_along_axis(keys, drawn, axis=1)
    assert two_sample_distance(jumped.ravel(), drawn.ravel()) < 1.36
    largest, drawn_largest = jumped_keys.max(axis=1), drawn_keys.max(axis=1)
    assert two_sample_distance(largest, drawn_largest) < 1.36
    below, drawn_below = largest[:, None] - jumped_keys, drawn_largest[:, None] - drawn_keys
    assert two_sample_distance(below[below > 0], drawn_below[drawn_below > 0]) < 1.36


def test_09_09_jumps_equal_keys_of_the_oracle() -> None:
    """The oracle's sampler is the definition drawn record by record."""
    kept = []
    for number in range(60):
        sampler = Sampler(64, 1 / 640, np.random.default_rng(number))
        for t in range(1500):
            taken = sampler.offer(t)
            if taken is not None:
                sampler.keep(taken[0], t)
        assert len(sampler.kept) == 64
        kept += [t for _, t, _ in sampler.kept]
    forest = RandomCutForest(1, trees=60, sample_size=64, time_decay=640, seed=4)
    forest.process(np.arange(1500.0))
    assert two_sample_distance(np.concatenate([arrivals(peek) for peek in peeks(forest)]), np.array(kept)) < 1.36
