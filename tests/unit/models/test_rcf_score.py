"""Scores: against the oracle, warm-up, constants, invariances, scale (tests 1, 7, 10 to 13, 20, 21, 23)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.random_cut_forest import RandomCutForest
from tests.unit.models import rcf_data
from tests.unit.models.rcf_oracle import Forest, Tree
from tests.unit.models.rcf_peek import offsets, peeks


@pytest.mark.parametrize("seed", range(3))
def test_09_01_scale_of_blood_pressures(seed: int) -> None:
    odd, ordinary = [], []
    for k in range(4):
        forest = RandomCutForest(2, seed=4 * seed + k)
        scores = forest.process(rcf_data.blood_pressure(20_000, 100 + 4 * seed + k))
        odd.append(forest.score(np.array([[144.0, 123.0]]))[0])
        ordinary.append(scores[-2000:])
    assert 3.4 < np.median(odd) < 4.0
    assert 0.71 < np.median(ordinary) < 0.77
    assert 0.66 < np.percentile(ordinary, 10) < 0.71
    assert 0.83 < np.percentile(ordinary, 90) < 0.93


def test_09_01_scale_of_the_oracle() -> None:
    forest = Forest(trees=30, sample=64, time_decay=100_000, seed=3)
    ordinary = [forest.process(row) for row in rcf_data.blood_pressure(400, 7)]
    mine = RandomCutForest(2, trees=30, sample_size=64, seed=3)
    scores = mine.process(rcf_data.blood_pressure(400, 7))
    assert np.median(scores[64:]) == pytest.approx(np.median(ordinary[64:]), rel=0.05)
    odd = np.array([144.0, 123.0])
    assert mine.score(odd[None])[0] == pytest.approx(forest.score(odd), rel=0.15)


@pytest.mark.parametrize(
    ("columns", "kind"), [(1, "normal"), (2, "integers"), (3, "normal"), (8, "normal"), (30, "normal")]
)
def test_09_07_fast_equals_oracle(columns: int, kind: str) -> None:
    """Scores and parts of points inside, outside and equal, on the trees of a forest as it is."""
    rows = rcf_data.stream(kind, 900, columns, seed=columns)
    forest = RandomCutForest(columns, trees=12, sample_size=64, time_decay=400, seed=9)
    forest.process(rows)
    random = np.random.default_rng(1)
    queries = np.vstack([random.normal(size=(40, columns)), 6 * random.normal(size=(20, columns)), rows[-60:]])
    scores, parts = forest.score(queries), forest.attribution(queries)
    trees = [Tree.of(peek.tuples()) for peek in peeks(forest)]
    equal = 0
    for query, score, part in zip(queries, scores, parts, strict=True):
        x = (query - offsets(forest)).astype(np.float32)
        equal += any(np.array_equal(tree.path(x)[1].point, x) for tree in trees)
        assert score == pytest.approx(np.mean([tree.score(x) for tree in trees]), rel=1e-6)
        expected = np.mean([tree.attribution(x) for tree in trees], axis=0)
        assert part == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert equal > 5, "some queries are points of the trees"


@pytest.mark.parametrize("shingle", [1, 4])
@pytest.mark.parametrize("sample", [10, 12, 256])
def test_09_10_warm_up(sample: int, shingle: int) -> None:
    forest = RandomCutForest(2, trees=10, sample_size=sample, shingle_size=shingle)
    scores = forest.process(rcf_data.stream("normal", sample + 5, 2))
    assert not scores[:sample].any()
    assert (scores[sample:] > 0).all()


def test_09_10_warm_up_shorter_than_the_shingle() -> None:
    forest = RandomCutForest(1, trees=5, sample_size=10, shingle_size=30)
    scores = forest.process(rcf_data.stream("normal", 60, 1))
    assert not scores[:30].any(), "the first complete shingle meets empty trees"
    assert (scores[30:] > 0).all()
    assert forest.score(np.zeros((1, 30)))[0] > 0


def test_09_10_reading_in_the_warm_up() -> None:
    forest = RandomCutForest(2, trees=5, sample_size=20)
    points = rcf_data.stream("normal", 19, 2)
    assert not forest.score(points).any()
    forest.process(points)
    assert not forest.score(points).any()
    assert not forest.attribution(points).any()
    forest.process(points[:1])
    assert (forest.score(points) > 0).all()


@pytest.mark.parametrize("sample", [10, 11, 12, 37, 100, 256, 1000, 8192])
@pytest.mark.parametrize("columns", [1, 3, 9])
def test_09_11_constant_stream(columns: int, sample: int) -> None:
    """Exactly 0.5; then a value that differs scores the maximum, which no score exceeds."""
    forest = RandomCutForest(columns, trees=3, sample_size=sample, seed=1)
    scores = forest.process(np.full((sample + 50, columns), -7.75))
    assert (scores[sample:] == 0.5).all()
    largest = forest.process(np.full((1, columns), -7.0))[0]
    assert largest == pytest.approx(math.log2(sample + 1), abs=1e-6)
    assert largest <= math.log2(sample + 1)


def test_09_11_alternating_stream() -> None:
    scores = RandomCutForest(1, trees=100, seed=2).process(np.arange(3000.0) % 2)
    assert np.abs(scores[300:] - 0.749).max() < 0.01


@pytest.mark.parametrize("power", [-60, -20, 20, 60])
def test_09_12_powers_of_two_change_nothing(power: int) -> None:
    rows = rcf_data.stream("normal", 800, 4, seed=1)
    scores = RandomCutForest(4, trees=20, sample_size=64, seed=3).process(rows)
    assert np.array_equal(RandomCutForest(4, trees=20, sample_size=64, seed=3).process(rows * 2.0**power), scores)


def test_09_12_other_factors_change_little() -> None:
    rows = rcf_data.stream("normal", 2000, 4, seed=1)
    first = RandomCutForest(4, trees=50, seed=3).process(rows)
    threefold = RandomCutForest(4, trees=50, seed=3).process(3 * rows)
    assert np.sqrt(np.mean((first - threefold) ** 2)) < 1e-6
    for other in (
        RandomCutForest(4, trees=50, seed=3).process(-rows),
        RandomCutForest(4, trees=50, seed=3).process(rows[:, ::-1]),
        RandomCutForest(4, trees=50, seed=4).process(rows),
    ):
        noise = np.sqrt(np.mean((first - other)[256:] ** 2))
        assert 0.02 < noise < 0.07, "the noise of another seed"
        assert abs(np.mean((first - other)[256:])) < 0.03, "trees live long, so the mean is noisy too"


def test_09_13_translation() -> None:
    rows = np.round(rcf_data.stream("normal", 800, 4, seed=2) * 1024) / 1024
    scores = RandomCutForest(4, trees=20, sample_size=64, seed=3).process(rows)
    assert np.array_equal(RandomCutForest(4, trees=20, sample_size=64, seed=3).process(rows + 1e9), scores)


def test_09_20_ranks_like_collusive_displacement() -> None:
    random = np.random.default_rng(11)
    rows = np.vstack([random.normal(size=(240, 2)), 4 * random.normal(size=(16, 2))])
    forest = RandomCutForest(2, trees=25, seed=1)
    forest.process(rows)
    displacement, score = np.zeros(256), np.zeros(256)
    number = {tuple((row - offsets(forest)).astype(np.float32).tolist()): k for k, row in enumerate(rows)}
    for peek in peeks(forest):
        tree = Tree.of(peek.tuples())
        for leaf in tree.leaves():
            k = number[tuple(leaf.point.tolist())]
            displacement[k] += tree.codisp(leaf)
            with tree.without(leaf):
                score[k] += tree.score(leaf.point)
    ranks = [np.argsort(np.argsort(values)) for values in (displacement, score)]
    assert np.corrcoef(ranks)[0, 1] > 0.85
    top = [set(np.argsort(values)[-16:].tolist()) for values in (displacement, score)]
    assert len(top[0] & top[1]) >= 13


@pytest.mark.parametrize(
    ("columns", "median", "high", "one", "every"),
    [
        (1, 0.73, 1.83, 5.69, 5.49),
        (2, 0.68, 1.76, 4.54, 5.49),
        (8, 0.69, 1.23, 2.40, 5.54),
        (30, 0.71, 0.97, 1.28, 5.55),
    ],
)
def test_09_21_planted_outliers(columns: int, median: float, high: float, one: float, every: float) -> None:
    forest = RandomCutForest(columns, seed=1)
    scores = forest.process(rcf_data.stream("normal", 8000, columns, seed=columns))[1000:]
    single = rcf_data.stream("normal", 50, columns, seed=99)
    single[:, 0] = 8.0
    assert np.median(scores) == pytest.approx(median, rel=0.15)
    assert np.percentile(scores, 99) == pytest.approx(high, rel=0.15)
    assert np.mean(forest.score(single)) == pytest.approx(one, rel=0.15)
    assert forest.score(np.full((1, columns), 8.0))[0] == pytest.approx(every, rel=0.15)
    assert scores.max() <= math.log2(257)
    assert forest.score(np.full((1, columns), 1e6))[0] == pytest.approx(math.log2(257), abs=1e-3)


@pytest.mark.parametrize(
    ("sample", "time_decay", "high_median", "ordinary_median"),
    [(256, 100_000, 3.05, 0.79), (10, 100, 2.80, 0.90), (12, 100, 2.95, 0.90)],
)
def test_09_23_small_samples(sample: int, time_decay: int, high_median: float, ordinary_median: float) -> None:
    rates, high = rcf_data.heart_rate(20_000, 5)
    scores = RandomCutForest(1, sample_size=sample, time_decay=time_decay, seed=6).process(rates)
    later = np.arange(rates.size) >= 2000
    assert np.median(scores[high & later]) == pytest.approx(high_median, rel=0.1)
    assert np.median(scores[~high & later]) == pytest.approx(ordinary_median, rel=0.1)
    assert scores.max() <= math.log2(sample + 1)
    assert scores[high & later].min() > 2.0 > scores[~high & later].max()
