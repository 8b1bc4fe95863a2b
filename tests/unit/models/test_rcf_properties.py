"""Properties that hold for any stream, found by hypothesis."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.random_cut_forest import RandomCutForest
from tests.unit.models.rcf_oracle import Tree
from tests.unit.models.rcf_peek import offsets, peeks

#: values that collide, that lie next to each other in float32, that are tiny, huge, negative zero
VALUES = st.one_of(
    st.integers(-3, 3).map(float),
    st.sampled_from([-0.0, 0.1, 1.0, 1.0 + 2**-23, 1.0 + 2**-22, 1e-300, -1e-38, 1e-31, 1e29, -1e29, 16777217.0]),
    st.floats(-1e29, 1e29, allow_nan=False, width=64),
)


@st.composite
def streams(draw: st.DrawFn) -> np.ndarray:
    columns = draw(st.sampled_from([1, 2, 3, 9]))
    n = draw(st.integers(1, 60))
    return draw(hnp.arrays(np.float64, (n, columns), elements=VALUES))


def forest_for(rows: np.ndarray, shingle: int = 1, **more: int) -> RandomCutForest:
    return RandomCutForest(rows.shape[1], trees=4, sample_size=10, time_decay=20, shingle_size=shingle, seed=1, **more)


@settings(max_examples=80, deadline=None)
@given(rows=streams(), shingle=st.sampled_from([1, 2, 4]))
def test_any_stream_keeps_the_invariants(rows: np.ndarray, shingle: int) -> None:
    forest = forest_for(rows, shingle)
    scores = forest.process(rows)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()
    assert (scores <= math.log2(11)).all()
    for peek in peeks(forest):
        peek.check(max(0, min(len(rows) - shingle + 1, 10)))


@settings(max_examples=60, deadline=None)
@given(rows=streams(), shingle=st.sampled_from([1, 3]), data=st.data())
def test_any_cut_and_any_interruption(rows: np.ndarray, shingle: int, data: st.DataObject) -> None:
    whole = forest_for(rows, shingle)
    expected = whole.process(rows)
    forest, found, place = forest_for(rows, shingle), [np.zeros(0)], 0
    while place < len(rows):
        step = data.draw(st.integers(1, 20))
        found.append(forest.process(rows[place : place + step]))
        place += step
        if data.draw(st.booleans()):
            forest = RandomCutForest.load(forest.dump())
    assert np.array_equal(np.concatenate(found), expected)
    assert forest.dump() == whole.dump()


@settings(max_examples=60, deadline=None)
@given(rows=streams(), query=st.lists(VALUES, min_size=9, max_size=9))
def test_any_score_equals_the_oracle(rows: np.ndarray, query: list[float]) -> None:
    forest = forest_for(rows)
    forest.process(rows)
    points = np.vstack([rows[-3:], np.array(query)[None, : rows.shape[1]]])
    scores, parts = forest.score(points), forest.attribution(points)
    if len(rows) < 10:
        assert not scores.any()
        return
    trees = [Tree.of(peek.tuples()) for peek in peeks(forest)]
    for point, score, part in zip(points, scores, parts, strict=True):
        x = point - offsets(forest)
        x = np.where(np.abs(x) < 2.0**-100, 0.0, x).astype(np.float32)
        np.testing.assert_allclose(score, np.mean([tree.score(x) for tree in trees]), rtol=2e-6)
        expected = np.mean([tree.attribution(x) for tree in trees], axis=0)
        np.testing.assert_allclose(part, expected, rtol=2e-5, atol=1e-6)
        assert (part >= 0).all()


@settings(max_examples=40, deadline=None)
@given(rows=streams(), power=st.integers(-40, 0))
def test_scaling_by_a_power_of_two(rows: np.ndarray, power: int) -> None:
    """Exact, as long as nothing becomes so small that it counts as 0."""
    rows = np.where(np.abs(rows) < 1e-6, 0.0, rows)
    rows = np.round(rows * 64) / 64
    assert np.array_equal(forest_for(rows).process(rows * 2.0**power), forest_for(rows).process(rows))
