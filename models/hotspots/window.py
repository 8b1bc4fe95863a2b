"""The records of one key's sliding window, and who is near whom.

Only the records and their order are state: the rest follows from them, so a window made from its records continues
with the same bits wherever they lie in it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.hotspots import kernels
from models.hotspots.kernels import HEAD, HELD


def window_bytes(columns: int, window_size: int) -> int:
    """Bytes of a window: values, a matrix of bits, numbers of neighbours."""
    return 8 * (columns * window_size + window_size * _words(window_size) + window_size + 2)


def _words(window_size: int) -> int:
    return -(-window_size // 64)


class Window:
    """The last ``window_size`` records of one key; the arrays are those the kernels take."""

    __slots__ = ("held", "near", "neighbours", "points")

    def __init__(self, columns: int, window_size: int) -> None:
        #: one line a column, so that a distance to all records is a loop over neighbouring numbers
        self.points = np.zeros((columns, window_size))
        #: bit k of a row is set where the records at the two places lie within the radius
        self.near = np.zeros((window_size, _words(window_size)), np.uint64)
        #: how many records lie within the radius of a place's record, itself included
        self.neighbours = np.zeros(window_size, np.int64)
        #: place of the oldest record, and records held
        self.held = np.zeros(2, np.int64)

    @classmethod
    def of(cls, records: npt.NDArray[np.float64], window_size: int, radius_squared: float) -> Window:
        """The window that holds these records, oldest first; at most ``window_size``."""
        window = cls(records.shape[1], window_size)
        kernels.learn_rows(window.points, window.near, window.neighbours, window.held, records, radius_squared)
        return window

    @property
    def records(self) -> npt.NDArray[np.float64]:
        """A copy of the records, oldest first, (records, columns)."""
        return np.ascontiguousarray(self.points[:, self._order].T)

    def labels(self, minimum: int) -> npt.NDArray[np.int64]:
        """The number of each record's cluster, oldest record first; -1 where it is in none."""
        labels = np.empty(self.neighbours.size, np.int64)
        kernels.label_places(self.points, self.near, self.neighbours, self.held, minimum, labels)
        return labels[self._order]

    @property
    def _order(self) -> npt.NDArray[np.int64]:
        """Places from the oldest record to the newest."""
        return (self.held[HEAD] + np.arange(self.held[HELD])) % self.neighbours.size
