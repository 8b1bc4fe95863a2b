"""What all learners share: slots whose state is one row of float64, snapshots of it, and the checks of rows.

A row of one kind of number is copied, compressed and compared as it stands, and a kernel gets all small models as one
matrix. Models above `BLOCK_BYTES` get a block of their own, so that a pool need not copy them when it grows; pages of
a block that were never written cost nothing.
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
from models.errors import InputError, ModelError, SnapshotError
from models.learning.interface import Floats, Slots, Times
from models.learning.work import BOTH, LEARN, PREDICT
from models.snapshot_frame import SnapshotFrame, inflated

Longs = npt.NDArray[np.int64]

#: States larger than this are blocks of their own.
BLOCK_BYTES = 1 << 16
#: No feature or label of a regression may be further from 0: products of two with a weight stay finite.
LARGEST = 1e100
#: Codes of categories are below this (`models.features`).
CODES = 2.0**32


class StatePool:
    """Slots, snapshots and checks of a learner; a learner adds its kernel, its first state and what is sound.

    Parameters
    ----------
    kind
        Name in snapshots, 20 ASCII letters at most.
    parameters
        All parameters: whatever changes a result. A snapshot of others is refused.
    width
        Numbers of a model's state.
    """

    task: str = "classification"
    #: goes up whenever a result would change in one bit
    algorithm: ClassVar[int] = 1

    def __init__(self, kind: str, parameters: Mapping[str, Any], columns: int, categories: int, width: int) -> None:
        self.columns, self.categories = columns, categories
        self.parameters = dict(parameters)
        self.slot_bytes = 8 * width
        self._frame = SnapshotFrame(kind, struct.Struct("<Q"), ("parameters", "state"), algorithm=self.algorithm)
        self._blocks: list[Floats] | None = [] if self.slot_bytes > BLOCK_BYTES else None
        self._states = np.empty((0, width))
        self._open = np.zeros(0, np.bool_)
        self._used = 0
        self._free: list[int] = []

    # ---------------------------------------------------------------- what a learner adds
    def _prepare(self, state: Floats) -> None:
        """Make zeros the state of a model that has seen nothing."""

    def _is_sound(self, state: Floats) -> bool:
        """Whether the kernels could have left this state; must rule out what would lead them out of bounds."""
        return bool(np.isfinite(state).all())

    def _take(
        self, states: Floats, slots: Longs, times: Times, values: Floats, labels: Floats, weights: Floats, out: Floats,
        what: int,
    ) -> None:  # fmt: skip
        """Predict or learn rows, or both; ``out`` gets the predictions."""
        raise NotImplementedError

    # ---------------------------------------------------------------- slots
    def open(self) -> int:
        """A fresh model; its slot."""
        slot = self._slot()
        self._prepare(self._state(slot))
        return slot

    def close(self, slot: int) -> None:
        """Forget the model of a slot; the slot may be handed out again."""
        self._opened(slot)
        if self._blocks is not None:
            self._blocks[slot] = np.empty((1, 0))
        self._open[slot] = False
        self._free.append(slot)

    def dump(self, slot: int) -> bytes:
        """The whole state of a model: parameters, then numbers. Equal state, equal bytes."""
        self._opened(slot)
        state = self._state(slot)
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
        if width != self._states.shape[1]:
            raise SnapshotError(f"the snapshot is inconsistent: {width} numbers of a state of {self._states.shape[1]}")
        state = np.frombuffer(inflated("state", parts["state"], self.slot_bytes), "<f8").astype(np.float64)
        if not self._is_sound(state):
            raise SnapshotError("the snapshot is inconsistent: its state holds numbers that cannot be")
        slot = self._slot()
        self._state(slot)[:] = state
        return slot

    @property
    def nbytes(self) -> int:
        """Bytes held by the open models."""
        return (self._used - len(self._free)) * self.slot_bytes

    def state(self, slot: int) -> Floats:
        """A copy of a model's numbers, as its layout has them."""
        self._opened(slot)
        return self._state(slot).copy()

    def _parameter_text(self) -> bytes:
        return json.dumps(self.parameters, sort_keys=True, separators=(",", ":")).encode()

    def _slot(self) -> int:
        """A slot whose state is all zeros."""
        if self._free:
            slot = self._free.pop()
        else:
            slot = self._used
            self._used += 1
            if slot >= self._open.size:
                self._grow(max(8, 2 * slot))
        width = self._states.shape[1]
        if self._blocks is None:
            self._states[slot] = 0.0
        elif slot == len(self._blocks):
            self._blocks.append(np.zeros((1, width)))
        else:
            self._blocks[slot] = np.zeros((1, width))
        self._open[slot] = True
        return slot

    def _grow(self, room: int) -> None:
        is_open = np.zeros(room, np.bool_)
        is_open[: self._open.size] = self._open
        self._open = is_open
        if self._blocks is None:
            states = np.zeros((room, self._states.shape[1]))
            states[: self._states.shape[0]] = self._states
            self._states = states

    def _state(self, slot: int) -> Floats:
        return self._states[slot] if self._blocks is None else self._blocks[slot][0]

    def _opened(self, slot: int) -> None:
        if not 0 <= slot < self._used or not self._open[slot]:
            raise ModelError(f"slot {slot} is not open")

    # ---------------------------------------------------------------- rows
    def predict(self, slots: Slots, times_ms: Times, features: Floats) -> Floats:
        """Predictions (n,) by the models as they are; as `LearnerPool.predict`. Raises `InputError`."""
        values = self._values(features, 0)
        places, times = self._rows(slots, times_ms, values)
        out = np.empty(values.shape[0])
        nothing = np.empty(0)
        self._each(places, times, values, nothing, nothing, out, PREDICT)
        return out

    def learn(
        self, slots: Slots, times_ms: Times, features: Floats, labels: Floats, weights: Floats | None = None
    ) -> None:
        """Learn rows with their labels, as `LearnerPool.learn`. Raises `InputError`; then nothing was learned."""
        values = self._values(features, 0)
        places, times = self._rows(slots, times_ms, values)
        known = self._labels(labels, values.shape[0], False)
        self._each(places, times, values, known, self._weights(weights, values.shape[0]), np.empty(0), LEARN)

    def process(self, slots: Slots, times_ms: Times, columns: Floats) -> dict[str, npt.NDArray[Any]]:
        """Predict each row, then learn it; as `LearnerPool.process`. Raises `InputError`; then nothing was learned."""
        values = self._values(columns, 1)
        places, times = self._rows(slots, times_ms, values)
        labels = self._labels(values[:, -1], values.shape[0], True)
        out = np.empty(values.shape[0])
        self._each(places, times, values, labels, np.ones(values.shape[0]), out, BOTH)
        return {"prediction": out}

    def _each(
        self, places: Longs, times: Times, values: Floats, labels: Floats, weights: Floats, out: Floats, what: int
    ) -> None:
        """The kernel over all rows: at once where the states are one matrix, else a model at a time."""
        if self._blocks is None:
            self._take(self._states, places, times, values, labels, weights, out, what)
            return
        for slot, rows in groups(places):
            part = np.empty(rows.size)
            self._take(
                self._blocks[slot], np.zeros(rows.size, np.int64), times[rows], values[rows],
                labels[rows] if what & LEARN else labels, weights[rows] if what & LEARN else weights, part, what,
            )  # fmt: skip
            if what & PREDICT:
                out[rows] = part

    # ---------------------------------------------------------------- checks
    def _values(self, given: Any, more: int) -> Floats:
        """Features, with `more` columns behind them, as the kernels take them."""
        values = np.ascontiguousarray(given, np.float64)
        if not values.flags.carray:  # read-only or unaligned: the kernels are compiled for one kind of array
            values = values.copy()
        width = self.columns + self.categories
        check_width(values, width + more)
        check_features(values[:, :width], self.columns)
        return values

    def _rows(self, slots: Any, times_ms: Any, values: Floats) -> tuple[Longs, Times]:
        places = integers_of_rows("slots", slots, values.shape[0]).astype(np.int64)
        times = integers_of_rows("times_ms", times_ms, values.shape[0]).astype(np.int64)
        outside = (places < 0) | (places >= self._used)
        if outside.any() or not self._open[places].all():
            for slot in places.tolist():
                self._opened(slot)
        return places, times

    def _labels(self, given: Any, rows: int, may_be_missing: bool) -> Floats:
        labels = _column("labels", given, rows)
        if self.task == "classification":
            fits, expected = (labels == 0.0) | (labels == 1.0), "0 or 1"
        else:
            fits, expected = np.abs(labels) <= LARGEST, f"a number within {LARGEST:g} of 0"
        if may_be_missing:
            fits |= np.isnan(labels)
        if not fits.all():
            row = int(np.argmin(fits))
            raise InputError(f"row {row}: the label must be {expected}, got {float(labels[row])!r}; leave the row out")
        return labels

    def _weights(self, given: Any, rows: int) -> Floats:
        if given is None:
            return np.ones(rows)
        weights = _column("weights", given, rows)
        fits = (weights >= 0.0) & (weights <= 1e6)
        if not fits.all():
            row = int(np.argmin(fits))
            raise InputError(f"row {row}: the weight must be in 0..1e+06, got {float(weights[row])!r}")
        return weights


def check_features(features: Floats, columns: int) -> None:
    """InputError naming row and column of the first number or code that cannot be taken."""
    numbers, codes = features[:, :columns], features[:, columns:]
    wrong = ~((np.abs(numbers) <= LARGEST) | np.isnan(numbers))
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        raise InputError(
            f"row {row}, column {column}: {float(numbers[row, column])!r} is not within {LARGEST:g} of 0; "
            "leave the row out"
        )
    if codes.shape[1]:
        wrong = ~(((codes >= 0.0) & (codes < CODES) & (codes == np.floor(codes))) | np.isnan(codes))
        if wrong.any():
            row, column = (int(place) for place in np.argwhere(wrong)[0])
            raise InputError(
                f"row {row}, column {columns + column}: {float(codes[row, column])!r} is no code of a category; "
                "make codes with models.features.category_codes"
            )


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
