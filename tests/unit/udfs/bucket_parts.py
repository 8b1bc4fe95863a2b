"""What stands in for Flink and for a model in the tests of a bucket."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.errors import SnapshotError

_STATE = struct.Struct("<4sQI")


@dataclass
class DictStore:
    """A `BucketStore` in dictionaries; `copy` is a checkpoint."""

    header: bytes | None = None
    log: list[bytes] = field(default_factory=list)
    snapshots: dict[str, bytes] = field(default_factory=dict)

    def copy(self) -> DictStore:
        return DictStore(self.header, list(self.log), dict(self.snapshots))

    @property
    def size(self) -> int:
        return sum(map(len, self.log)) + sum(map(len, self.snapshots.values()))

    def read_header(self) -> bytes | None:
        return self.header

    def write_header(self, data: bytes) -> None:
        self.header = data

    def read_log(self) -> Iterable[bytes]:
        return list(self.log)

    def add_log(self, data: bytes) -> None:
        self.log.append(data)

    def clear_log(self) -> None:
        self.log.clear()

    def read_snapshot(self, key: str) -> bytes | None:
        return self.snapshots.get(key)

    def write_snapshot(self, key: str, data: bytes) -> None:
        self.snapshots[key] = data

    def remove_snapshot(self, key: str) -> None:
        self.snapshots.pop(key, None)

    def snapshot_keys(self) -> list[str]:
        return list(self.snapshots)


class ChainPool:
    """A pool whose every score depends on all rows its model has learned, in order: a chain of checksums.

    A row lost, doubled, swapped or given to another key's model changes all later scores of that key.
    """

    slot_bytes = 1_000

    def __init__(self) -> None:
        self.models: dict[int, tuple[int, int]] = {}
        self.opened = self.loaded = 0

    def open(self) -> int:
        self.opened += 1
        return self._place((0, 0))

    def _place(self, model: tuple[int, int]) -> int:
        slot = next(i for i in range(len(self.models) + 1) if i not in self.models)
        self.models[slot] = model
        return slot

    def process(
        self, slots: np.ndarray[Any, Any], times_ms: np.ndarray[Any, Any], columns: np.ndarray[Any, Any]
    ) -> dict[str, np.ndarray[Any, Any]]:
        assert slots.dtype == np.int32 and times_ms.dtype == np.int64 and columns.dtype == np.float64
        assert slots.shape == times_ms.shape == columns.shape[:1] and columns.ndim == 2
        scores, counts = [], []
        for slot, time_ms, row in zip(slots.tolist(), times_ms.tolist(), columns, strict=True):
            count, chain = self.models[slot]
            scores.append(chain / 2**32)
            counts.append(count)
            self.models[slot] = (count + 1, zlib.crc32(struct.pack("<q", time_ms) + row.tobytes(), chain))
        return {"score": np.array(scores, np.float64), "count": np.array(counts, np.int64)}

    def dump(self, slot: int) -> bytes:
        return _STATE.pack(b"CHAI", *self.models[slot])

    def load(self, data: bytes) -> int:
        if len(data) != _STATE.size or data[:4] != b"CHAI":
            raise SnapshotError("this is not a chain")
        self.loaded += 1
        _, count, chain = _STATE.unpack(data)
        return self._place((count, chain))

    def close(self, slot: int) -> None:
        del self.models[slot]

    @property
    def nbytes(self) -> int:
        return self.slot_bytes * len(self.models)


@dataclass(frozen=True)
class Rows:
    """Rows of one bucket in model order."""

    keys: list[Any]
    times_ms: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]

    def __len__(self) -> int:
        return len(self.keys)

    def between(self, first: int, end: int) -> Rows:
        return Rows(self.keys[first:end], self.times_ms[first:end], self.values[first:end])


def random_rows(n: int, *, seed: int, keys: list[Any], columns: int = 2, step_ms: int = 40) -> Rows:
    """n rows with ties in time."""
    random = np.random.default_rng(seed)
    times = np.cumsum(random.integers(0, 2 * step_ms, n)) + 1_790_000_000_000
    chosen = [keys[i] for i in random.integers(0, len(keys), n).tolist()]
    return Rows(chosen, times.astype(np.int64), random.normal(10.0, 3.0, (n, columns)))


def packs(rows: Rows, batch_ms: int) -> list[tuple[int, Rows]]:
    """Start of the interval and rows of each pack, as a window of `batch_ms` cuts them."""
    starts = (rows.times_ms // batch_ms * batch_ms).tolist()
    cuts = [0, *(i for i in range(1, len(rows)) if starts[i] != starts[i - 1]), len(rows)]
    return [(starts[a], rows.between(a, b)) for a, b in itertools.pairwise(cuts) if b > a]
