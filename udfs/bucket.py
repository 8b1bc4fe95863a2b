"""The models of one bucket of keys: exact after any failure because their state is a log of inputs plus snapshots.

A bucket is plain Python over a `BucketStore`; Flink gives it keyed state, tests give it a dictionary. Three rules make
it exact. What is in memory is a function of (snapshots, log), and each pack is added to the log in the call that
learns it. A snapshot of a key and the end of the log are written in one call, hence in one checkpoint. Whatever
decides something (an idle key, when to snapshot) looks at the data only.

`KeyedBucket` is what all buckets do; `Bucket` scores each row and learns it at once, `udfs.labelled_bucket` learns when
the labels come.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from models.errors import SnapshotError
from models.pool import ModelPool
from udfs.pack import FloatArray, IntArray
from udfs.replay_log import (
    LogEntry,
    check_header,
    decode_snapshot,
    encode_header,
    encode_snapshot,
    key_of_text,
    key_text,
)

#: After how many snapshot rounds a bucket looks through all keys of its state for idle ones.
SWEEP_EVERY = 16

#: Where a bucket keeps, among the snapshots of its keys, what belongs to none; the text of a key begins with "[", and
#: no other name does.
BESIDE = ""


class BucketStore(Protocol):
    """Where a bucket keeps its bytes; what is written in one call is kept or lost together."""

    def read_header(self) -> bytes | None: ...
    def write_header(self, data: bytes) -> None: ...
    def read_log(self) -> Iterable[bytes]: ...
    def add_log(self, data: bytes) -> None: ...
    def clear_log(self) -> None: ...
    def read_snapshot(self, key: str) -> bytes | None: ...
    def write_snapshot(self, key: str, data: bytes) -> None: ...
    def remove_snapshot(self, key: str) -> None: ...
    def snapshot_keys(self) -> list[str]: ...


@dataclass(frozen=True)
class SnapshotPolicy:
    """When the log is folded into snapshots: as soon as it holds this many records or bytes.

    A log is replayed after a failure, so `records` bounds the time to come back (about 100,000 records of a forest a
    second); a snapshot costs some milliseconds a key, so a small number costs speed.
    """

    records: int = 10_000
    bytes: int = 4_000_000


@dataclass
class Counters:
    """What a host has done since it was opened."""

    snapshots: int = 0
    snapshot_bytes: int = 0
    replayed_records: int = 0
    log_records: int = 0
    keys_live: int = 0
    keys_idled: int = 0


@dataclass
class LiveKey:
    """A key whose model is in memory; its slot is -1 while it has none."""

    slot: int
    last_ms: int
    in_log: bool = False  # has learned since its last snapshot; its model must stay in memory


Live = TypeVar("Live", bound=LiveKey)


@dataclass(frozen=True)
class Hosted:
    """What a bucket hosts: function, the parameters its state depends on, the pool, and the rules."""

    function: str
    parameters: Mapping[str, Any]
    pool: ModelPool
    idle_ms: int | None = None
    policy: SnapshotPolicy = field(default_factory=SnapshotPolicy)


class KeyedBucket(ABC, Generic[Live]):
    """Live keys of one bucket over its state; what a key is and what an entry of the log says is the subclass's.

    Parameters
    ----------
    hosted
        The function, its pool (shared by all buckets of a host) and the rules.
    store
        State of this bucket, readable now; everything is rebuilt from it here.
    counters
        Added to.

    Raises
    ------
    SnapshotError
        The state is damaged, or of another function or other parameters (`StateMismatchError`).
    """

    def __init__(self, hosted: Hosted, store: BucketStore, counters: Counters) -> None:
        self._hosted, self._pool, self._counters = hosted, hosted.pool, counters
        self._live: dict[Any, Live] = {}
        self._log_records = self._log_bytes = self._rounds = 0
        header = store.read_header()
        if header is None:
            store.write_header(encode_header(hosted.function, hosted.parameters))
            return
        check_header(header, hosted.function, hosted.parameters)
        self._recall(store)
        for data in store.read_log():
            records = self._replay(data, store)
            self._note_logged(records, len(data))
            counters.replayed_records += records

    # ---------------------------------------------------------------- what buckets differ in

    @abstractmethod
    def _fresh(self, start_ms: int) -> Live:
        """A key that begins in a pack which starts at `start_ms`."""

    @abstractmethod
    def _dump(self, live: Live) -> bytes:
        """All that is remembered of a key but when it was last seen."""

    @abstractmethod
    def _load(self, data: bytes, last_ms: int) -> Live:
        """The key of `_dump`."""

    @abstractmethod
    def _replay(self, data: bytes, store: BucketStore) -> int:
        """Learn an entry of the log again; returns how many records it holds."""

    def _recall(self, store: BucketStore) -> None:
        """Read what is kept beside the snapshots of keys, before the log is replayed."""

    def _write_beside(self, store: BucketStore) -> None:
        """Write what `_recall` reads, when the log is folded."""

    # ---------------------------------------------------------------- what they share

    def release_quiet_keys(self) -> int:
        """Drop models from memory that the state can give back unchanged; returns how many."""
        quiet = [key for key, live in self._live.items() if not live.in_log]
        for key in quiet:
            self._forget(key)
        return len(quiet)

    def close(self) -> None:
        """Drop all models from memory; the state stays."""
        for key in list(self._live):
            self._forget(key)

    def _touch(self, key: Any, start_ms: int, store: BucketStore) -> Live:
        """The live model of a key that has rows in a pack which starts at `start_ms`."""
        live = self._live.get(key)
        if live is None:
            live = self._restore(key_text(key), start_ms, store)
        elif self._is_idle(live.last_ms, start_ms):
            self._forget(key)
            self._counters.keys_idled += 1
            live = None
        if live is None:
            live = self._fresh(start_ms)
        if key not in self._live:
            self._keep(key, live)
        live.in_log = True
        return live

    def _keep(self, key: Any, live: Live) -> None:
        self._live[key] = live
        self._counters.keys_live += 1

    def _restore(self, text: str, start_ms: int | None, store: BucketStore) -> Live | None:
        """The key of a snapshot; None where there is none, or one that is idle (without a `start_ms` none is)."""
        data = store.read_snapshot(text)
        if data is None:
            return None
        try:
            last_ms, model = decode_snapshot(data)
            idle = start_ms is not None and self._is_idle(last_ms, start_ms)
            return None if idle else self._load(model, last_ms)
        except SnapshotError as error:
            raise SnapshotError(f"{self._hosted.function}, key {text}: {error}") from error

    def _is_idle(self, last_ms: int, start_ms: int) -> bool:
        idle_ms = self._hosted.idle_ms
        return idle_ms is not None and last_ms < start_ms - idle_ms

    def _forget(self, key: Any) -> None:
        slot = self._live.pop(key).slot
        if slot >= 0:
            self._pool.close(slot)
        self._counters.keys_live -= 1

    def _note_logged(self, records: int, size: int) -> None:
        self._log_records += records
        self._log_bytes += size
        self._counters.log_records += records

    def _fold_if_long(self, start_ms: int, store: BucketStore) -> None:
        policy = self._hosted.policy
        if self._log_records >= policy.records or self._log_bytes >= policy.bytes:
            self._fold_log(start_ms, store)

    def _fold_log(self, start_ms: int, store: BucketStore) -> None:
        """Snapshot every key the log has touched, clear the log, and now and then remove what is idle."""
        for key, live in list(self._live.items()):
            if self._is_idle(live.last_ms, start_ms):
                store.remove_snapshot(key_text(key))
                self._forget(key)
                self._counters.keys_idled += 1
            elif live.in_log:
                data = encode_snapshot(live.last_ms, self._dump(live))
                store.write_snapshot(key_text(key), data)
                live.in_log = False
                self._counters.snapshots += 1
                self._counters.snapshot_bytes += len(data)
        self._write_beside(store)
        store.clear_log()
        self._counters.log_records -= self._log_records
        self._log_records = self._log_bytes = 0
        self._rounds += 1
        if self._hosted.idle_ms is not None and self._rounds % SWEEP_EVERY == 0:
            self._sweep(start_ms, store)

    def _sweep(self, start_ms: int, store: BucketStore) -> None:
        """Remove the bytes of idle keys that are not in memory; their absence changes no result."""
        live = {key_text(key) for key in self._live}
        for text in store.snapshot_keys():
            if text in live or not text.startswith("["):
                continue
            data = store.read_snapshot(text)
            if data is not None and self._is_idle(decode_snapshot(data)[0], start_ms):
                store.remove_snapshot(text)


class Bucket(KeyedBucket[LiveKey]):
    """Models of one bucket that score each row and learn it at once."""

    def process(
        self, keys: list[Any], times_ms: IntArray, values: FloatArray, start_ms: int, store: BucketStore
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Score, then learn, the rows of a pack in order; remember them in the state.

        Parameters
        ----------
        keys, times_ms, values
            (n,) partition keys, (n,) ascending event times, (n, d) values; n may be 0.
        start_ms
            Start of the pack's interval.
        store
            The same bucket's state as at construction.

        Returns
        -------
        dict
            What the pool returns, row by row.
        """
        texts: dict[str, int] = {}
        index_of: dict[Any, int] = {}
        for key in keys:
            if key not in index_of:
                index_of[key] = texts.setdefault(key_text(key), len(texts))
        key_of_row = np.array([index_of[key] for key in keys], dtype=np.int64)
        entry = LogEntry(tuple(texts), key_of_row, times_ms, values, start_ms)
        outputs = self._learn(keys, entry, store)
        if len(keys):
            data = entry.encode()
            store.add_log(data)
            self._note_logged(len(keys), len(data))
            self._fold_if_long(start_ms, store)
        return outputs

    def _fresh(self, start_ms: int) -> LiveKey:
        return LiveKey(self._pool.open(), start_ms)

    def _dump(self, live: LiveKey) -> bytes:
        return self._pool.dump(live.slot)

    def _load(self, data: bytes, last_ms: int) -> LiveKey:
        return LiveKey(self._pool.load(data), last_ms)

    def _replay(self, data: bytes, store: BucketStore) -> int:
        entry = LogEntry.decode(data)
        keys = [key_of_text(text) for text in entry.keys]
        self._learn([keys[i] for i in entry.key_of_row.tolist()], entry, store)
        return len(entry.times_ms)

    def _learn(self, keys: list[Any], entry: LogEntry, store: BucketStore) -> dict[str, np.ndarray[Any, Any]]:
        slots = np.empty(len(keys), dtype=np.int32)
        touched: dict[Any, LiveKey] = {}
        for row, key in enumerate(keys):
            live = touched.get(key)
            if live is None:
                live = touched[key] = self._touch(key, entry.start_ms, store)
            slots[row] = live.slot
        outputs = self._pool.process(slots, entry.times_ms, entry.values)
        for key, time_ms in zip(keys, entry.times_ms.tolist(), strict=True):
            touched[key].last_ms = time_ms  # ascending, so the last one stays
        return outputs
