"""The vectors of items, of one version of the model that made them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import InputError, ParameterError

#: Ids travel as float64 with the other columns; up to here each is exact.
LARGEST_ID = 1 << 53


class ItemVectors:
    """A vector for each item, looked up by id; read-only.

    Parameters
    ----------
    version
        Of the model that made them. Vectors of two versions mean different things and are never put together: a new
        version is a new object with all items in it.
    ids
        (items,) whole numbers, each once, at most 2**53 from zero.
    vectors
        (items, d) finite numbers, kept as float32.

    Notes
    -----
    Memory: ``4 * d + 8`` bytes an item. A look-up is a binary search.
    """

    def __init__(self, version: int, ids: Any, vectors: Any) -> None:
        keys, matrix = np.asarray(ids), np.asarray(vectors, np.float32)
        if keys.dtype.kind not in "iu" or keys.ndim != 1:
            raise ParameterError(f"ids must be whole numbers (items,), got {keys.dtype} {keys.shape}")
        if matrix.ndim != 2 or matrix.shape[0] != keys.size or matrix.shape[1] < 1:
            raise ParameterError(f"vectors must be (items, d) with d above 0, got {matrix.shape} for {keys.size} ids")
        if not np.isfinite(matrix).all():
            raise ParameterError("vectors must be finite numbers; leave items without one out")
        order = np.argsort(keys, kind="stable")
        self.version = version
        self.ids: npt.NDArray[np.int64] = keys[order].astype(np.int64)
        if self.ids.size and (np.diff(self.ids) == 0).any():
            raise ParameterError("ids must be different; an item has one vector in a version")
        if self.ids.size and max(-int(self.ids[0]), int(self.ids[-1])) > LARGEST_ID:
            raise ParameterError(f"ids must be within 2**53 of zero, got {self.ids[0]} to {self.ids[-1]}")
        #: (items, d) in the order of `ids`
        self.vectors: npt.NDArray[np.float32] = np.ascontiguousarray(matrix[order])
        self.ids.flags.writeable = self.vectors.flags.writeable = False

    @property
    def dimensions(self) -> int:
        """Components of a vector."""
        return int(self.vectors.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.ids.nbytes + self.vectors.nbytes


def checked_ids(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ids as they come in a column; InputError where one is no whole number within 2**53 of zero."""
    with np.errstate(invalid="ignore"):
        wrong = ~((np.abs(values) <= LARGEST_ID) & (np.floor(values) == values))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(f"row {row}: an item must be a whole number within 2**53 of zero, got {float(values[row])!r}")
    return values
