"""What is refused, with what words, and that nothing is harmed; memory (tests 22 and 25)."""

from __future__ import annotations

import re

import numpy as np
import pytest

from models.errors import InputError, ModelError, ParameterError
from models.random_cut_forest import RandomCutForest, RandomCutForestPool
from tests.unit.models.rcf_data import stream


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dimensions": 0}, "dimensions must be in 1..30, got 0"),
        ({"dimensions": 31}, "dimensions must be in 1..30, got 31"),
        ({"trees": 0}, "trees must be in 1..1000, got 0"),
        ({"trees": 1001}, "trees must be in 1..1000, got 1001"),
        ({"sample_size": 9}, "sample_size must be in 10..8192, got 9"),
        ({"sample_size": 8193}, "sample_size must be in 10..8192, got 8193"),
        ({"sample_size": 256, "time_decay": 256}, "sample_size must be below time_decay"),
        ({"time_decay": 0}, "time_decay must be in 1..2147483647, got 0"),
        ({"time_decay": 2**31}, "time_decay must be in 1..2147483647"),
        ({"shingle_size": 0}, "shingle_size must be in 1..30, got 0"),
        ({"shingle_size": 31}, "shingle_size must be in 1..30, got 31"),
        ({"seed": -1}, "seed must be in 0.."),
        ({"trees": 2.5}, "trees must be an integer in 1..1000, got 2.5"),
        ({"trees": True}, "trees must be in 1..1000, got True"),
        ({"missing": "guess"}, "missing must be 'reject' or 'impute', got 'guess'"),
        ({"threads": 0}, "threads must be in 1..256, got 0"),
    ],
)
def test_09_22_parameters(change: dict, words: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(words)):
        RandomCutForest(**{"dimensions": 2} | change)


def test_09_22_forest_too_large() -> None:
    with pytest.raises(ParameterError, match=r"needs [\d,]{12,} bytes, more than the limit of [\d,]+"):
        RandomCutForest(30, trees=1000, sample_size=1000, shingle_size=30)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, "row 3, column 1: NaN"),
        (np.inf, "row 3, column 1: inf is not finite"),
        (-np.inf, "row 3, column 1: -inf is not finite"),
        (1e31, "row 3, column 1: 1e+31 is more than 1e+30 from 0"),
        (-1e300, "row 3, column 1: -1e+300 is more than 1e+30 from 0"),
    ],
)
@pytest.mark.parametrize("seen", [0, 50])
def test_09_22_values(value: float, words: str, seen: int) -> None:
    rows = stream("normal", 200, 2)
    forest = RandomCutForest(2, trees=10, sample_size=20, seed=1)
    forest.process(rows[:seen])
    before = forest.dump()
    bad = rows[seen : seen + 6].copy()
    bad[3, 1] = value
    with pytest.raises(InputError, match=re.escape(words)):
        forest.process(bad)
    with pytest.raises(InputError, match=re.escape(words)):
        forest.score(bad)
    assert forest.dump() == before, "the forest is unchanged"
    untouched = RandomCutForest(2, trees=10, sample_size=20, seed=1).process(rows)
    assert np.array_equal(forest.process(rows[seen:]), untouched[seen:])


def test_09_22_far_from_the_first_value() -> None:
    forest = RandomCutForest(1, trees=5, sample_size=10)
    with pytest.raises(InputError, match=re.escape("row 1, column 0: 9e+29 is more than 1e+30 from 0 or from the")):
        forest.process(np.array([-9e29, 9e29]))
    forest.process(np.array([-9e29]))
    with pytest.raises(InputError, match="row 0, column 0"):
        forest.process(np.array([9e29]))
    assert np.isfinite(forest.process(np.linspace(-9e29, 0, 50))).all()


def test_09_22_shapes() -> None:
    forest = RandomCutForest(2, trees=5, sample_size=10, shingle_size=3)
    for rows in (np.zeros((4, 3)), np.zeros(4), np.zeros((2, 2, 2))):
        with pytest.raises(InputError):
            forest.process(rows)
    with pytest.raises(InputError, match=re.escape("rows must have the shape (n, 6), got (4, 2)")):
        forest.score(np.zeros((4, 2)))
    assert forest.process(np.zeros((0, 2))).shape == (0,)
    assert forest.score(np.zeros((0, 6))).shape == (0,)
    assert forest.attribution(np.zeros((0, 6))).shape == (0, 2, 2)


@pytest.mark.parametrize("scale", [1e-300, 1e-45, 1e-38, 1e-31, 1e-20, 1e20, 1e29])
def test_09_22_extreme_magnitudes(scale: float) -> None:
    rows = stream("normal", 500, 2, seed=3) * scale
    forest = RandomCutForest(2, trees=20, sample_size=32, seed=1)
    scores = forest.process(rows)
    assert np.isfinite(scores).all()
    assert scores.max() <= np.log2(33)
    assert forest.attribution(rows).sum(axis=(1, 2)) == pytest.approx(forest.score(rows), rel=1e-12)
    if scale < 1e-40:
        assert (scores[32:] == 0.5).all(), "too small to be told from the offset: a constant stream"


def test_09_22_slots() -> None:
    pool = RandomCutForestPool(1, trees=5, sample_size=10)
    slot = pool.open()
    rows, times = np.zeros((3, 1)), np.zeros(3, np.int64)
    for wrong in (slot + 1, -1, 10_000):
        with pytest.raises(ModelError, match=f"slot {wrong} is not open"):
            pool.process(np.array([slot, wrong, slot], np.int32), times, rows)
        with pytest.raises(ModelError, match=f"slot {wrong} is not open"):
            pool.dump(wrong)
    with pytest.raises(InputError, match=re.escape("slots must have shape (3,)")):
        pool.process(np.zeros(2, np.int32), times, rows)
    pool.close(slot)
    with pytest.raises(ModelError, match=f"slot {slot} is not open"):
        pool.process(np.full(3, slot, np.int32), times, rows)


@pytest.mark.parametrize(("sample", "columns", "lanes"), [(256, 1, 1), (256, 3, 4), (256, 8, 8), (1000, 30, 32)])
def test_09_25_memory_is_as_stated(sample: int, columns: int, lanes: int) -> None:
    forest = RandomCutForest(columns, trees=100, sample_size=sample)
    stated = 100 * (64 + 16 * (2 * sample + 2) + 12 * lanes * (sample + 1) + 10 * sample)
    assert stated < forest.nbytes < 1.02 * stated, "rounded up to cache lines"
    before = forest.nbytes
    forest.process(stream("normal", 1200, columns))
    assert forest.nbytes == before


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def test_09_25_memory_stays_bounded() -> None:
    """A million records, and slots opened and closed a hundred times over."""
    forest = RandomCutForest(1, trees=3, sample_size=32, time_decay=1000)
    rows = stream("normal", 100_000, 1)
    forest.process(rows)
    start = resident_bytes()
    for _ in range(10):
        forest.process(rows)
    assert resident_bytes() - start < 8e6
    pool = RandomCutForestPool(1, trees=100, sample_size=256)
    slots = [pool.open() for _ in range(8)]
    pool.process(np.repeat(slots, 100).astype(np.int32), np.zeros(800, np.int64), rows[:800])
    full, start = pool.nbytes, resident_bytes()
    for _ in range(100):
        pool.close(slots.pop(0))
        slots.append(pool.open())
        pool.process(np.full(10, slots[-1], np.int32), np.zeros(10, np.int64), rows[:10])
    assert pool.nbytes == full == 8 * pool.slot_bytes
    assert resident_bytes() - start < 2 * pool.slot_bytes
    for slot in slots:
        pool.close(slot)
    assert pool.nbytes == 0
