"""Pools of packed slots: their snapshots, those of every past format among them, and how slots come and go.

The files were written once by the formula in `grown`; a file of a new format is added, none is written anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.champion import ChampionGatePool
from models.drift import ADWINPool, DDMPool, KSWINPool, PageHinkleyPool
from models.errors import InputError, ModelError, SnapshotError
from models.metrics import PrequentialMetricsPool
from models.packed_pool import PackedPool, check_finite

DATA = Path(__file__).parents[2] / "data"

#: A pool with small parameters, and its rows.
KINDS: dict[str, tuple[Callable[[], Any], Callable[[int], np.ndarray]]] = {
    "metrics": (
        partial(PrequentialMetricsPool, 20, fading=0.75), lambda k: np.column_stack([k * k % 7 < 3, k % 11 / 10])
    ),
    "adwin": (partial(ADWINPool, clock=4), lambda k: (k * k % 7 + 3.0 * (k > 40))[:, None]),
    "page_hinkley": (partial(PageHinkleyPool, threshold=4.0), lambda k: (k * k % 7 + 3.0 * (k > 40))[:, None]),
    "kswin": (partial(KSWINPool, 0.01, 20, 8, 3), lambda k: (k * k % 7 + 3.0 * (k > 40))[:, None]),
    "ddm": (partial(DDMPool, minimum=10), lambda k: 1.0 * (k * k % 7 > 3)[:, None]),
    "champion": (
        partial(ChampionGatePool, 2, minimum_rows=5, cool_down=3), lambda k: np.column_stack([k * k % 7 / 8, k % 3 / 8])
    ),
}  # fmt: skip


def rows(kind: str, begin: int, end: int) -> np.ndarray:
    return np.asarray(KINDS[kind][1](np.arange(begin, end)), np.float64)


def run(pool: Any, slot: int, values: np.ndarray) -> dict[str, np.ndarray]:
    n = len(values)
    return pool.process(np.full(n, slot, np.int32), np.arange(n, dtype=np.int64), values)


def grown(kind: str) -> tuple[Any, int]:
    pool = KINDS[kind][0]()
    slot = pool.open()
    run(pool, slot, rows(kind, 0, 60))
    return pool, slot


@pytest.mark.parametrize("kind", KINDS)
def test_format_1_is_read_and_goes_on(kind: str) -> None:
    data = (DATA / kind / "format_1.snapshot").read_bytes()
    pool, slot = grown(kind)
    loaded = pool.load(data)
    assert np.allclose(pool._state[loaded], pool._state[slot], rtol=1e-12), "written by the formula of this file"
    ours, theirs = (run(pool, each, rows(kind, 60, 120)) for each in (slot, loaded))
    for name in ours:
        assert np.allclose(ours[name], theirs[name], rtol=1e-9, equal_nan=True), name


@pytest.mark.parametrize("kind", KINDS)
def test_every_damaged_byte_and_every_cut_is_seen(kind: str) -> None:
    pool, slot = grown(kind)
    data = pool.dump(slot)
    for place in range(0, len(data), max(1, len(data) // 150)):
        for wrong in (data[:place], data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :]):
            with pytest.raises(SnapshotError):
                pool.load(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_not_taken_for_each_other(kind: str) -> None:
    pool, slot = grown(kind)
    for other in KINDS:
        if other != kind:
            with pytest.raises(SnapshotError, match=f"is of '{kind}', not of '{other}'"):
                KINDS[other][0]().load(pool.dump(slot))


class Counting(PackedPool):
    """Three numbers a slot."""

    def __init__(self, step: int = 1, share: float = 0.5) -> None:
        super().__init__("counting", {"step": step, "share": share}, np.array([1.0, 2.0, 3.0]), columns=2)


def test_slots_grow_and_are_used_again() -> None:
    pool = Counting()
    slots = [pool.open() for _ in range(1000)]
    assert slots == list(range(1000)) and pool.nbytes == 24_000
    pool._state[500] = [7.0, 8.0, 9.0]
    for slot in (3, 998):
        pool.close(slot)
    assert pool.nbytes == 998 * 24
    assert {pool.open(), pool.open(), pool.open()} == {3, 998, 1000}
    assert pool._state[3].tolist() == [1.0, 2.0, 3.0], "fresh, although it was used"
    assert pool._state[500].tolist() == [7.0, 8.0, 9.0]


def test_memory_is_given_back_when_all_are_closed() -> None:
    pool = Counting()
    for slot in [pool.open() for _ in range(100)]:
        pool.close(slot)
    assert pool.nbytes == pool._state.nbytes == 0
    assert pool.open() == 0


def test_parameters_of_a_snapshot_must_be_those_of_the_pool() -> None:
    pool = Counting()
    data = pool.dump(pool.open())
    with pytest.raises(SnapshotError, match="of a model with step 1, these have 2"):
        Counting(step=2).load(data)
    with pytest.raises(SnapshotError, match=r"of a model with share 0\.5, these have 0\.25"):
        Counting(share=0.25).load(data)
    pool._state[0, 1] = np.nan
    with pytest.raises(SnapshotError, match="numbers that cannot be"):
        pool.load(pool.dump(0))


def test_rows_that_do_not_fit_are_refused() -> None:
    pool = Counting()
    slot = pool.open()
    for slots, says in (([slot, 1], "slot 1 is not open"), ([-1, slot], "slot -1 is not open")):
        with pytest.raises(ModelError, match=says):
            pool._checked(np.array(slots), np.zeros((2, 2)))
    with pytest.raises(InputError, match="slots must be integers"):
        pool._checked(np.array([0.0]), np.zeros((1, 2)))
    with pytest.raises(InputError, match=r"shape \(n, 2\)"):
        pool._checked(np.array([0]), np.zeros((1, 3)))
    with pytest.raises(InputError, match="row 1, column 0: inf is no finite number"):
        check_finite(np.array([[0.0], [np.inf]]))
