"""What all learners share on top of `models.packed_pool`: checks of rows, predicting and learning, snapshots.

Models above `BLOCK_BYTES` are not rows of one array but blocks of their own: a pool need not copy them when it grows,
and pages of a block that were never written cost nothing.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from models.arguments import check_width, integers_of_rows
from models.errors import InputError, SnapshotError
from models.learning.interface import Floats, Slots, Times
from models.learning.work import BOTH, LEARN, PREDICT, Work, all_rows
from models.packed_pool import PackedPool
from models.snapshot_frame import SnapshotFrame, inflated

Longs = npt.NDArray[np.int64]

#: States larger than this are blocks of their own.
BLOCK_BYTES = 1 << 16
#: No feature and no label of a regression may be further from 0: products of two with a weight stay finite.
LARGEST = 1e100
#: Codes of categories are below this (`models.features`).
CODES = 2.0**32


class StatePool(PackedPool):
    """A learner whose models are rows of float64; a learner adds its kernel (`_take`) and what is sound.

    Parameters
    ----------
    kind
        Name in snapshots, 20 ASCII letters at most.
    parameters
        All parameters: whatever changes a result. A snapshot of others is refused.
    columns, categories
        Numeric columns, and categorical ones behind them.
    fresh
        (width,) the state of a model that has seen nothing.
    """

    task: str = "classification"
    #: goes up whenever a result would change in one bit
    algorithm: ClassVar[int] = 1

    def __init__(self, kind: str, parameters: Mapping[str, Any], columns: int, categories: int, fresh: Floats) -> None:
        super().__init__(kind, {}, fresh, columns + categories)
        self.columns, self.categories = columns, categories
        self.parameters = dict(parameters)
        self._frame = SnapshotFrame(kind, struct.Struct("<Q"), ("parameters", "state"), algorithm=self.algorithm)
        self._blocks: list[Floats] | None = [] if self.slot_bytes > BLOCK_BYTES else None

    # ---------------------------------------------------------------- what a learner adds
    def _take(
        self, states: Floats, slots: Longs, times: Times, values: Floats, labels: Floats, weights: Floats, out: Floats,
        work: Work,
    ) -> None:  # fmt: skip
        """Do with each row what ``work`` says; ``out`` gets the predictions."""
        raise NotImplementedError

    # ---------------------------------------------------------------- slots
    def close(self, slot: int) -> None:
        """Forget the model of a slot; the slot may be handed out again."""
        if self._blocks is None:
            super().close(slot)
            return
        self._blocks[self._opened(slot)] = np.empty((1, 0))
        self._open[slot] = False
        self._free.append(slot)

    def dump(self, slot: int) -> bytes:
        """The whole state of a model: parameters, then numbers. Equal state, equal bytes."""
        state = self._row(self._opened(slot))
        stored = (self._parameter_text(), zlib.compress(state.astype("<f8").tobytes(), 1))
        return self._frame.write((state.size,), stored)

    def load(self, data: bytes) -> int:
        """A slot that continues bit for bit where `dump` left off, or a SnapshotError that says why not."""
        (width,), parts = self._frame.read(data)
        ours, theirs = json.loads(self._parameter_text()), _parameters(parts["parameters"])
        for name in ours:
            if theirs.get(name) != ours[name]:
                raise SnapshotError(
                    f"the snapshot is of a learner with {name} {theirs.get(name)!r}, this one has {ours[name]!r}"
                )
        if width != self._fresh.size:
            raise SnapshotError(
                f"the snapshot is inconsistent: its state has {width} numbers, this model has {self._fresh.size}"
            )
        state = np.frombuffer(inflated("state", parts["state"], self.slot_bytes), "<f8").astype(np.float64)
        wrong = self._wrong_state(state)
        if wrong is not None:
            raise SnapshotError(f"the snapshot is inconsistent: {wrong}")
        return self._place(state)

    def state(self, slot: int) -> Floats:
        """A copy of a model's numbers, as its layout has them."""
        return self._row(self._opened(slot)).copy()

    def _parameter_text(self) -> bytes:
        return json.dumps(self.parameters, sort_keys=True, separators=(",", ":")).encode()

    def _row(self, slot: int) -> Floats:
        return self._state[slot] if self._blocks is None else self._blocks[slot][0]

    def _place(self, state: Floats) -> int:
        if self._blocks is None:
            return super()._place(state)
        block = np.zeros((1, state.size))
        written = np.flatnonzero(state)
        block[0, written] = state[written]
        if self._free:
            slot = self._free.pop()
            self._blocks[slot] = block
        else:
            slot = self._used
            self._used += 1
            self._blocks.append(block)
            self._open = np.append(self._open, False)
        self._open[slot] = True
        return slot

    # ---------------------------------------------------------------- rows
    def predict(self, slots: Slots, times_ms: Times, features: Floats) -> Floats:
        """Predictions (n,) by the models as they are; as `LearnerPool.predict`. Raises `InputError`."""
        values = checked_features(features, self.columns, self.categories, 0)
        rows = values.shape[0]
        return self._do(slots, times_ms, values, np.full(rows, np.nan), np.ones(rows), all_rows(PREDICT, rows))

    def learn(
        self, slots: Slots, times_ms: Times, features: Floats, labels: Floats, weights: Floats | None = None
    ) -> None:
        """Learn rows with their labels, as `LearnerPool.learn`. Raises `InputError`; then nothing was learned."""
        values = checked_features(features, self.columns, self.categories, 0)
        rows = values.shape[0]
        known = checked_labels(self.task, labels, rows, False)
        self._do(slots, times_ms, values, known, checked_weights(weights, rows), all_rows(LEARN, rows))

    def process(self, slots: Slots, times_ms: Times, columns: Floats) -> dict[str, npt.NDArray[Any]]:
        """Predict each row, then learn it; as `LearnerPool.process`. Raises `InputError`; then nothing was learned."""
        values = checked_features(columns, self.columns, self.categories, 1)
        rows = values.shape[0]
        labels = checked_labels(self.task, values[:, -1], rows, True)
        return {"prediction": self._do(slots, times_ms, values, labels, np.ones(rows), all_rows(BOTH, rows))}

    def work(
        self, slots: Slots, times_ms: Times, features: Floats, labels: Floats, work: Work, weights: Floats | None = None
    ) -> Floats:
        """Predict some rows and learn others, in the order given; as `LearnerPool.work`. Raises `InputError`."""
        values = checked_features(features, self.columns, self.categories, 0)
        rows = values.shape[0]
        tasks = checked_work(work, rows)
        known = checked_labels(self.task, labels, rows, True)
        return self._do(slots, times_ms, values, known, checked_weights(weights, rows), tasks)

    def _do(self, slots: Slots, times_ms: Times, values: Floats, labels: Floats, weights: Floats, work: Work) -> Floats:
        """The kernel over all rows: at once where the states are one array, else a model at a time."""
        places = self.open_slots(slots, values.shape[0])
        times = integers_of_rows("times_ms", times_ms, values.shape[0]).astype(np.int64)
        out = np.full(values.shape[0], np.nan)
        if self._blocks is None:
            self._take(self._state, places, times, values, labels, weights, out, work)
            return out
        for slot, rows in groups(places):
            part, first = np.full(rows.size, np.nan), np.zeros(rows.size, np.int64)
            self._take(
                self._blocks[slot], first, times[rows], values[rows], labels[rows], weights[rows], part, work[rows]
            )
            out[rows] = part
        return out


# -------------------------------------------------------------------- checks of rows
def checked_features(given: Any, columns: int, categories: int, more: int) -> Floats:
    """Features with `more` columns behind them; InputError naming row and column of the first that cannot be taken."""
    values = np.ascontiguousarray(given, np.float64)
    if not values.flags.carray:  # read-only or unaligned: the kernels are compiled for one kind of array
        values = values.copy()
    width = columns + categories
    check_width(values, width + more)
    numbers, codes = values[:, :columns], values[:, columns:width]
    wrong = ~((np.abs(numbers) <= LARGEST) | np.isnan(numbers))
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise InputError(
            f"row {row}, column {column}: {float(numbers[row, column])!r} is not within {LARGEST:g} of 0; "
            "leave the row out"
        )
    wrong = ~(((codes >= 0.0) & (codes < CODES) & (codes == np.floor(codes))) | np.isnan(codes))
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise InputError(
            f"row {row}, column {columns + column}: {float(codes[row, column])!r} is no code of a category; "
            "make codes with models.features.category_codes"
        )
    return values


def checked_labels(task: str, given: Any, rows: int, may_be_missing: bool) -> Floats:
    """Labels (rows,), NaN for one that is not known; InputError naming the first that is none."""
    labels = _column("labels", given, rows)
    if task == "classification":
        fits, expected = (labels == 0.0) | (labels == 1.0), "0 or 1"
    else:
        fits, expected = np.abs(labels) <= LARGEST, f"a number within {LARGEST:g} of 0"
    if may_be_missing:
        fits |= np.isnan(labels)
    if not fits.all():
        row = int(np.argmin(fits))
        raise InputError(f"row {row}: the label must be {expected}, got {float(labels[row])!r}; leave the row out")
    return labels


def checked_weights(given: Any, rows: int) -> Floats:
    """Weights (rows,), 1 unless given; InputError naming the first out of range."""
    if given is None:
        return np.ones(rows)
    weights = _column("weights", given, rows)
    fits = (weights >= 0.0) & (weights <= 1e6)
    if not fits.all():
        row = int(np.argmin(fits))
        raise InputError(f"row {row}: the weight must be in 0..1e+06, got {float(weights[row])!r}")
    return weights


def checked_work(given: Any, rows: int) -> Work:
    """What to do with each row (rows,); InputError naming the first that is none of `models.learning.work`."""
    work = integers_of_rows("work", given, rows)
    fits = (work >= PREDICT) & (work <= BOTH)
    if not fits.all():
        row = int(np.argmin(fits))
        raise InputError(f"row {row}: work must be 1 (predict), 2 (learn) or 3 (both), got {int(work[row])}")
    return work.astype(np.int8)


def groups(places: Longs) -> Iterator[tuple[int, Longs]]:
    """Each slot once, with its rows in the order given."""
    order = np.argsort(places, kind="stable")
    ends = np.flatnonzero(np.diff(places[order])) + 1
    for rows in np.split(order, ends) if places.size else ():
        yield int(places[rows[0]]), rows


def _column(name: str, given: Any, rows: int) -> Floats:
    values = np.array(given, np.float64)
    if values.shape != (rows,):
        raise InputError(f"{name} must have shape ({rows},) like the rows, got {values.shape}")
    return values


def _parameters(part: bytes) -> dict[str, Any]:
    try:
        found = json.loads(part)
    except ValueError as error:
        raise SnapshotError(f"the snapshot's parameters are not JSON: {error}") from error
    if not isinstance(found, dict):
        raise SnapshotError("the snapshot's parameters are not a JSON object")
    return found
