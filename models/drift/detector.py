"""What the drift detectors share: one value a row in, a verdict and its evidence out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from models.packed_pool import Floats, PackedPool, check_finite


class DetectorPool(PackedPool, ABC):
    """A pool whose kernel takes each value of a key and says whether something has changed."""

    #: Results a row in the kernel's order; a bool is 1 where it is true, and false where the value was left out.
    results: ClassVar[tuple[tuple[str, type], ...]]

    @abstractmethod
    def _detect(self, places: npt.NDArray[np.int64], values: Floats, found: Floats) -> None:
        """Learn `values` (n, 1) of the models at `places` (n,) and fill `found` (n, results)."""

    def process(
        self,
        slots: npt.NDArray[np.int32],
        times_ms: npt.NDArray[np.int64],
        columns: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[Any]]:
        """Learn each value and say whether its key has changed, and by what evidence.

        Shapes: ``slots`` integers (n,), ``times_ms`` (n,), not used, ``columns`` float64 (n, 1).

        Raises
        ------
        InputError
            Wrong shapes, or a value that is not finite; nothing was changed.
        """
        places, values = self._checked(slots, columns)
        check_finite(values)
        found = np.empty((values.shape[0], len(self.results)))
        self._detect(places, values, found)
        by_name = zip(self.results, found.T, strict=True)
        return {name: column == 1.0 if kind is bool else column.astype(kind) for (name, kind), column in by_name}
