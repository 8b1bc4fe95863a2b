"""A bucket of user vectors: what its users read, and the vectors of all items, of one version at a time.

The log holds reads and vectors in their order. Beside the snapshots of users stand the vectors, one entry an item, so
that a fold writes only those that came since the last one.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from udfs.bucket import BESIDE, BucketStore, Counters, Hosted, KeyedBucket, LiveKey
from udfs.pack import FloatArray, IntArray
from udfs.replay_log import LogEntry, frame, key_of_text, key_text, unframe

if TYPE_CHECKING:
    from models.user_vectors import UserVectorPool

_SIZE = struct.Struct("<I")


class VectorRow(NamedTuple):
    """A row of the table of vectors.

    Attributes
    ----------
    before
        How many reads of the pack come before it.
    item
        None: the version is complete.
    version
        Of the model that made it.
    data
        The components as little-endian float32.
    """

    before: int
    item: int | None
    version: int
    data: bytes


@dataclass
class VectorTally:
    """What became of rows of vectors since the host was opened; the names are those of the metrics."""

    vectors_taken: int = 0
    vectors_outdated: int = 0
    vectors_unusable: int = 0
    vectors_version: int = -1


def encode_entry(reads: LogEntry, vectors: Sequence[VectorRow]) -> bytes:
    """A log entry of reads and vectors."""
    first = reads.encode()
    rows = [(row.before, row.item, row.version, base64.b64encode(row.data).decode()) for row in vectors]
    return frame(b"CBUV", _SIZE.pack(len(first)) + first + zlib.compress(json.dumps(rows).encode(), 1))


def decode_entry(data: bytes) -> tuple[LogEntry, list[VectorRow]]:
    """Reads and vectors of `encode_entry`; SnapshotError where the bytes are others."""
    body = unframe(b"CBUV", data, "log entry")
    end = _SIZE.size + _SIZE.unpack_from(body)[0]
    rows = json.loads(zlib.decompress(body[end:]))
    vectors = [VectorRow(before, item, version, base64.b64decode(text)) for before, item, version, text in rows]
    return LogEntry.decode(body[_SIZE.size : end]), vectors


class VectorBucket(KeyedBucket[LiveKey]):
    """The users of one bucket.

    Parameters
    ----------
    hosted
        The function; its pool is this bucket's own, for buckets are not at the same moment of event time.
    store, counters
        As for every bucket.
    tally
        Added to.
    """

    def __init__(self, hosted: Hosted, store: BucketStore, counters: Counters, tally: VectorTally) -> None:
        self._tally = VectorTally()
        #: by version, the vectors of its items; none of a version older than the one in use
        self._tables: dict[int, dict[int, bytes]] = {}
        self._version = -1
        self._stale = False
        self._unwritten: set[tuple[int, int]] = set()
        self._written: set[tuple[int, int]] = set()
        self._vectors: UserVectorPool = hosted.pool  # type: ignore[assignment]
        super().__init__(replace(hosted, pool=self._vectors), store, counters)
        self._tally = tally
        tally.vectors_version = max(tally.vectors_version, self._version)

    @property
    def nbytes(self) -> int:
        """Bytes of users and of the vectors in use."""
        return self._vectors.nbytes + self._vectors.vectors.nbytes

    def process(
        self,
        keys: list[Any],
        times_ms: IntArray,
        values: FloatArray,
        vectors: Sequence[VectorRow],
        start_ms: int,
        store: BucketStore,
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Take the reads and vectors of a pack in order; remember them in the state.

        Parameters
        ----------
        keys, times_ms, values
            Of the reads: (n,) users, (n,) ascending times, (n, 1) items.
        vectors
            In order.
        start_ms
            Start of the pack's interval.
        store
            The same bucket's state as at construction.

        Returns
        -------
        dict
            What the pool returns, row by row, and ``vectors_version``, -1 before there is one.
        """
        texts: dict[str, int] = {}
        of_row = np.array([texts.setdefault(key_text(key), len(texts)) for key in keys], np.int64)
        entry = LogEntry(tuple(texts), of_row, times_ms, values, start_ms)
        outputs = self._learn(keys, entry, vectors, store)
        if keys or vectors:
            data = encode_entry(entry, vectors)
            store.add_log(data)
            self._note_logged(len(keys) + len(vectors), len(data))
            self._fold_if_long(start_ms, store)
        return outputs

    # ---------------------------------------------------------------- a pack

    def _learn(
        self, keys: list[Any], entry: LogEntry, vectors: Sequence[VectorRow], store: BucketStore
    ) -> dict[str, np.ndarray[Any, Any]]:
        slots = np.empty(len(keys), np.int32)
        touched: dict[Any, LiveKey] = {}
        for row, (key, time_ms) in enumerate(zip(keys, entry.times_ms.tolist(), strict=True)):
            live = touched.get(key)
            if live is None:
                live = touched[key] = self._touch(key, entry.start_ms, store)
            slots[row], live.last_ms = live.slot, time_ms
        parts: list[dict[str, np.ndarray[Any, Any]]] = []
        done = 0
        for vector in vectors:
            if vector.before > done:
                parts.append(self._read(slots, entry, done, vector.before))
                done = vector.before
            self._take(vector)
        parts.append(self._read(slots, entry, done, len(keys)))
        if len(parts) > 1:  # vectors of two versions may differ in length
            means = [mean for part in parts for mean in part["user_vector"]]
            others = ("items_read", "vectors_version")
            together = {name: np.concatenate([part[name] for part in parts]) for name in others}
            same = len({mean.size for mean in means}) <= 1 and means
            return {"user_vector": np.array(means) if same else _ragged(means), **together}
        return parts[0]

    def _read(self, slots: Any, entry: LogEntry, first: int, end: int) -> dict[str, np.ndarray[Any, Any]]:
        if self._stale:
            from models.user_vectors import ItemVectors  # not earlier: a worker loads compiled code in `open` only

            table = self._tables[self._version]
            ids = np.fromiter(table, np.int64, len(table))
            matrix = np.frombuffer(b"".join(table.values()), "<f4").reshape(len(table), -1 if table else 1)
            self._vectors.vectors = ItemVectors(self._version, ids, matrix)
            self._stale = False
        part = slice(first, end)
        said = self._vectors.process(slots[part], entry.times_ms[part], entry.values[part])
        return {**said, "vectors_version": np.full(end - first, self._version, np.int64)}

    def _take(self, row: VectorRow) -> None:
        """A vector, or the news that a version is complete."""
        if row.version < self._version or (row.item is None and row.version == self._version):
            self._tally.vectors_outdated += 1
            return
        if row.item is None:
            self._version = self._tally.vectors_version = row.version
            self._tables = {v: table for v, table in self._tables.items() if v >= row.version}
            self._tables.setdefault(row.version, {})
            self._unwritten = {each for each in self._unwritten if each[0] >= row.version}
            self._stale = True
            return
        size = len(next(iter(self._tables.get(row.version, {}).values()), row.data))
        if not row.data or len(row.data) != size or not np.isfinite(np.frombuffer(row.data, "<f4")).all():
            self._tally.vectors_unusable += 1
            return
        self._tally.vectors_taken += 1
        table = self._tables.setdefault(row.version, {})
        table[row.item] = row.data
        self._unwritten.add((row.version, row.item))
        self._stale = self._stale or row.version == self._version

    # ---------------------------------------------------------------- state

    def _fresh(self, start_ms: int) -> LiveKey:
        return LiveKey(self._pool.open(), start_ms)

    def _dump(self, live: LiveKey) -> bytes:
        return self._pool.dump(live.slot)

    def _load(self, data: bytes, last_ms: int) -> LiveKey:
        return LiveKey(self._pool.load(data), last_ms)

    def _replay(self, data: bytes, store: BucketStore) -> int:
        entry, vectors = decode_entry(data)
        keys = [key_of_text(text) for text in entry.keys]
        self._learn([keys[i] for i in entry.key_of_row.tolist()], entry, vectors, store)
        return len(entry.times_ms) + len(vectors)

    def _recall(self, store: BucketStore) -> None:
        data = store.read_snapshot(BESIDE)
        if data is None:
            return
        self._version = json.loads(unframe(b"CBUV", data, "version"))["version"]
        self._tables.setdefault(self._version, {})
        for text in sorted(store.snapshot_keys()):
            if text.startswith("v"):
                version, _, item = text[1:].partition(":")
                self._written.add((int(version), int(item)))
                vector = unframe(b"CBUV", store.read_snapshot(text) or b"", "vector")
                self._tables.setdefault(int(version), {})[int(item)] = vector
        self._stale = self._version >= 0

    def _write_beside(self, store: BucketStore) -> None:
        for version, item in sorted(self._unwritten):
            store.write_snapshot(f"v{version}:{item}", frame(b"CBUV", self._tables[version][item]))
        self._written |= self._unwritten
        self._unwritten = set()
        for version, item in [each for each in self._written if each[0] < self._version]:
            store.remove_snapshot(f"v{version}:{item}")
            self._written.discard((version, item))
        store.write_snapshot(BESIDE, frame(b"CBUV", json.dumps({"version": self._version}).encode()))


def _ragged(means: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Vectors of different lengths as an array of objects."""
    made = np.empty(len(means), object)
    made[:] = [mean.tolist() for mean in means]
    return made
