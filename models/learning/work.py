"""What a learner's kernel is asked to do with rows."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

#: One of these a row.
PREDICT, LEARN, BOTH = 1, 2, 3

Work: TypeAlias = npt.NDArray[np.int8]


def all_rows(what: int, rows: int) -> Any:
    """The same work for every row."""
    return np.full(rows, what, np.int8)
