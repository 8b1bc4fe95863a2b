"""The same bits for every way to cut a stream, to spread it over threads, to interrupt it (tests 14, 15, 17)."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import ParameterError
from models.random_cut_forest import RandomCutForest, RandomCutForestPool
from tests.unit.models.rcf_data import stream


def in_calls(forest: RandomCutForest, rows: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([forest.process(rows[k : k + length]) for k in range(0, len(rows), length)])


@pytest.mark.parametrize("columns", [1, 2, 3, 8, 9, 30])
def test_09_14_batches_singles_and_threads(columns: int) -> None:
    rows = stream("normal", 1500, columns, seed=columns)
    whole = RandomCutForest(columns, trees=30, sample_size=64, time_decay=500, seed=7)
    scores = whole.process(rows)
    for length in (1, 3, 7, 97, 256):
        forest = RandomCutForest(columns, trees=30, sample_size=64, time_decay=500, seed=7)
        assert np.array_equal(in_calls(forest, rows, length), scores), length
        assert forest.dump() == whole.dump()
    for threads in (2, 3):
        forest = RandomCutForest(columns, trees=30, sample_size=64, time_decay=500, seed=7, threads=threads)
        assert np.array_equal(in_calls(forest, rows, 400), scores), threads
        assert forest.dump() == whole.dump()


def test_09_14_across_epochs_of_the_sampler() -> None:
    """An epoch is 256 x 50 records here, and a run 1024: neither divides the calls."""
    rows = stream("normal", 30_000, 1, seed=3)
    whole = RandomCutForest(1, trees=10, sample_size=32, time_decay=50, seed=7)
    scores = whole.process(rows)
    assert scores[-5000:].mean() == pytest.approx(scores[5000:10_000].mean(), rel=0.02)
    for length in (777, 10_000, 12_800):
        forest = RandomCutForest(1, trees=10, sample_size=32, time_decay=50, seed=7)
        assert np.array_equal(in_calls(forest, rows, length), scores), length
        assert forest.dump() == whole.dump()


def test_09_14_interrupted_at_the_end_of_an_epoch() -> None:
    rows = stream("normal", 12_900, 1, seed=3)
    whole = RandomCutForest(1, trees=5, sample_size=32, time_decay=50, seed=7)
    scores = whole.process(rows)
    for stop in (12_799, 12_800, 12_801):
        forest = RandomCutForest(1, trees=5, sample_size=32, time_decay=50, seed=7)
        forest.process(rows[:stop])
        resumed = RandomCutForest.load(forest.dump())
        assert np.array_equal(resumed.process(rows[stop:]), scores[stop:])


def test_09_15_same_seed_same_scores() -> None:
    rows = stream("normal", 700, 2)
    first = RandomCutForest(2, trees=20, sample_size=64, seed=1).process(rows)
    assert np.array_equal(RandomCutForest(2, trees=20, sample_size=64, seed=1).process(rows), first)
    assert not np.array_equal(RandomCutForest(2, trees=20, sample_size=64, seed=2).process(rows), first)


def test_09_15_reading_changes_nothing() -> None:
    rows, odd = stream("normal", 700, 2), np.full((5, 2), 30.0)
    undisturbed = RandomCutForest(2, trees=20, sample_size=64, seed=1)
    expected = undisturbed.process(rows)
    forest = RandomCutForest(2, trees=20, sample_size=64, seed=1)
    found = []
    for row in rows:
        before = forest.dump() if len(found) % 100 == 50 else None
        forest.score(odd)
        forest.attribution(odd)
        forest.impute(np.array([[np.nan, 1.0]]))
        if before is not None:
            assert forest.dump() == before
        found.append(forest.process(row[None])[0])
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("shingle", [1, 5])
def test_09_17_snapshot_and_log(shingle: int) -> None:
    """A snapshot and the records after it make the forest that saw everything."""
    rows = stream("normal", 1000, 2, seed=9)
    whole = RandomCutForest(2, trees=20, sample_size=64, time_decay=300, shingle_size=shingle, seed=1)
    scores = whole.process(rows)
    for snapshot_at, killed_at in ((3, 40), (64, 65), (400, 900), (700, 700)):
        forest = RandomCutForest(2, trees=20, sample_size=64, time_decay=300, shingle_size=shingle, seed=1)
        forest.process(rows[:snapshot_at])
        restored = RandomCutForest.load(forest.dump())
        restored.process(rows[snapshot_at:killed_at])
        assert np.array_equal(restored.process(rows[killed_at:]), scores[killed_at:])
        assert restored.dump() == whole.dump()


@pytest.mark.parametrize("shingle", [1, 3])
def test_an_early_first_score_changes_no_other_and_no_state(shingle: int) -> None:
    points = stream("normal", 700, 2, seed=8)
    slots, times = np.zeros(700, np.int32), np.arange(700)
    pools = [
        RandomCutForestPool(2, trees=20, sample_size=128, time_decay=300, shingle_size=shingle, warm_up=warm_up)
        for warm_up in (None, 17)
    ]
    assert [pool.open() for pool in pools] == [0, 0]
    usual, early = (
        np.concatenate([pool.process(slots[:60], times[:60], points[:60])["score"],
                        pool.process(slots[60:], times[60:], points[60:])["score"]])
        for pool in pools
    )  # fmt: skip
    assert not usual[:128].any() and not early[:17].any() and early[17:].all()
    assert np.array_equal(usual[128:], early[128:])
    assert pools[0].dump(0) == pools[1].dump(0)
    assert early[17:128].max() <= np.log2(129)


@pytest.mark.parametrize("warm_up", [0, 129, True, 2.5])
def test_a_warm_up_out_of_range_is_refused(warm_up: int) -> None:
    with pytest.raises(ParameterError, match=r"warm_up must be .*in 1..sample_size \(128\)"):
        RandomCutForestPool(2, sample_size=128, warm_up=warm_up)
