"""The keyed process function behind a model call that scores each row: a pack in, its rows with added columns out.

It turns a pack into arrays, has the bucket score and then learn, and emits. What is computed is in `models`, what is
remembered is in `udfs.bucket`; what it shares with the other host is in `udfs.model_host`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction

from models.errors import ModelError
from models.pool import ModelPool
from udfs.bucket import Bucket
from udfs.model_host import HostPlan, ModelHost
from udfs.pack import Pack

__all__ = ["HostPlan", "PackHost"]


class PackHost(ModelHost[Bucket]):
    """Scores the rows of each pack, in order, and learns them.

    The input is one row a bucket and interval: an array for each column of the input, arrays of the hidden order
    columns, the end of the interval in milliseconds. The output is an array for each column of the input, each
    added one and, where they are carried, each hidden one, in model order, and the last millisecond of the interval.
    """

    def _make_pool(self) -> ModelPool:
        return self._plan.function.make_pool(len(self._plan.column_names), self._plan.arguments)

    def _open_bucket(self) -> Bucket:
        return Bucket(self._hosted, self._store, self._counters)

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        plan = self._plan
        *arrays, end_ms = value
        start_ms = end_ms - plan.batch_ms
        pack = Pack.of(arrays, plan.layout)
        fits = self._fits(pack)
        if not fits.all() and plan.arguments.get("on_null") == "error":
            raise ModelError(self._null_message(pack, int(np.flatnonzero(~fits)[0])))
        bucket = self._bucket(int(ctx.get_current_key()))
        added = self._score(bucket, pack, fits, start_ms)
        order = pack.order if plan.carries_order else []
        yield Row(*pack.columns, *added, *order, end_ms - 1)

    def _fits(self, pack: Pack) -> np.ndarray[Any, Any]:
        """Which rows the models can take."""
        plan = self._plan
        if plan.function.fits is not None:
            found: np.ndarray[Any, Any] = plan.function.fits(pack.values, plan.arguments)
            return found
        return pack.imputable() if plan.arguments.get("on_null") == "impute" else pack.scorable()

    def _score(self, bucket: Bucket, pack: Pack, fits: np.ndarray[Any, Any], start_ms: int) -> list[list[Any]]:
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
        columns = [list(column) for column in plan.function.present(outputs, plan.column_names, plan.arguments)]
        self._note_pack(len(keys), elapsed)
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
        names = self._plan.column_names
        bad = [name for name, number in zip(names, pack.values[row].tolist(), strict=True) if not abs(number) <= 5e29]
        column = bad[0] if bad else f"one of {', '.join(names)}"
        return (
            f"{self._plan.function.name} ({self._plan.name}): column {column} is NULL or not a finite number for key "
            f"{pack.keys[row]!r}, and on_null is 'error'; use on_null => 'skip' to give such rows a NULL score"
        )
