"""Windows that open with a row."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import ParameterError, SnapshotError
from models.stagger import StaggerPool


def opened(pool: StaggerPool, slot: int, times: list[int]) -> list[int]:
    slots = np.full(len(times), slot, np.int32)
    return pool.process(slots, np.array(times, np.int64), np.zeros((len(times), 1)))["opened_ms"].tolist()


def test_a_window_is_open_for_its_age_and_the_next_row_opens_another() -> None:
    pool = StaggerPool(1000)
    assert opened(pool, pool.open(), [100, 1099, 1100, 5000, 5999]) == [100, 100, 1100, 5000, 5000]


def test_a_row_from_before_the_window_belongs_to_it() -> None:
    pool = StaggerPool(1000)
    assert opened(pool, pool.open(), [100, 50, 1099]) == [100, 100, 100]


def test_times_before_1970() -> None:
    pool = StaggerPool(10)
    assert opened(pool, pool.open(), [-15, -6, -5]) == [-15, -15, -5]


@pytest.mark.parametrize("age", [0, -1, 1.5, True, 10**12])
def test_ages_out_of_range(age: object) -> None:
    with pytest.raises(ParameterError, match="age_ms must be "):
        StaggerPool(age)  # type: ignore[arg-type]


def test_a_snapshot_of_another_age_is_refused() -> None:
    pool = StaggerPool(10)
    with pytest.raises(SnapshotError, match="age_ms 10, these have 20"):
        StaggerPool(20).load(pool.dump(pool.open()))
