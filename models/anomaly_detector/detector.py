"""One anomaly detector: a pool with one slot, and the same code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.anomaly_detector import snapshot
from models.anomaly_detector.pool import AnomalyDetectorPool
from models.errors import InputError


class AnomalyDetector:
    """A verdict on every record of a stream, with one configuration for all streams and one dial.

    Two forests score a record: one sees the values, one their distance from what is usual at that time of day and
    week. A score that is rare in this stream and that was not announced a moment ago becomes a grade.

    Parameters
    ----------
    columns : int
        Columns of a record, 1..30.
    seed : int
        Seed of all randomness: equal seed and records give equal results, bit for bit.
    sensitivity : float
        0..1, the dial: a record is an anomaly where its grade is at least ``1 - sensitivity``. At 0 none is, at 1
        every record with a grade above 0.

    Raises
    ------
    ParameterError
        An argument is out of its range.

    Notes
    -----
    Causal: the results of a prefix never change when the stream goes on, and do not depend on how it is cut into
    calls. Scores and grades are 0 for the first 100 records. `AnomalyDetectorPool` states memory and time.

    Records may come at any pace, with equal times, with gaps of days, or with times that go back: a time tells the
    slot of day and week, and the time since the record before it, at most half an hour, is its weight there. Without
    usable times (all equal) the expected value is the recent level. Times are UTC; a change of the clock at the
    place looks like a shift of the day by an hour and is learned within days.

    NaN is a value that is missing: in a record with other values it is taken to be as expected; a record without any
    value scores 0 and teaches nothing.

    Source of the forests: Guha, Mishra, Roy, Schrijvers, "Robust Random Cut Forest Based Anomaly Detection on
    Streams", ICML 2016.

    Examples
    --------
    >>> import numpy as np
    >>> times = 1_700_000_000_000 + 300_000 * np.arange(4000)
    >>> values = np.sin(2 * np.pi * times / 86_400_000) + np.random.default_rng(0).uniform(0, 0.2, 4000)
    >>> values[3000:3010] = 4.0
    >>> result = AnomalyDetector(sensitivity=0.2).process(times, values)
    >>> np.flatnonzero(result["is_anomaly"]).tolist()
    [3000]
    >>> bool(abs(result["expected"][3000] - values[3000 - 288]) < 0.3)
    True
    """

    def __init__(self, columns: int = 1, seed: int = 0, sensitivity: float = 0.5) -> None:
        self._pool = AnomalyDetectorPool(columns, seed, sensitivity)
        self._slot = self._pool.open()

    @property
    def columns(self) -> int:
        """Columns of a record."""
        return self._pool.columns

    def process(self, epoch_ms: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[Any]]:
        """Judge each record with what was learned before it, then learn it.

        Parameters
        ----------
        epoch_ms : int64 (n,)
            Times of the records, milliseconds since 1970 UTC.
        values : float64 (n, columns)
            Records in order; NaN where a value is missing. A one-dimensional array is n records of one column.

        Returns
        -------
        dict of arrays (n,)
            ``score`` float64: mean score of the two forests; about 0.7 is ordinary, above 2 to 3 striking.
            ``grade`` float64, 0..1: how rare that is in this stream; 0 while the cool-down lasts.
            ``is_anomaly`` bool: the grade is at least ``1 - sensitivity``.
            ``expected`` float64: what was expected of the column that stands out most, before the record was seen;
            of a first value the value itself, NaN while a column has never had a value.
            ``column`` int64: the number of that column.
            ``value`` float64: its value.
            ``deviation`` float64: value less expected, in mean distances from the expected; at most 1e6.
            ``by_time`` bool: the distance from the usual stands out more than the value itself.

        Raises
        ------
        InputError
            Wrong shapes, or a value that is infinite or further than 1e300 from 0; the detector is unchanged.
        """
        rows = np.asarray(values, np.float64)
        if rows.ndim == 1 and self.columns == 1:
            rows = rows[:, None]
        if rows.ndim != 2:
            raise InputError(f"values must have two dimensions (records, columns), got shape {rows.shape}")
        return self._pool.process(np.full(rows.shape[0], self._slot, np.int32), epoch_ms, rows)

    def dump(self) -> bytes:
        """The whole state as bytes; equal state gives equal bytes."""
        return self._pool.dump(self._slot)

    @classmethod
    def load(cls, data: bytes, sensitivity: float = 0.5) -> AnomalyDetector:
        """The detector of a snapshot, which continues bit for bit; SnapshotError if the bytes are not one."""
        parts = snapshot.read(data)
        detector = cls.__new__(cls)
        detector._pool = AnomalyDetectorPool(parts.columns, parts.seed, sensitivity)
        detector._slot = detector._pool.load(data)
        return detector

    @property
    def nbytes(self) -> int:
        """Bytes the detector holds; constant."""
        return self._pool.nbytes
