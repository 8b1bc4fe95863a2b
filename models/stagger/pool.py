"""Stagger windows of many keys: the first row opens one, and after its age it is closed."""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.arguments import integers_of_rows, whole_number
from models.errors import ModelError, SnapshotError
from models.snapshot_frame import SnapshotFrame

#: age, whether a window is open, when it opened
FRAME: Final = SnapshotFrame("stagger", struct.Struct("<qBq"), ())
#: 366 days
LONGEST_AGE_MS: Final = 31_622_400_000
_SLOT_BYTES: Final = 9


class StaggerPool:
    """For each row, when the window of its key opened that it belongs to.

    Parameters
    ----------
    age_ms
        How long a window is open: a row at least so much later than the one that opened it opens the next.

    Notes
    -----
    The values of a row play no part, only its time. A row that comes before the one that opened its window belongs to
    it. Memory is 9 bytes a slot; a row takes well under a microsecond. A pool is for one thread at a time.

    Source: "Stagger Windows", developer guide of Kinesis Data Analytics for SQL.
    """

    def __init__(self, age_ms: int) -> None:
        self.age_ms = whole_number("age_ms", age_ms, 1, LONGEST_AGE_MS)
        #: when the open window opened; None: none is open; absent: the slot is not
        self._opened: dict[int, int | None] = {}
        self._free: list[int] = []
        self._size = 0

    def open(self) -> int:
        """A key without a window; its slot."""
        return self._place(None)

    def _place(self, opened: int | None) -> int:
        if self._free:
            slot = self._free.pop()
        else:
            slot, self._size = self._size, self._size + 1
        self._opened[slot] = opened
        return slot

    def _known(self, slot: int) -> int | None:
        if slot not in self._opened:
            raise ModelError(f"slot {slot} is not open")
        return self._opened[slot]

    def process(
        self, slots: npt.NDArray[np.int32], times_ms: npt.NDArray[np.int64], columns: npt.NDArray[np.float64]
    ) -> dict[str, npt.NDArray[Any]]:
        """When the window of each row opened: ``opened_ms``, int64 (n,), milliseconds since 1970.

        Shapes: ``slots`` integers (n,), ``times_ms`` int64 (n,), ``columns`` float64 (n, d), not used.

        Raises
        ------
        InputError
            Wrong shapes; nothing was changed.
        ModelError
            A slot is not open; nothing was changed.
        """
        rows = np.asarray(columns).shape[0]
        places = integers_of_rows("slots", slots, rows)
        times = integers_of_rows("times_ms", times_ms, rows)
        for slot in np.unique(places).tolist():
            self._known(slot)
        found = np.empty(rows, np.int64)
        for row, (slot, time) in enumerate(zip(places.tolist(), times.tolist(), strict=True)):
            opened = self._opened[slot]
            if opened is None or time - opened >= self.age_ms:
                self._opened[slot] = opened = time
            found[row] = opened
        return {"opened_ms": found}

    def dump(self, slot: int) -> bytes:
        """The whole state of a key."""
        opened = self._known(slot)
        return FRAME.write((self.age_ms, opened is not None, opened or 0), ())

    def load(self, data: bytes) -> int:
        """A slot that continues where `dump` left off, or a SnapshotError that says why not."""
        (age, is_open, opened), _ = FRAME.read(data)
        if age != self.age_ms:
            raise SnapshotError(f"the snapshot is of windows with age_ms {age}, these have {self.age_ms}")
        return self._place(opened if is_open else None)

    def close(self, slot: int) -> None:
        """Forget a key."""
        self._known(slot)
        del self._opened[slot]
        self._free.append(slot)

    @property
    def nbytes(self) -> int:
        """Bytes held by the open slots."""
        return len(self._opened) * _SLOT_BYTES
