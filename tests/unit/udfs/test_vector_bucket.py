"""A bucket of user vectors: whatever it forgets comes back from its state, and compiled code is not loaded early."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from models.user_vectors import ItemVectors, UserVectorPool
from tests.unit.udfs.bucket_parts import DictStore
from udfs.bucket import BESIDE, Counters, Hosted, SnapshotPolicy
from udfs.replay_log import LogEntry
from udfs.vector_bucket import VectorBucket, VectorRow, VectorTally, decode_entry, encode_entry


def opened(store: DictStore, counters: Counters | None = None) -> VectorBucket:
    pool = UserVectorPool(ItemVectors(0, np.empty(0, np.int64), np.empty((0, 1), np.float32)), 4)
    hosted = Hosted("USER_VECTOR", {"last": 4}, pool, policy=SnapshotPolicy(records=60))
    return VectorBucket(hosted, store, counters or Counters(), VectorTally())


def packs(n: int = 40) -> list[tuple[list[str], list[float], list[VectorRow]]]:
    """Users, items and rows of vectors; three versions, some of them too late or of another length."""
    dice = random.Random(2)
    found = []
    for number in range(n):
        version = 1 + number // 15
        reads = [(f"u{dice.randrange(6)}", float(dice.randrange(12))) for _ in range(dice.randrange(8))]
        rows = [
            VectorRow(dice.randrange(len(reads) + 1), dice.randrange(12), version - (dice.random() < 0.1),
                      np.array([dice.gauss(0, 1) for _ in range(2 + version + (dice.random() < 0.1))], "<f4").tobytes())
            for _ in range(dice.randrange(5))
        ]  # fmt: skip
        if number % 15 == 5:
            rows.append(VectorRow(len(reads), None, version, b""))
        rows.sort(key=lambda row: row.before)
        found.append(([user for user, _ in reads], [item for _, item in reads], rows))
    return found


def process(bucket: VectorBucket, pack: Any, number: int, store: DictStore) -> Any:
    users, items, rows = pack
    times = np.full(len(users), 1_000 * number, np.int64)
    said = bucket.process(users, times, np.array(items).reshape(-1, 1), rows, 1_000 * number, store)
    vectors = [list(vector) for vector in said["user_vector"].tolist()]
    return vectors, said["items_read"].tolist(), said["vectors_version"].tolist()


def test_a_bucket_that_is_rebuilt_continues_bit_for_bit() -> None:
    store, again = DictStore(), DictStore()
    steady, counters = opened(store), Counters()
    versions = set()
    for number, pack in enumerate(packs()):
        wanted = process(steady, pack, number, store)
        # a failure before every pack
        assert process(opened(again, counters), pack, number, again) == wanted, number
        versions.update(wanted[2])
    assert versions == {-1, 1, 2, 3} and counters.snapshots > 5 and counters.replayed_records > 100
    # vectors of versions that are gone are gone from the state
    stored = {text.partition(":")[0] for text in store.snapshot_keys() if text.startswith("v")}
    assert stored <= {"v2", "v3"} and "v3" in stored and BESIDE in store.snapshot_keys()


def test_an_entry_of_the_log_round_trips() -> None:
    entry = LogEntry(('["a"]',), np.zeros(2, np.int64), np.array([1, 2]), np.array([[3.0], [4.0]]), 0)
    rows = [VectorRow(1, 7, 2, np.array([0.1, 2.5], "<f4").tobytes()), VectorRow(2, None, 2, b"")]
    back, vectors = decode_entry(encode_entry(entry, rows))
    assert vectors == rows and back.keys == entry.keys and back.values.tolist() == entry.values.tolist()


@pytest.mark.parametrize("module", ["udfs.vector_host", "udfs.pack_host", "udfs.label_host", "udfs.functions.registry"])
def test_a_worker_does_not_load_the_compiler_before_open(module: str) -> None:
    """It replaces `print` while functions are unpickled, which numba takes for the real one."""
    code = f"import sys, {module}; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
