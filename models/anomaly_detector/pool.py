"""Many anomaly detectors with the same parameters, one slot a key.

A call goes through three compiled steps, whatever the mix of keys: compare all rows with what is usual for their keys
and learn that, put values and distances through two pools of forests, and turn the scores into grades. Python sees
arrays only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.anomaly_detector import kernels, snapshot
from models.anomaly_detector.profile import LEARNED_FROM
from models.anomaly_detector.state import prepare, size_of
from models.anomaly_detector.verdict import JUDGED_FROM
from models.arguments import check_width, integers_of_rows, whole_number
from models.errors import InputError, ModelError, ParameterError, SnapshotError
from models.random_cut_forest import RandomCutForestPool

#: The forests: large samples see rare but known levels as known, which matters more than the number of trees.
TREES, SAMPLE_SIZE, TIME_DECAY = 30, 2048, 10_000
#: The second forest draws other random numbers than the first.
_OTHER_SEED = 0x9E3779B97F4A7C15
_MOST_COLUMNS = 30


class AnomalyDetectorPool:
    """Anomaly detectors for many keys: judge each row, then learn it.

    Parameters
    ----------
    columns : int
        Columns of a row, 1..30. Each is weighed by its spread in the first 64 records of a key.
    seed : int
        Seed of all randomness, 0..2**64 - 1.
    sensitivity : float
        0..1; a row is an anomaly where its grade is at least ``1 - sensitivity``. It changes what is called an
        anomaly, never score, grade or state, so it may be another one when a snapshot is loaded.

    Notes
    -----
    Memory of a slot is constant, `slot_bytes`: two forests of 30 trees with 2048 samples (6.7 MB for one column) and
    21 KB for the profile and the scores. Time of a row: 10 to 40 microseconds with one column in large calls.
    A call with a value that cannot be taken raises `InputError` and changes nothing.
    A pool is for one thread at a time. `AnomalyDetector` says what the results mean.
    """

    def __init__(self, columns: int = 1, seed: int = 0, sensitivity: float = 0.5) -> None:
        self.columns = whole_number("columns", columns, 1, _MOST_COLUMNS)
        self.seed = whole_number("seed", seed, 0, 2**64 - 1)
        if isinstance(sensitivity, bool) or not isinstance(sensitivity, int | float) or not 0 <= sensitivity <= 1:
            raise ParameterError(f"sensitivity must be in 0..1, got {sensitivity!r}")
        self.sensitivity = float(sensitivity)
        self._forests = tuple(
            RandomCutForestPool(
                self.columns, TREES, SAMPLE_SIZE, TIME_DECAY, seed=chosen, warm_up=JUDGED_FROM - LEARNED_FROM
            )
            for chosen in (self.seed, self.seed ^ _OTHER_SEED)
        )
        self.slot_bytes = 8 * size_of(self.columns) + sum(forests.slot_bytes for forests in self._forests)
        self._states = np.zeros((0, size_of(self.columns)))
        #: for each slot the slots of its two forests; None where it is not open
        self._slots: list[tuple[int, int] | None] = []
        self._forest_slots = np.zeros((2, 0), np.int32)
        self._free: list[int] = []
        kernels.make_ready()

    # ---------------------------------------------------------------- slots
    def open(self) -> int:
        """A fresh detector; its slot."""
        slot = self._place((self._forests[0].open(), self._forests[1].open()))
        prepare(self._states[slot])
        return slot

    def close(self, slot: int) -> None:
        """Forget the detector of a slot and give its forests' memory back; the slot may be handed out again."""
        for forests, place in zip(self._forests, self._opened(slot), strict=True):
            forests.close(place)
        self._slots[slot] = None
        self._free.append(slot)

    def dump(self, slot: int) -> bytes:
        """The whole state of a detector: equal state, equal bytes. Some megabytes once its forests are full."""
        value, distance = self._opened(slot)
        forests = (self._forests[0].dump(value), self._forests[1].dump(distance))
        return snapshot.encode(self.columns, self.seed, self._states[slot], forests)

    def load(self, data: bytes) -> int:
        """A slot that continues bit for bit where `dump` left off; SnapshotError if the bytes are not such a
        detector."""
        parts = snapshot.read(data)
        for name in ("columns", "seed"):
            theirs, ours = getattr(parts, name), getattr(self, name)
            if theirs != ours:
                raise SnapshotError(f"the snapshot is of a detector with {name} {theirs!r}, this one has {ours!r}")
        value = self._forests[0].load(parts.forests[0])
        try:
            distance = self._forests[1].load(parts.forests[1])
        except SnapshotError:
            self._forests[0].close(value)
            raise
        slot = self._place((value, distance))
        self._states[slot] = parts.state
        return slot

    @property
    def nbytes(self) -> int:
        """Bytes held by the open detectors."""
        return (len(self._slots) - len(self._free)) * self.slot_bytes

    def _place(self, forest_slots: tuple[int, int]) -> int:
        if self._free:
            slot = self._free.pop()
            self._slots[slot] = forest_slots
        else:
            slot = len(self._slots)
            self._slots.append(forest_slots)
            if slot >= self._states.shape[0]:
                room = max(8, 2 * slot)
                states, places = np.zeros((room, self._states.shape[1])), np.zeros((2, room), np.int32)
                states[:slot], places[:, :slot] = self._states[:slot], self._forest_slots[:, :slot]
                self._states, self._forest_slots = states, places
        self._forest_slots[:, slot] = forest_slots
        return slot

    def _opened(self, slot: int) -> tuple[int, int]:
        found = self._slots[slot] if 0 <= slot < len(self._slots) else None
        if found is None:
            raise ModelError(f"slot {slot} is not open")
        return found

    # ---------------------------------------------------------------- rows
    def process(
        self,
        slots: npt.NDArray[np.int32],
        times_ms: npt.NDArray[np.int64],
        columns: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[Any]]:
        """Judge each row with the detector of its slot, then learn it; rows of one slot in the order given.

        Shapes: ``slots`` (n,), ``times_ms`` int64 (n,) milliseconds since 1970 UTC, ``columns`` float64
        (n, columns), NaN where a value is missing. Returns arrays of n rows as `AnomalyDetector.process` does.

        Raises
        ------
        InputError
            Wrong shapes, or a value that is infinite or further than 1e300 from 0; nothing was changed.
        """
        places, times, values = self._checked(slots, times_ms, columns)
        n = values.shape[0]
        features, judged = np.empty((n, 2 * self.columns)), np.empty((n, 4))
        records = np.empty(n, np.int64)
        kernels.take_rows(self._states, places, times, values, features, judged, records)
        chosen = np.flatnonzero(records >= 0)
        scores = np.empty((chosen.size, 2))
        for number, forests in enumerate(self._forests):
            part = features[chosen, number * self.columns : (number + 1) * self.columns]
            theirs = self._forest_slots[number, places[chosen]]
            scores[:, number] = forests.process(theirs, times[chosen], part)["score"]
        score, grade = np.zeros(n), np.zeros(n)
        kernels.judge_rows(self._states, places, records, scores, score, grade)
        by_time = np.zeros(n, np.bool_)
        by_time[chosen] = scores[:, 1] > scores[:, 0]
        return {
            "score": score,
            "grade": grade,
            "is_anomaly": (grade >= 1.0 - self.sensitivity) & (grade > 0.0),
            "expected": judged[:, 0].copy(),
            "column": judged[:, 1].astype(np.int64),
            "value": judged[:, 2].copy(),
            "deviation": judged[:, 3].copy(),
            "by_time": by_time,
        }

    def _checked(
        self, slots: Any, times_ms: Any, columns: Any
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The rows as the kernels take them, after all that could be wrong with them."""
        values = np.ascontiguousarray(columns, np.float64)
        if not values.flags.carray:  # read-only or unaligned: the kernels are compiled for one kind of array
            values = values.copy()
        check_width(values, self.columns)
        slots = integers_of_rows("slots", slots, values.shape[0])
        times = integers_of_rows("times", times_ms, values.shape[0])
        refused = kernels.refused_value(values)
        if refused >= 0:
            row, column = divmod(int(refused), self.columns)
            raise InputError(
                f"row {row}, column {column}: {float(values[row, column])!r} is not within {kernels.LARGEST:g} of 0; "
                "leave the row out, or give NaN for a value that is missing"
            )
        for slot in np.unique(slots).tolist():
            self._opened(slot)
        return slots.astype(np.int64), np.array(times, np.int64), values
