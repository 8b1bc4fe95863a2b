"""The keyed process function behind every model call: a pack in, the same rows with the model's columns out.

It opens state, turns a pack into arrays, has the bucket score and then learn, and emits. What is computed is in
`models`, what is remembered is in `udfs.bucket`; this file is where both meet Flink.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction, RuntimeContext

from models.errors import ModelError
from udfs.bucket import Bucket, Counters, Hosted, SnapshotPolicy
from udfs.flink_store import FlinkStore
from udfs.functions.declaration import TableFunction
from udfs.pack import Pack, PackLayout
from udfs.worker import genuine_print

LOG = logging.getLogger(__name__)

#: Packs that the percentiles of a metric look back on.
RECENT_PACKS = 256


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
    def state_parameters(self) -> dict[str, Any]:
        """The arguments on which saved models depend; another value of one makes them unreadable."""
        pace = {"batch", "idle", "on_null", "uid", "on_time", "columns", "input"}
        pace |= {argument.name for argument in self.function.arguments if argument.reading}
        pace |= set(self.function.reads)
        own = {name: value for name, value in self.arguments.items() if name not in pace}
        return {
            **own,
            "columns": list(self.column_names),
            "partition_by": list(self.key_names),
            "imputes": self.arguments.get("on_null") == "impute",  # the model itself is another one then
        }


class PackHost(KeyedProcessFunction):
    """Hosts one table function for the buckets of one subtask.

    The input is one row a bucket and interval: an array for each column of the input, arrays of the hidden order
    columns, the end of the interval in milliseconds. The output is an array for each column of the input, each
    added one and, where they are carried, each hidden one, in model order, and the last millisecond of the interval.

    State is exact: after a failure a bucket's first pack rebuilds its models from snapshots and log, bit for bit.
    """

    def __init__(self, plan: HostPlan) -> None:
        self._plan = plan

    def open(self, runtime_context: RuntimeContext) -> None:
        plan = self._plan
        with genuine_print():
            pool = plan.function.make_pool(len(plan.column_names), plan.arguments)
        self._hosted = Hosted(
            plan.function.name, plan.state_parameters, pool, idle_ms=plan.arguments.get("idle"), policy=plan.policy
        )
        self._store = FlinkStore(runtime_context)
        self._buckets: dict[int, Bucket] = {}
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

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        plan = self._plan
        *arrays, end_ms = value
        start_ms = end_ms - plan.batch_ms
        pack = Pack.of(arrays, plan.layout)
        fits = pack.imputable() if plan.arguments.get("on_null") == "impute" else pack.scorable()
        if not fits.all() and plan.arguments.get("on_null") == "error":
            raise ModelError(self._null_message(pack, int(np.flatnonzero(~fits)[0])))
        bucket = self._bucket(int(ctx.get_current_key()))
        added = self._score(bucket, pack, fits, start_ms)
        self._packs.inc()
        if self._hosted.pool.nbytes > plan.live_bytes:
            for each in self._buckets.values():
                each.release_quiet_keys()
        order = pack.order if plan.carries_order else []
        yield Row(*pack.columns, *added, *order, end_ms - 1)

    def _bucket(self, number: int) -> Bucket:
        bucket = self._buckets.get(number)
        if bucket is None:
            begin, before = time.monotonic(), self._counters.replayed_records
            bucket = self._buckets[number] = Bucket(self._hosted, self._store, self._counters)
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

    def _score(
        self, bucket: Bucket, pack: Pack, fits: np.ndarray[Any, Any], start_ms: int
    ) -> list[list[Any]]:
        """The added columns, one value a row; None where a row could not be scored."""
        plan, n = self._plan, len(pack)
        chosen = None if fits.all() else np.flatnonzero(fits)
        if chosen is None:
            keys, times, values = pack.keys, pack.times_ms, pack.values
        else:
            keys = [pack.keys[i] for i in chosen.tolist()]
            times, values = pack.times_ms[chosen], pack.values[chosen]
        begin = time.perf_counter()
        outputs = bucket.process(keys, times, values, start_ms, self._store)
        elapsed = time.perf_counter() - begin
        columns = [
            list(column) for column in plan.function.present(outputs, plan.column_names, plan.arguments)
        ]
        self._rows_scored.inc(len(keys))
        if keys:
            self._recent_micros.append(1e6 * elapsed / len(keys))
        if chosen is None:
            return columns
        self._rows_skipped.inc(n - len(keys))
        spread: list[list[Any]] = []
        for column in columns:
            wide: list[Any] = [None] * n
            for i, item in zip(chosen.tolist(), column, strict=True):
                wide[i] = item
            spread.append(wide)
        return spread

    def _null_message(self, pack: Pack, row: int) -> str:
        column = next(
            name
            for name, number in zip(self._plan.column_names, pack.values[row].tolist(), strict=True)
            if not abs(number) <= 5e29
        )
        return (
            f"{self._plan.function.name} ({self._plan.name}): column {column} is NULL or not a finite number for key "
            f"{pack.keys[row]!r}, and on_null is 'error'; use on_null => 'skip' to give such rows a NULL score"
        )
