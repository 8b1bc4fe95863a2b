"""Snapshots of learners: those of every past format are read and go on, and no damage passes.

The files were written once by the formula in `grown`; a file of a new format is added, none is written anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import SnapshotError
from models.learners import learner

DATA = Path(__file__).parents[2] / "data" / "learners"

#: Learners with all that a snapshot of their kind can hold.
KINDS: dict[str, dict[str, Any]] = {
    "logistic": {"optimizer": "ftrl", "encoding": "one_hot", "buckets": 8, "averaging": True, "calibration": "binned"},
    "naive_bayes": {"buckets": 8},
    "hoeffding_tree": {"grace": 20, "delta": 0.1, "tie": 0.1, "max_leaves": 8, "category_values": 8},
    "adaptive_random_forest": {
        "trees": 2, "grace": 20, "tie": 0.3, "max_leaves": 8, "category_values": 8, "warning_delta": 0.4,
        "drift_delta": 0.2,
    },
}  # fmt: skip


def rows(begin: int, end: int) -> np.ndarray:
    """Numbers, a code and a label by a formula: no random generator, whose numbers might change."""
    k = np.arange(begin, end)
    label = ((k * k % 11 > 4) ^ (k > 300)) * 1.0
    return np.column_stack([k * k % 11 + k % 3, k % 7 / 7, k * 7919 % 5 * 65_537.0, label])


def run(pool: Any, slot: int, values: np.ndarray) -> np.ndarray:
    return np.asarray(pool.process(np.full(len(values), slot, np.int32), np.arange(len(values)), values)["prediction"])


def grown(name: str) -> Any:
    pool = learner(name, columns=2, categories=1, **KINDS[name])
    run(pool, pool.open(), rows(0, 600))
    return pool


@pytest.mark.parametrize("name", KINDS)
def test_format_1_is_read_and_goes_on(name: str) -> None:
    pool = grown(name)
    loaded = pool.load((DATA / name / "format_1.snapshot").read_bytes())
    np.testing.assert_allclose(pool.state(loaded), pool.state(0), rtol=1e-9, atol=1e-12)
    ours, theirs = (run(pool, slot, rows(600, 900)) for slot in (0, loaded))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)
    assert np.ptp(ours) > 0.1


@pytest.mark.parametrize("name", KINDS)
def test_every_damaged_byte_and_every_cut_is_seen(name: str) -> None:
    pool = grown(name)
    data, held = pool.dump(0), pool.nbytes
    for place in range(0, len(data), max(1, len(data) // 150)):
        for wrong in (data[:place], data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :]):
            with pytest.raises(SnapshotError):
                pool.load(wrong)
    assert pool.nbytes == held


def test_states_that_would_lead_a_kernel_astray_are_refused() -> None:
    """A snapshot with the right checksums and the wrong numbers: written by a pool whose numbers were changed."""
    for name, place, value in (
        ("logistic", 0, np.nan), ("logistic", 3, 0.0), ("logistic", -1, 0.5), ("naive_bayes", 0, -1.0),
        ("adaptive_random_forest", 1, 0.5),
    ):  # fmt: skip
        pool = grown(name)
        pool._row(0)[place] = value
        with pytest.raises(SnapshotError, match="inconsistent"):
            pool.load(pool.dump(0))
