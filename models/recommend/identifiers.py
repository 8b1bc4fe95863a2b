"""Ids of any 64 bits as small numbers: the places of items and users in arrays, at most so many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import whole_number

Longs = npt.NDArray[np.int64]

LARGEST_CAPACITY = 1 << 24
#: Where all places are taken, this part of them is freed at once, so that freeing costs little for each new id.
FREED_PART = 16


class Places:
    """A place, 0 to capacity - 1, for each id; the ids that were not seen for longest give theirs up.

    Parameters
    ----------
    name
        What the ids are of, for messages.
    capacity
        Places there are, 16 to 16,777,216.

    Notes
    -----
    Memory: some 120 bytes an id, taken as ids come. `find` and `take` cost a look into a dict; each `capacity / 16`
    new ids beyond the capacity cost a sort of the times of all.
    """

    def __init__(self, name: str, capacity: int) -> None:
        self.capacity = whole_number(name, capacity, FREED_PART, LARGEST_CAPACITY)
        #: id by place, and the time when it was last taken; -1 where the place is free
        self.ids: Longs = np.zeros(FREED_PART, np.int64)
        self.last_ms: Longs = np.full(FREED_PART, -1, np.int64)
        self._places: dict[int, int] = {}
        self._free: list[int] = []
        self.used = 0

    def __len__(self) -> int:
        return len(self._places)

    def find(self, identifier: int) -> int:
        """The place of an id, or -1."""
        return self._places.get(identifier, -1)

    def full(self) -> bool:
        """Whether a new id needs `oldest` to be freed first."""
        return not self._free and self.used == self.capacity

    def take(self, identifier: int, time_ms: int) -> int:
        """The place of an id, a new one if it has none; it must not be `full` then."""
        place = self._places.get(identifier, -1)
        if place < 0:
            if self._free:
                place = self._free.pop()
            else:
                place = self.used
                self.used += 1
                if place == self.ids.size:
                    self._grow()
            self._places[identifier] = place
            self.ids[place] = identifier
        self.last_ms[place] = time_ms
        return place

    def free_oldest(self) -> npt.NDArray[np.int64]:
        """Free the places that were not taken for longest, ties by place; which they are."""
        order = np.lexsort((np.arange(self.used), self.last_ms[: self.used]))
        order = order[self.last_ms[order] >= 0][: max(1, self.capacity // FREED_PART)]
        for place in order.tolist():
            del self._places[int(self.ids[place])]
            self._free.append(place)
        self.last_ms[order] = -1
        return order

    def _grow(self) -> None:
        size = min(self.capacity, 2 * self.ids.size)
        self.ids, self.last_ms = grown(self.ids, size, 0), grown(self.last_ms, size, -1)

    # ---------------------------------------------------------------- snapshots
    def arrays(self) -> dict[str, npt.NDArray[np.int64]]:
        """What a snapshot keeps: ids and times by place, and the free places in the order they are handed out."""
        return {
            "ids": self.ids[: self.used], "last_ms": self.last_ms[: self.used],
            "free": np.array(self._free, np.int64),
        }  # fmt: skip

    def restore(self, arrays: dict[str, npt.NDArray[np.int64]]) -> None:
        """The places `arrays` told of."""
        self.used = arrays["ids"].size
        size = max(FREED_PART, self.used)
        self.ids, self.last_ms = grown(arrays["ids"], size, 0), grown(arrays["last_ms"], size, -1)
        self._free = arrays["free"].tolist()
        self._places = {int(self.ids[place]): place for place in range(self.used) if self.last_ms[place] >= 0}


def grown(array: npt.NDArray[Any], size: int, fill: int) -> npt.NDArray[Any]:
    """A copy of an array with `size` rows, the new ones filled."""
    more = np.full((size, *array.shape[1:]), fill, array.dtype)
    more[: min(size, array.shape[0])] = array[:size]
    return more
