"""The keyed process function behind USER_VECTOR: reads and vectors of items in, reads with the user's vector out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction

from models.errors import ModelError
from models.pool import ModelPool
from udfs.model_host import HostPlan, ModelHost
from udfs.pack import Pack
from udfs.vector_bucket import VectorBucket, VectorRow, VectorTally

#: Kinds of rows in a pack, in the order of equal times.
VECTOR, READ = 0, 1
LARGEST_ID = 1 << 53


@dataclass(frozen=True, kw_only=True)
class VectorPlan(HostPlan):
    """What a worker has to know about one call of USER_VECTOR.

    Parameters
    ----------
    width
        Number of columns of the input; behind them come version, vector and kind.
    """

    width: int

    @property
    def pace(self) -> frozenset[str]:
        """Vectors may come under another name."""
        return super().pace | {"vectors"}


class VectorHost(ModelHost[VectorBucket]):
    """Notes the reads of each pack and tells the users' vectors.

    The input is one row a bucket and interval: arrays of the input's columns, of versions, vectors (components as text
    with blanks between) and kinds, and of the hidden order; rows of vectors have the item where reads have theirs. The
    output is an array for each column of the input, each added one and, where it is carried, the hidden one, of the
    reads alone.
    """

    _plan: VectorPlan

    def _make_pool(self) -> ModelPool:
        return self._plan.function.make_pool(1, self._plan.arguments)

    def _open_bucket(self) -> VectorBucket:
        hosted = replace(self._hosted, pool=self._make_pool())
        return VectorBucket(hosted, self._store, self._counters, self._tally)

    def open(self, runtime_context: Any) -> None:
        self._tally = VectorTally()
        super().open(runtime_context)
        group = runtime_context.get_metrics_group()
        for each in fields(VectorTally):
            group.gauge(each.name, lambda name=each.name: int(getattr(self._tally, name)))
        group.gauge("vector_bytes", lambda: sum(bucket.nbytes for bucket in self._buckets.values()))

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        plan = self._plan
        *arrays, end_ms = value
        pack = Pack.of(arrays, plan.layout)
        kinds = pack.order[0]
        items = pack.values[:, 0]
        with np.errstate(invalid="ignore"):
            fits = (np.abs(items) <= LARGEST_ID) & (np.floor(items) == items)
        if plan.arguments["on_null"] == "error":
            self._refuse(pack, [row for row, kind in enumerate(kinds) if kind == READ and not fits[row]])
        vectors: list[VectorRow] = []
        reads: list[int] = []
        good: list[int] = []
        versions, texts = pack.columns[plan.width], pack.columns[plan.width + 1]
        for row, kind in enumerate(kinds):
            if kind == READ:
                reads.append(row)
                if fits[row]:
                    good.append(row)
            else:
                vectors.append(_vector(len(good), items[row], bool(fits[row]), versions[row], texts[row]))
        bucket = self._bucket(int(ctx.get_current_key()))
        begin = time.perf_counter()
        outputs = bucket.process(
            [pack.keys[row] for row in good], pack.times_ms[good], pack.values[good], vectors, end_ms - plan.batch_ms,
            self._store,
        )  # fmt: skip
        self._note_pack(len(good), time.perf_counter() - begin)
        self._rows_skipped.inc(len(reads) - len(good))
        if not reads:
            return
        place = {row: k for k, row in enumerate(good)}
        added = [
            [column[place[row]] if row in place else None for row in reads]
            for column in plan.function.present(outputs, plan.column_names, plan.arguments)
        ]
        columns = [[column[row] for row in reads] for column in pack.columns[: plan.width]]
        order = [[column[row] for row in reads] for column in pack.order[1:]] if plan.carries_order else []
        yield Row(*columns, *added, *order, end_ms - 1)

    def _refuse(self, pack: Pack, wrong: list[int]) -> None:
        if wrong:
            plan = self._plan
            raise ModelError(
                f"{plan.function.name} ({plan.name}): {plan.column_names[0]} is NULL or no whole number for key "
                f"{pack.keys[wrong[0]]!r}, and on_null is 'error'; use on_null => 'skip' to give such rows NULL"
            )


def _vector(before: int, item: float, is_item: bool, version: Any, text: str | None) -> VectorRow:
    """A row of the table of vectors; what is none has no components, and is counted as unusable."""
    if version is None:
        return VectorRow(before, 0, np.iinfo(np.int64).max, b"")
    if np.isnan(item):
        return VectorRow(before, None, int(version), b"")
    try:
        numbers = np.array((text or "").split(), np.float32) if is_item else np.empty(0, np.float32)
    except ValueError:
        numbers = np.empty(0, np.float32)
    return VectorRow(before, int(item) if is_item else 0, int(version), numbers.astype("<f4").tobytes())
