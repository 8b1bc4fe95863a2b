"""The hotspots of one stream: a pool with one slot, and the same code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import InputError
from models.hotspots import snapshot
from models.hotspots.pool import HotspotsPool


class Hotspots:
    """Where the last records of a stream lie close together.

    After every record, the window of the last ``window_size`` records (the new one included) is divided by DBSCAN:
    a record with at least ``minimum_points`` records within ``scan_radius`` of it, itself and the edge included, is a
    core record; core records within the radius of each other are in one hotspot, and other records within the
    radius of a core record are on its border. The rest is in none.

    Parameters
    ----------
    columns : int
        Columns of a record, 1..30. Distances are Euclidean, and columns are not scaled.
    window_size : int
        Records in the sliding window, 10..4096.
    scan_radius : float
        How far neighbours lie from each other at most, 1e-100..1e100.
    minimum_points : int
        Neighbours that make a core record, itself included, 2..window_size.

    Raises
    ------
    ParameterError
        An argument is out of its range.

    Notes
    -----
    There is no warm-up: a window that is not full yet is divided as it is. Hotspots do not depend on how a stream is
    cut into calls, and every record is judged with those before it only.

    A border record near two hotspots belongs to the one whose oldest core record is older, and is counted there only;
    so a hotspot may have fewer than ``minimum_points`` records, where others took its border. Division and numbering
    are those of scikit-learn's DBSCAN over the window from the oldest record to the newest.

    Who is near whom is kept from record to record; `HotspotsPool` states memory and time.

    Source: Ester, Kriegel, Sander, Xu, "A Density-Based Algorithm for Discovering Clusters in Large Spatial Databases
    with Noise", KDD 1996.

    Examples
    --------
    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> scattered, close = random.uniform(0, 10, (80, 2)), random.uniform([4, 7], [5, 8], (20, 2))
    >>> model = Hotspots(columns=2, window_size=100, scan_radius=0.5, minimum_points=8)
    >>> (spot,) = model.process(np.concatenate([scattered, close]))["hotspots"][-1]
    >>> bool(spot.records >= 20 and spot.density > 10)
    True
    >>> [round(value) for value in spot.minimums + spot.maximums]
    [4, 7, 5, 8]
    """

    def __init__(self, columns: int, window_size: int, scan_radius: float, minimum_points: int) -> None:
        self._pool = HotspotsPool(columns, window_size, scan_radius, minimum_points)
        self._slot = self._pool.open()

    @property
    def columns(self) -> int:
        """Columns of a record."""
        return self._pool.columns

    def process(self, values: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[Any]]:
        """Take records in order, and find the hotspots after each.

        Parameters
        ----------
        values : float64 (n, columns)
            Records in order. A one-dimensional array is n records of one column.

        Returns
        -------
        dict of arrays (n,)
            ``count`` int64: how many hotspots the window has.
            ``hotspots`` object: a tuple of `Hotspot`, the densest first; of equally dense ones, the one with the
            oldest core record first.

        Raises
        ------
        InputError
            Wrong shape, or a value that is missing (NaN), infinite or further than 1e150 from 0; nothing was changed.
        """
        rows = np.asarray(values, np.float64)
        if rows.ndim == 1 and self.columns == 1:
            rows = rows[:, None]
        if rows.ndim != 2:
            raise InputError(f"values must have two dimensions (records, columns), got shape {rows.shape}")
        n = rows.shape[0]
        return self._pool.process(np.full(n, self._slot, np.int32), np.zeros(n, np.int64), rows)

    @property
    def records(self) -> npt.NDArray[np.float64]:
        """A copy of the records in the window, oldest first, float64 (records, columns)."""
        return self._pool.records(self._slot)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The hotspot of each record in the window, oldest first, int64 (records,): numbered by their oldest core
        records, -1 for a record in none."""
        return self._pool.labels(self._slot)

    def dump(self) -> bytes:
        """The whole state as bytes; equal state gives equal bytes."""
        return self._pool.dump(self._slot)

    @classmethod
    def load(cls, data: bytes) -> Hotspots:
        """The hotspots of a snapshot, which continue bit for bit; SnapshotError if the bytes are not such."""
        parts = snapshot.read(data)
        model = cls.__new__(cls)
        model._pool = HotspotsPool(parts.columns, parts.window_size, parts.scan_radius, parts.minimum_points)
        model._slot = model._pool.load(data)
        return model

    @property
    def nbytes(self) -> int:
        """Bytes the model holds; constant."""
        return self._pool.nbytes
