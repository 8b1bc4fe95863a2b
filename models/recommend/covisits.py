"""What is read behind what: neighbours of items with fading weights, and the ranking by them."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.arguments import whole_number
from models.recommend import kernels
from models.recommend.columns import Column, Columns
from models.recommend.ranking import DAY_MS, FALLBACK, ClickRanking, Floats, Ints, Longs

#: Neighbours kept of an item.
NEIGHBOURS = 48
#: What the other way round counts: that the earlier item follows the later one.
BACK = 0.5
#: Weight that an item's neighbours must have before they count for half.
PRIOR = 3.0
#: What an item's share of the clicks of an hour counts beside its chance behind one read. Of 1, 3 and 10 the best
#: one on the recorded clicks before their test.
POPULAR = 3.0


class CoVisits(Columns):
    """For each item the items read behind it, with weights that fade; a table of `NEIGHBOURS` an item.

    Parameters
    ----------
    half_life_ms
        Time in which a weight halves.
    depth
        Reads before a click that it is learned from.
    """

    def __init__(self, half_life_ms: float, depth: int) -> None:
        super().__init__(
            neighbours=Column("i4", -1, (NEIGHBOURS,), places=True), weights=Column("f4", 0, (NEIGHBOURS,)),
            totals=Column("f8", 0), stamps_ms=Column("i8", 0),
        )  # fmt: skip
        self.half_life_ms = half_life_ms
        self.depth = depth

    def learn(self, history: Ints, item: int, now: int) -> None:
        """Learn that an item was read behind a history."""
        kernels.covisit(
            self["neighbours"], self["weights"], self["totals"], self["stamps_ms"], history, self.depth, item, now,
            self.half_life_ms, BACK,
        )  # fmt: skip

    def add_scores(self, history: Ints, now: int, result: Floats) -> None:
        """Add the chance of each item behind the last reads to `result` (items,)."""
        kernels.covisit_scores(
            self["neighbours"], self["weights"], self["totals"], self["stamps_ms"], history, self.depth, now,
            self.half_life_ms, PRIOR, result,
        )  # fmt: skip

    def forget(self, gone: Longs) -> None:
        """Take items out of the neighbours of others."""
        neighbours = self["neighbours"]
        found = np.isin(neighbours, gone)
        neighbours[found] = -1
        self["weights"][found] = 0.0


class CoVisitRanking(ClickRanking):
    """What others read behind the last items of this user, and what is popular within the hour.

    The chance of an item behind each of the last `depth` reads (the k-th counts 1 / k) is added to three times its
    share of the clicks of the last hour. A user without history gets what is popular.

    Parameters
    ----------
    half_life_ms
        Time in which a weight halves; a day by default.
    depth
        Reads that are looked at, 1 to 30.
    common
        As for `ClickRanking`.

    Notes
    -----
    Memory: 400 bytes an item more than others.
    """

    kind = "covisit"

    def __init__(self, *, half_life_ms: int = DAY_MS, depth: int = 3, **common: Any) -> None:
        half_life_ms = whole_number("half_life_ms", half_life_ms, 1000, 365 * DAY_MS)
        depth = whole_number("depth", depth, 1, 30)
        super().__init__(**common, half_life_ms=half_life_ms, depth=depth)
        self._covisits = CoVisits(float(half_life_ms), depth)

    def _tables(self) -> list[Columns]:
        return [*super()._tables(), self._covisits]

    def _learn(self, user: int, item: int, history: Ints, before: int, now: int) -> None:
        self._covisits.learn(history, item, now)

    def _score(self, user: int, history: Ints, now: int) -> tuple[Longs, Floats]:
        scores = self._rates(FALLBACK, now)
        total = float(scores.sum())
        if total > 0.0:
            scores *= POPULAR / total
        self._covisits.add_scores(history, now, scores)
        scores[scores <= 0.0] = -np.inf
        return self._every_item(), scores

    def _forget_items(self, gone: Longs) -> None:
        super()._forget_items(gone)
        self._covisits.forget(gone)
