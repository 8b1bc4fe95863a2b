"""What every host of a model call does: it opens pool and state, finds the bucket of a pack, and tells its metrics.

The two kinds of hosts are `udfs.pack_host` (a row out for each row in) and `udfs.label_host` (labels come late).
"""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from pyflink.datastream import KeyedProcessFunction, RuntimeContext

from models.pool import ModelPool
from udfs.bucket import Counters, Hosted, KeyedBucket, SnapshotPolicy
from udfs.flink_store import FlinkStore
from udfs.functions.declaration import TableFunction
from udfs.pack import PackLayout
from udfs.worker import genuine_print

LOG = logging.getLogger(__name__)

#: Packs that the percentiles of a metric look back on.
RECENT_PACKS = 256

#: Arguments that say how rows are read and packed, not what is learned.
PACE = frozenset({"batch", "idle", "on_null", "uid", "on_time", "columns", "input"})


@dataclass(frozen=True)
class HostPlan:
    """Everything a worker has to know about one call.

    Parameters
    ----------
    name
        The call's name: operator, metrics and error messages carry it.
    function
        Its declaration.
    arguments
        Checked arguments of the function, with defaults.
    column_names
        Names of the columns the model reads, in order.
    key_names
        Names of the partition columns, in order.
    layout
        Where they are in a pack.
    batch_ms
        The pack interval.
    carries_order
        Whether the hidden order columns leave with the rows, for another call behind this one.
    policy
        When the log is folded into snapshots.
    live_bytes
        Above this size of all live models, those that the state can give back are dropped from memory.
    """

    name: str
    function: TableFunction
    arguments: Mapping[str, Any]
    column_names: tuple[str, ...]
    layout: PackLayout
    batch_ms: int
    policy: SnapshotPolicy
    carries_order: bool = True
    key_names: tuple[str, ...] = ()
    live_bytes: int = 1_500_000_000

    @property
    def pace(self) -> frozenset[str]:
        """The arguments on which saved models do not depend."""
        return PACE.union(self.function.reads, (a.name for a in self.function.arguments if a.reading))

    @property
    def state_parameters(self) -> dict[str, Any]:
        """The arguments on which saved models depend; another value of one makes them unreadable."""
        own = {name: value for name, value in self.arguments.items() if name not in self.pace}
        return {
            **own,
            "columns": list(self.column_names),
            "partition_by": list(self.key_names),
            "imputes": self.arguments.get("on_null") == "impute",  # the model itself is another one then
        }


BucketT = TypeVar("BucketT", bound=KeyedBucket[Any])


class ModelHost(KeyedProcessFunction, Generic[BucketT]):
    """Hosts one table function for the buckets of one subtask.

    State is exact: after a failure a bucket's first pack rebuilds its models from snapshots and log, bit for bit.
    """

    def __init__(self, plan: HostPlan) -> None:
        self._plan = plan

    @abstractmethod
    def _make_pool(self) -> ModelPool:
        """The pool; called once, where kernels may be loaded."""

    @abstractmethod
    def _open_bucket(self) -> BucketT:
        """The current bucket, rebuilt from its state."""

    def open(self, runtime_context: RuntimeContext) -> None:
        plan = self._plan
        with genuine_print():
            pool = self._make_pool()
        self._hosted = Hosted(
            plan.function.name, plan.state_parameters, pool, idle_ms=plan.arguments.get("idle"), policy=plan.policy
        )
        self._store = FlinkStore(runtime_context)
        self._buckets: dict[int, BucketT] = {}
        self._counters = Counters()
        self._replay_ms = 0
        self._recent_micros: deque[float] = deque(maxlen=RECENT_PACKS)
        self._open_metrics(runtime_context)

    def _open_metrics(self, ctx: RuntimeContext) -> None:
        group, counters = ctx.get_metrics_group(), self._counters
        self._rows_scored = group.counter("rows_scored")
        self._rows_skipped = group.counter("rows_skipped")
        self._packs = group.counter("packs")
        group.gauge("keys_live", lambda: counters.keys_live)
        group.gauge("keys_idled", lambda: counters.keys_idled)
        group.gauge("log_records", lambda: counters.log_records)
        group.gauge("snapshots", lambda: counters.snapshots)
        group.gauge("snapshot_bytes", lambda: counters.snapshot_bytes)
        group.gauge("replayed_records", lambda: counters.replayed_records)
        group.gauge("replay_ms", lambda: self._replay_ms)
        group.gauge("model_bytes", lambda: int(self._hosted.pool.nbytes))
        group.gauge("model_us_per_row_p50", lambda: self._percentile(50))
        group.gauge("model_us_per_row_p99", lambda: self._percentile(99))

    def _percentile(self, q: int) -> int:
        """Microseconds of model time a row, over the recent packs; gauges of Flink's Python are whole numbers."""
        return round(float(np.percentile(self._recent_micros, q))) if self._recent_micros else 0

    def _bucket(self, number: int) -> BucketT:
        bucket = self._buckets.get(number)
        if bucket is None:
            begin, before = time.monotonic(), self._counters.replayed_records
            bucket = self._buckets[number] = self._open_bucket()
            replayed = self._counters.replayed_records - before
            if replayed:
                elapsed_ms = round(1000 * (time.monotonic() - begin))
                self._replay_ms += elapsed_ms
                LOG.info(
                    "%s: bucket %d replayed %d records in %d ms",
                    self._plan.name,
                    number,
                    replayed,
                    elapsed_ms,
                )
        return bucket

    def _note_pack(self, rows: int, seconds: float) -> None:
        """A pack with so many rows scored is done; models leave memory if there are too many."""
        self._packs.inc()
        self._rows_scored.inc(rows)
        if rows:
            self._recent_micros.append(1e6 * seconds / rows)
        if self._hosted.pool.nbytes > self._plan.live_bytes:
            for each in self._buckets.values():
                each.release_quiet_keys()
