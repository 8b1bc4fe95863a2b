"""What everybody clicks: in a fixed time, and in a window that slides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import whole_number
from models.recommend import kernels
from models.recommend.columns import Column, Columns, check_places
from models.recommend.ranking import DAY_MS, MINUTE_MS, ClickRanking, Floats, Ints, Longs

FOREVER_MS = 1 << 62


class PopularStatic(ClickRanking):
    """The items with most clicks between two times, the same for everybody: the baseline of the original system.

    Parameters
    ----------
    since_ms, until_ms
        Clicks from `since_ms` on and before `until_ms` are counted, milliseconds since 1970 UTC; all by default.
    common
        As for `ClickRanking`.
    """

    kind = "popular-static"

    def __init__(self, *, since_ms: int = 0, until_ms: int = FOREVER_MS, **common: Any) -> None:
        self.since_ms = whole_number("since_ms", since_ms, 0, FOREVER_MS)
        self.until_ms = whole_number("until_ms", until_ms, 0, FOREVER_MS)
        super().__init__(**common, since_ms=self.since_ms, until_ms=self.until_ms)
        self._counted = Columns(clicks=Column("f8", 0))

    def _tables(self) -> list[Columns]:
        return [*super()._tables(), self._counted]

    def _learn(self, user: int, item: int, history: Ints, before: int, now: int) -> None:
        if self.since_ms <= now < self.until_ms:
            self._counted["clicks"][item] += 1.0

    def knows(self, item: int) -> bool:
        """Whether an item was clicked in that time."""
        place = self._items.find(item)
        return place >= 0 and bool(self._counted["clicks"][place] > 0.0)

    def _score(self, user: int, history: Ints, now: int) -> tuple[Longs, Floats]:
        clicks = self._counted["clicks"][: self._items.used]
        return self._every_item(), np.where(clicks > 0.0, clicks, -np.inf)


class PopularWindow(ClickRanking):
    """The items with most clicks in the last minutes or hours, the same for everybody.

    Parameters
    ----------
    window_ms
        Milliseconds the window reaches back; 10 minutes by default. A click at its far end is not in it.
    most
        Clicks the window holds at most, 16 to 16,777,216; where more come, the window is shorter.
    common
        As for `ClickRanking`.

    Notes
    -----
    Memory: 12 bytes for each of `most`. The count is exact, not in steps.
    """

    kind = "popular-window"

    def __init__(self, *, window_ms: int = 10 * MINUTE_MS, most: int = 1 << 20, **common: Any) -> None:
        self.window_ms = whole_number("window_ms", window_ms, 1, 365 * DAY_MS)
        self.most = whole_number("most", most, 16, 1 << 24)
        super().__init__(**common, window_ms=self.window_ms, most=self.most)
        self._counted = Columns(clicks=Column("f8", 0))
        self._ring_items = np.full(16, -1, np.int32)
        self._ring_ms = np.zeros(16, np.int64)
        self._first = self._end = 0

    def _tables(self) -> list[Columns]:
        return [*super()._tables(), self._counted]

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays now held; ids take some 120 each besides."""
        return super().nbytes + self._ring_items.nbytes + self._ring_ms.nbytes

    def _learn(self, user: int, item: int, history: Ints, before: int, now: int) -> None:
        self._first = self._leave(self._first, now - self.window_ms, -1.0)
        if self._end - self._first == self._ring_ms.size:
            if self._ring_ms.size < self.most:
                self._grow()
            else:
                self._first = self._leave_one()
        place = self._end % self._ring_ms.size
        self._ring_items[place], self._ring_ms[place] = item, now
        self._end += 1
        self._counted["clicks"][item] += 1.0

    def _score(self, user: int, history: Ints, now: int) -> tuple[Longs, Floats]:
        # what has left the window since the last click is put back: ranking changes nothing
        until = now - self.window_ms
        end = self._leave(self._first, until, -1.0)
        clicks = self._counted["clicks"][: self._items.used]
        scores = np.where(clicks > 0.0, clicks, -np.inf)
        if end > self._first:
            self._leave(self._first, until, 1.0)
        return self._every_item(), scores

    def _leave(self, first: int, until_ms: int, amount: float) -> int:
        return int(
            kernels.leave(self._ring_items, self._ring_ms, self._counted["clicks"], first, self._end, until_ms, amount)
        )

    def _leave_one(self) -> int:
        item = self._ring_items[self._first % self._ring_ms.size]
        if item >= 0:
            self._counted["clicks"][item] -= 1.0
        return self._first + 1

    def _grow(self) -> None:
        items, times = self._ring()
        size = min(self.most, 2 * self._ring_ms.size)
        self._place_ring(items, times, size)

    def _ring(self) -> tuple[Ints, Longs]:
        """The clicks in the window, oldest first."""
        places = np.arange(self._first, self._end) % self._ring_ms.size
        return self._ring_items[places], self._ring_ms[places]

    def _place_ring(self, items: Ints, times: Longs, size: int) -> None:
        self._ring_items, self._ring_ms = np.full(size, -1, np.int32), np.zeros(size, np.int64)
        self._ring_items[: items.size], self._ring_ms[: items.size] = items, times
        self._first, self._end = 0, items.size

    def _forget_items(self, gone: Longs) -> None:
        super()._forget_items(gone)
        self._ring_items[np.isin(self._ring_items, gone)] = -1

    def _other_state(self) -> dict[str, npt.NDArray[Any]]:
        items, times = self._ring()
        return {"ring_items": items, "ring_ms": times}

    def _restore_other(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        check_places("window", arrays["ring_items"], self._items.used)
        size = 16
        while size < arrays["ring_ms"].size:
            size = min(2 * size, self.most)
        self._place_ring(arrays["ring_items"], arrays["ring_ms"], size)


class RandomRanking(ClickRanking):
    """Every known item with the same score, so that only the seed decides: a control, which no ranking may lose to."""

    kind = "random"

    def _score(self, user: int, history: Ints, now: int) -> tuple[Longs, Floats]:
        known = self._items.last_ms[: self._items.used] >= 0
        return self._every_item(), np.where(known, 0.0, -np.inf)
