"""Pools whose models are rows of one array: the slots, and a row as bytes.

A model that fits in a known number of float64 (a drift detector, running sums, weights of a fixed number of columns)
needs no object a key. A pool of such models is this class with a kernel: the kernel gets the array and, for each row
of data, the number of the row in it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import check_width, integers_of_rows
from models.errors import InputError, ModelError, SnapshotError
from models.snapshot_frame import SnapshotFrame

Floats = npt.NDArray[np.float64]

#: The most a pool takes ahead of need, in bytes: beyond it the array grows by as much, not to the double.
LARGEST_STEP = 64_000_000


class PackedPool:
    """Slots of one size, and everything of `models.pool.ModelPool` but `process`.

    Parameters
    ----------
    kind
        Name of the model in snapshots, 20 ASCII letters at most.
    parameters
        What a snapshot must have been made with to be loaded; floats, and integers of 64 bits.
    fresh
        (width,) the state of a model that has seen nothing.
    columns
        How many columns the rows have.

    Notes
    -----
    A slot takes ``8 * width`` bytes, in memory and at most in a snapshot, which is compressed where that is shorter.
    A pool is for one thread at a time.
    """

    def __init__(self, kind: str, parameters: Mapping[str, int | float], fresh: Floats, columns: int) -> None:
        self._names = tuple(parameters)
        self._parameters = tuple(parameters.values())
        layout = "<I" + "".join("d" if isinstance(value, float) else "q" for value in self._parameters)
        self._frame = SnapshotFrame(kind, struct.Struct(layout), ("state",), sized=True)
        self._fresh = np.array(fresh, np.float64)
        self._columns = columns
        #: (slots, width): row k is the model of slot k
        self._state: Floats = np.empty((0, self._fresh.size))
        self._open = np.zeros(0, np.bool_)
        self._used = 0
        self._free: list[int] = []

    @property
    def slot_bytes(self) -> int:
        """Bytes of a slot."""
        return 8 * self._fresh.size

    @property
    def nbytes(self) -> int:
        """Bytes held by the open models."""
        return (self._used - len(self._free)) * self.slot_bytes

    def open(self) -> int:
        """A fresh model; its slot."""
        return self._place(self._fresh)

    def close(self, slot: int) -> None:
        """Forget the model of a slot; the slot may be handed out again."""
        self._opened(slot)
        self._open[slot] = False
        self._free.append(slot)
        if len(self._free) == self._used:
            self._state, self._open = np.empty((0, self._fresh.size)), np.zeros(0, np.bool_)
            self._used, self._free = 0, []

    def dump(self, slot: int) -> bytes:
        """The whole state of a model: equal state, equal bytes."""
        raw = self._state[self._opened(slot)].astype("<f8").tobytes()
        packed = zlib.compress(raw, 1)
        stored = packed if len(packed) < len(raw) else raw
        return self._frame.write((self._fresh.size, *self._parameters), [stored], [len(raw)])

    def load(self, data: bytes) -> int:
        """A slot that continues bit for bit where `dump` left off; SnapshotError if the bytes are not such a model."""
        (width, *theirs), parts = self._frame.read(data)
        for name, their, our in zip(self._names, theirs, self._parameters, strict=True):
            if their != our:
                raise SnapshotError(f"the snapshot is of a model with {name} {their!r}, these have {our!r}")
        state = np.frombuffer(parts["state"], "<f8").astype(np.float64)
        if width != self._fresh.size or state.size != width:
            raise SnapshotError(
                f"the snapshot is inconsistent: its state has {state.size} numbers, this model has {self._fresh.size}"
            )
        wrong = self._wrong_state(state)
        if wrong is not None:
            raise SnapshotError(f"the snapshot is inconsistent: {wrong}")
        return self._place(state)

    def _wrong_state(self, state: Floats) -> str | None:
        """Why a kernel must not be given this state; None where it may. Own pools check what they index by."""
        return None if np.isfinite(state).all() else "its state holds numbers that cannot be"

    def open_slots(self, slots: Any, rows: int) -> npt.NDArray[np.int64]:
        """(rows,) slots that are all open.

        Raises
        ------
        InputError
            They are no integers, or not one a row.
        ModelError
            One is not open.
        """
        places = integers_of_rows("slots", slots, rows).astype(np.int64)
        outside = (places < 0) | (places >= self._used)
        wrong = places[outside] if outside.any() else places[~self._open[places]]
        if wrong.size:
            raise ModelError(f"slot {wrong[0]} is not open")
        return places

    # ---------------------------------------------------------------- for the pools themselves
    def _checked(self, slots: Any, columns: Any) -> tuple[npt.NDArray[np.int64], Floats]:
        """The rows as a kernel takes them, once their shapes fit and every slot is open."""
        values = np.ascontiguousarray(columns, np.float64)
        check_width(values, self._columns)
        return self.open_slots(slots, values.shape[0]), values

    def _opened(self, slot: int) -> int:
        if not 0 <= slot < self._used or not self._open[slot]:
            raise ModelError(f"slot {slot} is not open")
        return slot

    def _place(self, state: Floats) -> int:
        if self._free:
            slot = self._free.pop()
        else:
            if self._used == len(self._open):
                self._grow()
            slot = self._used
            self._used += 1
        self._state[slot] = state
        self._open[slot] = True
        return slot

    def _grow(self) -> None:
        more = max(1, min(max(4, self._used), LARGEST_STEP // self.slot_bytes))
        # in place: the system moves pages, and old and new array are never there at the same time
        self._state.resize((self._used + more, self._fresh.size), refcheck=False)
        self._open = np.append(self._open, np.zeros(more, np.bool_))


def check_finite(values: Floats) -> None:
    """Check that no value is NaN or infinite.

    Raises
    ------
    InputError
        One is; the message names its row and column.
    """
    finite = np.isfinite(values)
    if not finite.all():
        row, column = np.argwhere(~finite)[0].tolist()
        raise InputError(f"row {row}, column {column}: {float(values[row, column])!r} is no finite number")
