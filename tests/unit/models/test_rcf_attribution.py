"""What a score is made of (tests 18 and 19; worked rows are in test_rcf_tree, the oracle in test_rcf_score)."""

from __future__ import annotations

import numpy as np
import pytest

from models.random_cut_forest import RandomCutForest, RandomCutForestPool
from tests.unit.models.rcf_data import blood_pressure, stream

ABOVE, BELOW = 0, 1


@pytest.mark.parametrize(("columns", "shingle"), [(1, 1), (3, 1), (8, 1), (2, 4), (30, 1), (3, 7)])
@pytest.mark.parametrize("kind", ["normal", "integers"])
def test_09_18_parts_sum_to_the_score(columns: int, shingle: int, kind: str) -> None:
    pool = RandomCutForestPool(columns, trees=20, sample_size=32, time_decay=300, shingle_size=shingle, explain=True)
    slot = pool.open()
    rows = stream(kind, 500, columns, seed=shingle)
    answer = pool.process(np.full(500, slot, np.int32), np.zeros(500, np.int64), rows)
    assert answer["attribution"].shape == (500, columns, 2)
    assert not answer["attribution"][:32].any(), "nothing in the warm-up"
    assert (answer["attribution"] >= 0).all()
    assert answer["attribution"].sum(axis=(1, 2)) == pytest.approx(answer["score"], rel=1e-12)


def test_09_18_parts_are_those_before_learning() -> None:
    rows = stream("normal", 400, 2, seed=3)
    pool = RandomCutForestPool(2, trees=20, sample_size=32, time_decay=300, seed=5, explain=True)
    slot = pool.open()
    answer = pool.process(np.full(400, slot, np.int32), np.zeros(400, np.int64), rows)
    forest = RandomCutForest(2, trees=20, sample_size=32, time_decay=300, seed=5)
    for number in range(400):
        if number % 7 == 0:
            assert np.array_equal(forest.attribution(rows[number : number + 1])[0], answer["attribution"][number])
        assert forest.process(rows[number : number + 1])[0] == answer["score"][number], "explaining changes no score"


@pytest.mark.parametrize("columns", [2, 5, 8])
@pytest.mark.parametrize("side", [ABOVE, BELOW])
def test_09_18_planted_column(columns: int, side: int) -> None:
    forest = RandomCutForest(columns, seed=2)
    forest.process(stream("normal", 3000, columns, seed=1))
    for column in range(columns):
        point = np.zeros((1, columns))
        point[0, column] = 8.0 if side == ABOVE else -8.0
        parts = forest.attribution(point)[0]
        assert np.unravel_index(parts.argmax(), parts.shape) == (column, side)


def test_09_18_columns_of_a_shingle() -> None:
    forest = RandomCutForest(2, sample_size=128, shingle_size=4, seed=2)
    forest.process(stream("normal", 2000, 2, seed=1))
    vectors = stream("normal", 20, 8, seed=2)
    vectors[0] = 0.0
    vectors[0, 5] = 9.0  # position 2, column 1
    parts = forest.attribution(vectors)
    assert parts.shape == (20, 2, 2)
    assert parts.sum(axis=(1, 2)) == pytest.approx(forest.score(vectors), rel=1e-12)
    assert np.unravel_index(parts[0].argmax(), (2, 2)) == (1, ABOVE)


def test_09_18_published_row() -> None:
    """(144, 123) among blood pressures: attribution and strength of its two columns."""
    parts = []
    for seed in range(12):
        forest = RandomCutForest(2, seed=seed)
        forest.process(blood_pressure(5000, 50 + seed))
        parts.append(forest.attribution(np.array([[144.0, 123.0]]))[0])
    systolic, diastolic = np.median(np.sum(parts, axis=2), axis=0)
    assert systolic == pytest.approx(1.54, rel=0.12)
    assert diastolic == pytest.approx(2.14, rel=0.12)
    score = np.sum(parts, axis=(1, 2))
    strength = np.median(np.abs(np.subtract.reduce(parts, axis=2)) * score[:, None], axis=0)
    assert strength[0] == pytest.approx(1.02, rel=0.5)
    assert strength[1] == pytest.approx(5.83, rel=0.2)
    above, below = np.median(parts, axis=0).T
    assert (above > below).all(), "both lie high"


def test_09_19_sine_with_a_dip() -> None:
    t = np.arange(3100)
    runs = []
    for seed in range(6):
        values = 50 + 25 * np.sin(2 * np.pi * t / 100) + np.random.default_rng(seed).normal(size=t.size)
        values[3000:3020] = 20
        runs.append(RandomCutForest(1, shingle_size=4, seed=seed).process(values))
    scores = np.mean(runs, axis=0)
    ordinary = scores[500:3000]
    assert np.median(ordinary) == pytest.approx(0.82, abs=0.05)
    assert np.percentile(ordinary, 99) == pytest.approx(0.95, abs=0.05)
    assert scores[3000:3005] == pytest.approx([1.91, 2.34, 2.53, 2.49, 2.44], rel=0.15)
    assert scores[3019] == pytest.approx(1.82, rel=0.15)
    assert scores[3020:3023] == pytest.approx([2.77, 2.79, 2.56], rel=0.15)
    assert scores[3023:].mean() == pytest.approx(0.83, abs=0.06)
