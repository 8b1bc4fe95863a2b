"""The interface of every pool of models: what the host of a table function talks to."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class ModelPool(Protocol):
    """Many models of one kind and one set of parameters, one slot a key.

    For every pool ``process(a ++ b)`` equals ``process(a) ++ process(b)`` bit for bit, whatever the mix of
    slots, and a slot that was dumped and loaded continues with the same bits. Inputs are never written to.
    """

    def open(self) -> int:
        """A fresh model; its slot."""
        ...

    def process(
        self, slots: npt.NDArray[np.int32], times_ms: npt.NDArray[np.int64], columns: npt.NDArray[np.float64]
    ) -> dict[str, npt.NDArray[Any]]:
        """Score each row with the model of its slot, then learn it, row by row.

        Shapes: ``slots`` int32 (n,), ``times_ms`` int64 (n,) milliseconds since 1970 UTC, ``columns`` float64
        (n, d); the result holds arrays of n rows in the order of the rows.
        """
        ...

    def dump(self, slot: int) -> bytes:
        """The whole state of a model: kind, version, parameters, checksum."""
        ...

    def load(self, data: bytes) -> int:
        """A slot that continues bit for bit where `dump` left off, or a SnapshotError that says why not."""
        ...

    def close(self, slot: int) -> None:
        """Forget the model of a slot."""
        ...

    @property
    def nbytes(self) -> int:
        """Bytes held by the models now open."""
        ...
