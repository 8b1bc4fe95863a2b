"""Filling missing values (test 24)."""

from __future__ import annotations

import numpy as np
import pytest

from models.random_cut_forest import RandomCutForest, RandomCutForestPool
from tests.unit.models.rcf_data import stream
from tests.unit.models.rcf_oracle import Tree
from tests.unit.models.rcf_peek import Planted, offsets, peeks

NAN = np.nan
EXAMPLE = (0, 3.0, (1, 2.0, (0, 0.5, ((0, 0), 1), ((1, 0), 1)), ((0, 4), 1)), ((6, 3), 1))


@pytest.mark.parametrize(("query", "filled", "distance"), [((NAN, 3.5), (0, 3.5), 0.5), ((1, NAN), (1, 0), 0.0)])
def test_09_24_worked_example(query: tuple, filled: tuple, distance: float) -> None:
    assert Planted(EXAMPLE, 2).fill(query) == pytest.approx(filled)
    missing = np.isnan(query)
    found, found_distance = Tree.of(EXAMPLE).impute(np.nan_to_num(query), missing)
    assert found == pytest.approx(filled)
    assert found_distance == pytest.approx(distance)


@pytest.mark.parametrize("kind", ["normal", "integers"])
def test_09_24_fast_equals_oracle(kind: str) -> None:
    forest = RandomCutForest(4, trees=9, sample_size=32, time_decay=200, seed=1)
    forest.process(stream(kind, 300, 4, seed=2))
    trees = [Tree.of(peek.tuples()) for peek in peeks(forest)]
    queries = stream(kind, 30, 4, seed=3)
    missing = np.random.default_rng(4).random(queries.shape) < 0.4
    filled = forest.impute(np.where(missing, NAN, queries))
    assert np.array_equal(filled[~missing], queries[~missing])
    for row, holes, found in zip(queries, missing, filled, strict=True):
        x = np.where(holes, 0.0, row - offsets(forest))
        proposals = [tree.impute(x, holes) for tree in trees]
        near = np.median([distance for _, distance in proposals])
        values = np.median([point for point, distance in proposals if distance <= near], axis=0) + offsets(forest)
        assert found[holes] == pytest.approx(values[holes], abs=1e-6)


def periodic(n: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    clean = np.sin(2 * np.pi * np.arange(n) / 40)
    return clean, clean + noise * np.random.default_rng(seed).normal(size=n)


def test_09_24_periodic_series() -> None:
    """The middle of a shingle, and the step after it, from the rest."""
    clean, noisy = periodic(1100, 0.1)
    forest = RandomCutForest(1, trees=50, sample_size=128, shingle_size=8, seed=3)
    forest.process(noisy[:1000])
    windows = np.stack([noisy[1000 + k : 1008 + k] for k in range(60)])
    truth = np.stack([clean[1000 + k : 1008 + k] for k in range(60)])
    for position, limit in ((4, 0.08), (7, 0.1)):
        holes = windows.copy()
        holes[:, position] = NAN
        error = forest.impute(holes)[:, position] - truth[:, position]
        assert np.sqrt(np.mean(error**2)) < limit
        assert np.abs(error).max() < 0.3
        low, high = (forest.impute(holes, quantile)[:, position] for quantile in (0.1, 0.9))
        assert (low <= high).all()
        assert np.mean((low <= windows[:, position]) & (windows[:, position] <= high)) > 0.5


def test_09_24_forecast_of_ten_steps() -> None:
    clean, noisy = periodic(1100, 0.1)
    forest = RandomCutForest(1, trees=50, sample_size=128, shingle_size=8, seed=3)
    forest.process(noisy[:1000])
    errors = []
    for start in range(1000, 1060, 3):
        window = noisy[start - 8 : start].copy()
        for _ in range(10):
            window = forest.impute(np.append(window[1:], NAN)[None])[0]
        errors.append(window[-1] - clean[start + 9])
    assert np.sqrt(np.mean(np.square(errors))) < 0.2


def test_missing_values_in_a_stream() -> None:
    """Filled from what was learned before the record, then scored and learned; for every way to cut the stream."""
    noisy = periodic(1500, 0.05)[1]
    rows = np.stack([noisy, 3 - noisy], axis=1)
    holes = rows.copy()
    holes[np.random.default_rng(1).random(rows.shape) < 0.1] = NAN
    parameters = {"dimensions": 2, "trees": 30, "sample_size": 64, "shingle_size": 3, "seed": 1, "missing": "impute"}
    whole = RandomCutForest(**parameters)
    scores = whole.process(holes)
    assert np.isfinite(scores).all()
    assert np.median(scores[200:]) == pytest.approx(
        np.median(RandomCutForest(**parameters).process(rows)[200:]), rel=0.1
    )
    for length in (1, 37, 400):
        forest = RandomCutForest(**parameters)
        pieces = [forest.process(holes[k : k + length]) for k in range(0, 1500, length)]
        assert np.array_equal(np.concatenate(pieces), scores)
        assert forest.dump() == whole.dump()
    assert np.array_equal(RandomCutForest(**parameters, threads=2).process(holes), scores)
    assert np.isnan(holes).any(), "the caller's rows are left as they are"


def test_missing_values_before_anything_is_known() -> None:
    rows = np.full((40, 2), NAN)
    rows[5:, 0] = np.arange(35.0) + 100
    rows[20:, 1] = -np.arange(20.0) - 7
    pool = RandomCutForestPool(2, trees=10, sample_size=12, time_decay=50, missing="impute", explain=True)
    slot = pool.open()
    scores = np.concatenate(
        [
            pool.process(np.full(5, slot, np.int32), np.zeros(5, np.int64), rows[k : k + 5])["score"]
            for k in range(0, 40, 5)
        ]
    )
    assert np.isfinite(scores).all()
    together = RandomCutForest(2, trees=10, sample_size=12, time_decay=50, missing="impute").process(rows)
    assert np.array_equal(together, scores)


def test_reading_with_missing_values() -> None:
    forest = RandomCutForest(2, trees=20, sample_size=64, missing="impute", seed=1)
    assert not forest.score(np.array([[NAN, 1.0]])).any()
    forest.process(stream("normal", 300, 2))
    holes = np.array([[NAN, 1.0], [0.5, NAN], [NAN, NAN]])
    filled = forest.impute(holes)
    assert np.isfinite(filled).all()
    assert np.array_equal(forest.score(holes), forest.score(filled))
    assert np.array_equal(forest.attribution(holes), forest.attribution(filled))
