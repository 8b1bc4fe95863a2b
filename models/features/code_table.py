"""One-hot without knowing the values: a table in a model's state that numbers the codes it has learned.

Open addressing: an entry is ``column * 2**32 + code + 1``, 0 where it is empty, and its place is the number of the
value. A table takes values until seven eighths of it are full; a value beyond that adds nothing, as one never seen.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inner

State = npt.NDArray[np.float64]

_COLUMN = 2.0**32


@inner
def find(state: State, table: int, size: int, column: int, code: float) -> Any:
    """The number of a value, or -1 - the place where it would go."""
    wanted = column * _COLUMN + code + 1.0
    place: Any = (np.int64(code) + column * 40503) % size
    while state[table + place] != 0.0:
        if state[table + place] == wanted:
            return place
        place += 1
        if place == size:
            place = 0
    return -1 - place


@inner
def find_or_add(state: State, table: int, size: int, count: int, column: int, code: float) -> Any:
    """The number of a value, numbered now if need be; -1 if the table takes no more. ``count`` is where it counts."""
    place = find(state, table, size, column, code)
    if place >= 0:
        return place
    if state[count] >= size - (size + 7) // 8:
        return -1
    place = -1 - place
    state[table + place] = column * _COLUMN + code + 1.0
    state[count] += 1.0
    return place


def is_sound_table(entries: State, count: float, columns: int) -> bool:
    """Whether a table could have been left by these functions: whole numbers, as many as counted, one place free."""
    used = entries[entries != 0.0]
    return bool(
        used.size == count
        and count <= entries.size - math.ceil(entries.size / 8)
        and (used == np.floor(used)).all()
        and (used >= 1.0).all()
        and (used <= columns * _COLUMN).all()
    )
