"""The keyed process function behind a model call whose labels come late: predictions at once, outcomes when they come.

It turns a pack into events, has the bucket predict, join and learn, and emits what came of it. What is joined with
what is in `udfs.labelled_bucket`; what this shares with the other host is in `udfs.model_host`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction

from models.errors import ModelError
from models.learning.interface import LearnerPool
from udfs.functions.labelled import LabelledFunction
from udfs.label_layout import BEAT, INPUT, LABEL, LabelLayout
from udfs.labelled_bucket import LabelledBucket, LabelRules, Result, Tally
from udfs.labelled_log import Events
from udfs.model_host import HostPlan, ModelHost
from udfs.pack import LARGEST_VALUE, Pack


@dataclass(frozen=True, kw_only=True)
class LabelPlan(HostPlan):
    """Everything a worker has to know about one call of a `LabelledFunction`.

    Parameters
    ----------
    labels
        Where ids, labels and kinds are.
    input_names
        Names of the input's columns: predictions that wait hold all of them.
    """

    function: LabelledFunction
    labels: LabelLayout
    input_names: tuple[str, ...]

    @property
    def pace(self) -> frozenset[str]:
        """A label may come under another name; when it may come decides what was learned."""
        return super().pace | {"labels", "id", "label"}

    @property
    def state_parameters(self) -> dict[str, Any]:
        """What waits holds the input's columns, so it is of these columns only."""
        waiting = {} if self.labels.id is None else {"input_columns": list(self.input_names)}
        return {**super().state_parameters, **waiting}


class LabelHost(ModelHost[LabelledBucket]):
    """Predicts the inputs of each pack and learns those whose labels it holds.

    The input is one row a bucket and interval: arrays of the input's columns and of the label, of kinds and of the
    hidden order, and the end of the interval in milliseconds. The output is an array for each column of the input,
    each added one and, where it is carried, the hidden one, and the last millisecond of the interval. A row out is a
    prediction, or an outcome with the columns its input had and the time at which it came about, which lies in the
    interval, so that it is late for nobody; or, behind an outcome, what was decided by it.
    """

    _plan: LabelPlan

    def _make_pool(self) -> LearnerPool:
        features = self._plan.labels.features
        return self._plan.function.make_learner(len(features.numbers), len(features.categories), self._plan.arguments)

    def _open_bucket(self) -> LabelledBucket:
        kind: type[LabelledBucket] = LabelledBucket
        if self._plan.function.decides:
            from udfs.challenged_bucket import ChallengedBucket  # loads the gate

            kind = ChallengedBucket
        return kind(self._hosted, self._rules, self._store, self._counters, self._tally)

    def open(self, runtime_context: Any) -> None:
        plan, layout = self._plan, self._plan.labels
        late = layout.id is not None
        self._kept = tuple(range(layout.width)) if late else layout.features.positions
        self._rules = LabelRules(
            layout.features.among(self._kept).of,
            labels_come_late=late,
            timeout_ms=plan.arguments.get("label_timeout"),
            negative_after_timeout=bool(plan.arguments.get("negative_after_timeout")),
            limit=plan.arguments["max_pending"],
            is_label=plan.function.is_label,
        )
        self._tally = Tally()
        super().open(runtime_context)
        group = runtime_context.get_metrics_group()
        for each in fields(Tally):
            group.gauge(each.name, lambda name=each.name: int(getattr(self._tally, name)))

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        plan = self._plan
        *arrays, end_ms = value
        pack = Pack.of(arrays, plan.layout)
        bucket = self._bucket(int(ctx.get_current_key()))
        events, rows, skipped = self._events(pack)
        begin = time.perf_counter()
        results = bucket.process(events, end_ms - plan.batch_ms, self._store)
        self._note_pack(len(events.columns[0]), time.perf_counter() - begin)
        self._rows_skipped.inc(len(skipped))
        if results or skipped:
            out = _Out(plan, pack)
            rows_out: list[tuple[int, Result | None]] = [
                (-1 if result.row is None else rows[result.row], result) for result in results
            ]
            rows_out += [(row, None) for row in skipped]
            for row, result in sorted(rows_out, key=lambda each: each[0]) if skipped else rows_out:
                out.add(row, result)
            yield Row(*out.arrays(), end_ms - 1)

    def _events(self, pack: Pack) -> tuple[Events, list[int], list[int]]:
        """Inputs that have features, and labels; their rows in the pack; rows of the other inputs."""
        layout = self._plan.labels
        n = len(pack)
        kinds = [INPUT] * n if layout.kind is None else pack.order[layout.kind - self._plan.layout.width]
        inputs = [row for row, kind in enumerate(kinds) if kind == INPUT]
        columns = pack.columns[: layout.width]
        if len(inputs) < n:
            columns = [[column[row] for row in inputs] for column in columns]
        skipped = [inputs[i] for i in self._without_features(columns, inputs, pack)] if inputs else []
        without = set(skipped)
        if without:
            good = [i for i, row in enumerate(inputs) if row not in without]
            columns = [[column[i] for i in good] for column in columns]
        rows = [row for row, kind in enumerate(kinds) if kind != BEAT and row not in without]
        labels = pack.columns[layout.label]
        ids = pack.columns[layout.id] if layout.id is not None else [None] * n
        times = pack.times_ms.tolist()
        events = Events(
            [pack.keys[row] for row in rows],
            [times[row] for row in rows],
            [kinds[row] == LABEL for row in rows],
            [ids[row] for row in rows],
            [None if labels[row] is None else float(labels[row]) for row in rows],
            [columns[position] for position in self._kept],
        )
        return events, rows, skipped

    def _without_features(self, columns: list[list[Any]], inputs: list[int], pack: Pack) -> list[int]:
        """Which inputs, by their number, no learner can take: as `on_null` says."""
        plan, features = self._plan, self._plan.labels.features
        values = features.of(columns)
        on_null = plan.arguments["on_null"]
        with np.errstate(invalid="ignore"):
            absent = np.isnan(values)
            fits = np.abs(values) <= LARGEST_VALUE
        good = ((fits | absent).all(axis=1) & ~absent.all(axis=1)) if on_null == "impute" else fits.all(axis=1)
        bad: list[int] = np.flatnonzero(~good).tolist()
        if bad and on_null == "error":
            raise ModelError(self._null_message(pack, inputs[bad[0]], fits[bad[0]]))
        return bad

    def _null_message(self, pack: Pack, row: int, fits: npt.NDArray[np.bool_]) -> str:
        plan = self._plan
        column = plan.column_names[int(np.flatnonzero(~fits)[0])]
        return (
            f"{plan.function.name} ({plan.name}): column {column} is NULL or not a finite number for key "
            f"{pack.keys[row]!r}, and on_null is 'error'; use on_null => 'skip' to give such rows a NULL prediction"
        )


class _Out:
    """The rows that come out of one pack."""

    def __init__(self, plan: LabelPlan, pack: Pack) -> None:
        self._plan, self._pack = plan, pack
        self._values: list[list[Any]] = []
        self._order: list[Any] = []
        names = ("kind", "prediction", "version", "label", "lag_ms", "decision")
        self._added: dict[str, list[Any]] = {name: [] for name in names}

    def add(self, row: int, result: Result | None) -> None:
        """A result that a row of the pack brought about, or -1; without one, an input nothing can be predicted for."""
        plan, pack = self._plan, self._pack
        if result is not None and (row < 0 or plan.labels.id is not None):
            values = list(result.of.values)
        else:
            values = [column[row] for column in pack.columns[: plan.labels.width]]
        if result is None:
            added: tuple[Any, ...] = ("prediction", None, None, None, None, None)
        else:
            values[plan.layout.time] = result.time_ms
            if result.decision is not None:
                # no probability and no label: whoever measures all rows must not count this one
                added = ("decision", None, None, None, None, result.decision)
            else:
                kind = "outcome" if result.is_outcome else "prediction"
                added = (kind, result.of.prediction, result.of.version, result.label, result.lag_ms, None)
        self._values.append(values)
        for column, value in zip(self._added.values(), added, strict=True):
            column.append(value)
        if plan.carries_order:
            # the last of the order is a row's place at the source; what timed out has none
            self._order.append(pack.order[-1][row] if row >= 0 else 0)

    def arrays(self) -> list[list[Any]]:
        """Columns of the input, added ones, and the hidden one."""
        plan = self._plan
        columns = [list(column) for column in zip(*self._values, strict=True)]
        added = plan.function.present(self._added, plan.column_names, plan.arguments)
        return [*columns, *(list(column) for column in added), *([self._order] if plan.carries_order else [])]
