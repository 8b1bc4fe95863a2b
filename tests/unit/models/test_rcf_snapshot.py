"""Snapshots: canonical, complete, checked (test 16), and readable for ever."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from models.errors import SnapshotError
from models.random_cut_forest import RandomCutForest, RandomCutForestPool, snapshot
from models.random_cut_forest.snapshot import FRAME
from models.snapshot_frame import MAGIC
from tests.unit.models.rcf_data import KINDS, stream
from tests.unit.models.rcf_peek import peeks

DATA = Path(__file__).resolve().parents[2] / "data" / "random_cut_forest"


def forest_of(kind: str = "normal", columns: int = 2, seen: int = 300, shingle: int = 1) -> RandomCutForest:
    forest = RandomCutForest(columns, trees=6, sample_size=16, time_decay=100, shingle_size=shingle, seed=3)
    forest.process(stream(kind, seen, columns, seed=seen))
    return forest


@pytest.mark.parametrize("shingle", [1, 3])
@pytest.mark.parametrize("columns", [1, 2, 3, 9, 30])
@pytest.mark.parametrize("kind", KINDS)
def test_09_16_round_trip(kind: str, columns: int, shingle: int) -> None:
    for seen in (0, 1, 2, 15, 16, 17, 200):
        forest = forest_of(kind, columns, seen, shingle)
        data = forest.dump()
        loaded = RandomCutForest.load(data)
        assert loaded.dump() == data
        for peek in peeks(loaded):
            peek.check(max(0, min(seen - shingle + 1, 16)))
        more = stream("normal", 60, columns, seed=1)
        assert np.array_equal(loaded.process(more), forest.process(more))
        assert loaded.dump() == forest.dump()


def test_09_16_equal_state_equal_bytes() -> None:
    rows = stream("normal", 400, 2)
    whole = RandomCutForest(2, trees=6, sample_size=16, time_decay=100, seed=3)
    whole.process(rows)
    parts = RandomCutForest(2, trees=6, sample_size=16, time_decay=100, seed=3, threads=2)
    for k in range(0, 400, 37):
        parts.process(rows[k : k + 37])
        parts = RandomCutForest.load(parts.dump(), threads=2)
    assert parts.dump() == whole.dump()


def test_09_16_every_flipped_bit_is_refused() -> None:
    data = RandomCutForest.load(forest_of(seen=40).dump()).dump()
    random = np.random.default_rng(0)
    places = {*range(300), *random.integers(0, len(data), 700).tolist()}
    for place in sorted(p for p in places if p < len(data)):
        altered = bytearray(data)
        altered[place] ^= 1 << int(random.integers(8))
        with pytest.raises(SnapshotError):
            RandomCutForest.load(bytes(altered))


def test_09_16_every_truncation_is_refused() -> None:
    data = forest_of(seen=40).dump()
    for length in {*range(0, 320), *range(320, len(data), 53), len(data) - 1}:
        with pytest.raises(SnapshotError):
            RandomCutForest.load(data[:length])
    with pytest.raises(SnapshotError, match="bytes too many"):
        RandomCutForest.load(data + b"x")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "do not begin with its mark"),
        (b"PK\x03\x04 something else", "do not begin with its mark"),
        (MAGIC, "truncated"),
        (
            struct.pack("<8s20sHH", MAGIC, b"linear_model", 1, 1),
            "'linear_model', not of 'random_cut_forest'",
        ),
        (struct.pack("<8s20sHH", MAGIC, b"random_cut_forest", 99, 1), "format 99"),
        (struct.pack("<8s20sHH", MAGIC, b"random_cut_forest", 1, 7), "algorithm 7"),
    ],
)
def test_09_16_foreign_bytes(data: bytes, words: str) -> None:
    with pytest.raises(SnapshotError, match=words):
        RandomCutForest.load(data)


def test_09_16_not_bytes() -> None:
    with pytest.raises(SnapshotError, match="a snapshot is bytes, got str"):
        RandomCutForest.load("CUTBANK")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dimensions", 3), ("trees", 7), ("sample_size", 17), ("time_decay", 101), ("shingle_size", 2), ("seed", 4),
        ("missing", "impute"),
    ],
)  # fmt: skip
def test_09_16_other_parameters_are_refused_by_name(name: str, value: object) -> None:
    parameters = {"dimensions": 2, "trees": 6, "sample_size": 16, "time_decay": 100, "seed": 3} | {name: value}
    pool = RandomCutForestPool(**parameters)
    with pytest.raises(SnapshotError, match=rf"with {name} .*, this one has "):
        pool.load(forest_of().dump())
    assert pool.nbytes == 0


def rewritten(data: bytes, section: str, change: dict[int, int]) -> bytes:
    """A snapshot with bytes of a section changed and all checksums made right: an altered but well-formed file."""
    sections = snapshot.read(data)[1]
    number = list(sections).index(section)
    parts = [bytearray(part) for part in sections.values()]
    for place, value in change.items():
        parts[number][place] = value
    return FRAME.write(FRAME.read(data)[0], list(map(bytes, parts)), list(map(len, parts)))


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("shapes", {0: 0x00}),
        ("shapes", {0: 0xFF, 1: 0xFF, 2: 0xFF}),
        ("leaf counts", {0: 17}),
        ("leaf counts", {0: 0}),
        ("dimensions", {0: 9}),
        ("cuts 3", {0: 0x7F}),
        ("cuts 3", {0: 0xFF}),
        ("first leaves", {0: 0x00}),
        ("points 3", {0: 0x7F, 1: 0x7F}),
        ("copies", {0: 0xFF}),
    ],
)
def test_09_16_impossible_trees_are_refused(section: str, change: dict[int, int]) -> None:
    data = forest_of().dump()
    assert RandomCutForest.load(rewritten(data, section, {})).dump() == data
    with pytest.raises(SnapshotError, match=r"inconsistent"):
        RandomCutForest.load(rewritten(data, section, change))


@pytest.mark.parametrize(("columns", "limit"), [(1, 400), (8, 850)])
def test_size_of_a_full_forest(columns: int, limit: int) -> None:
    forest = RandomCutForest(columns)
    forest.process(stream("normal", 30_000, columns))
    assert len(forest.dump()) < limit * 1024


def test_snapshot_of_version_1_loads() -> None:
    """Written when format 1 and algorithm 1 came about; its future scores must never change."""
    data = (DATA / "format_1.snapshot").read_bytes()
    expected = np.load(DATA / "format_1_scores.npy")
    forest = RandomCutForest.load(data)
    assert forest.dump() == data or FRAME.format > 1
    assert np.array_equal(forest.process(later_rows()), expected)


def first_rows() -> np.ndarray:
    """The records the stored snapshot had learned: exact in binary, without a random generator's help."""
    k = np.arange(700)
    return np.stack([(k * 37 % 101) / 64, (k * k % 211) / 128, (k % 7) * (k % 11) / 4], axis=1)


def later_rows() -> np.ndarray:
    k = np.arange(300)
    return np.stack([(k * 53 % 103) / 64, (k * k % 199) / 128, (k % 5) * (k % 13) / 4], axis=1)


def stored_forest() -> RandomCutForest:
    """How the stored snapshot was made."""
    forest = RandomCutForest(3, trees=10, sample_size=32, time_decay=200, shingle_size=2, seed=11)
    forest.process(first_rows())
    return forest


def test_stored_snapshot_is_reproduced() -> None:
    assert stored_forest().dump() == (DATA / "format_1.snapshot").read_bytes()
