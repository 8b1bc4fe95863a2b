"""Arrays with one row for each place, which grow together, forget rows together and are kept in snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.errors import SnapshotError
from models.recommend.identifiers import grown


class Column(NamedTuple):
    """Kind of numbers of a column, what a fresh row holds, the shape of a row, and whether it holds places of items."""

    dtype: str
    fill: int
    shape: tuple[int, ...] = ()
    places: bool = False


class Columns:
    """Named arrays of `rows` rows; rows are made as they are asked for.

    Parameters
    ----------
    declared
        The columns.
    """

    def __init__(self, **declared: Column) -> None:
        self._declared = declared
        self.rows = 0
        self._arrays: dict[str, npt.NDArray[Any]] = {
            name: np.full((0, *column.shape), column.fill, column.dtype) for name, column in declared.items()
        }

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._arrays[name]

    def reach(self, rows: int) -> None:
        """Make sure that there are so many rows; growth doubles, so its cost is spread."""
        if rows <= self.rows:
            return
        self.rows = max(rows, 2 * self.rows, 16)
        for name, column in self._declared.items():
            self._arrays[name] = grown(self._arrays[name], self.rows, column.fill)

    def clear(self, places: npt.NDArray[np.int64]) -> None:
        """Give rows back their fresh state; rows that were never made need none."""
        inside = places[places < self.rows]
        for name, column in self._declared.items():
            self._arrays[name][inside] = column.fill

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self._arrays.values())

    def arrays(self, rows: int) -> dict[str, npt.NDArray[Any]]:
        """What a snapshot keeps: the rows in use."""
        self.reach(rows)
        return {name: array[:rows] for name, array in self._arrays.items()}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]], rows: int, items: int) -> None:
        """The rows a snapshot kept; SnapshotError if they have another form, or name places beyond `items`."""
        for name, column in self._declared.items():
            array = arrays[name]
            if array.dtype != np.dtype(column.dtype) or array.shape != (rows, *column.shape):
                raise SnapshotError(
                    f"the snapshot is inconsistent: its {name} are {array.dtype} {array.shape}, this ranking has "
                    f"{np.dtype(column.dtype)} {(rows, *column.shape)}"
                )
            if column.places:
                check_places(name, array, items)
        self.rows = rows and max(rows, 16)
        self._arrays = {name: grown(arrays[name], self.rows, column.fill) for name, column in self._declared.items()}


def check_places(name: str, places: npt.NDArray[Any], items: int) -> None:
    """Check that places, by which kernels index, are those of items, or -1 for none; SnapshotError if not."""
    if places.dtype.kind != "i" or (places.size and not -1 <= places.min() <= places.max() < items):
        raise SnapshotError(f"the snapshot is inconsistent: its {name} name items there are not, of {items}")
