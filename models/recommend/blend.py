"""The default ranking: recency, co-visits, the user's vector and the time of day, weighed by what was clicked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import whole_number
from models.errors import SnapshotError
from models.recommend import blend_kernels
from models.recommend.blend_kernels import FEATURES
from models.recommend.columns import Column, Columns, check_places
from models.recommend.covisits import NEIGHBOURS, CoVisits
from models.recommend.ranking import DAY_MS, FALLBACK, HALF_LIVES_MS, MINUTE_MS, ClickRanking, Floats, Ints, Longs
from models.recommend.vectors import ClickVectors

#: Fading counts whose largest are candidates, and how many of each.
HOT = ((0, 100), (1, 120), (2, 120), (4, 60))
#: Last clicks that are candidates too.
RECENT = 64
#: The hot items are looked for again when so much time has passed.
REFRESH_MS = MINUTE_MS
#: A visit ends with so long a pause.
VISIT_MS = 30 * MINUTE_MS
#: Reads whose neighbours are candidates, and from which co-visits are learned.
DEPTH = 3
#: Kinds of users: without history, back after a pause, on a visit behind its first read, and further on.
NOBODY, RETURNING, SECOND, FURTHER = range(4)
KINDS = 4
DAYPARTS = 8
#: Rows of the weights: one that always holds, one a kind of user, one a part of the day.
DAYPART = 1 + KINDS
CONTEXTS = DAYPART + DAYPARTS
#: Size of AdaGrad's steps, and what its sums of squares begin with.
RATE = 0.1
FIRST_SQUARES = 1.0
#: Size of the steps of an item's appeal.
APPEAL_RATE = 0.05


class BlendRanking(ClickRanking):
    """Candidates from everywhere, weighed by an online model of which one is clicked.

    Candidates are what is popular at several windows, what was clicked last, and what follows the last reads. The
    chance of each is a conditional logit: the exponential of its score over those of all candidates. The score is a
    weighted sum of logarithms of its fading counts (half-lives of 2.5 minutes to 7 days), its lift behind each of the
    last three reads (by how much they raise its chance), the cosines of its vector to the user's and to the last
    read's, and its ages; with weights for everybody, for the kind of user (none read, returning, on a visit) and for
    the part of the day added up. To this comes the item's own appeal, for everybody and by kind of user. After each
    click on something new the weights and appeals take a step towards having expected it. So every list is made by
    what was known from clicks before.

    Parameters
    ----------
    dimensions
        Of the vectors, which are learned from clicks, 8 to 1,024.
    common
        As for `ClickRanking`.

    Notes
    -----
    Before the first clicks it ranks by the counts of 10 minutes and one hour. Memory: 750 bytes an item with 64
    dimensions, besides what all rankings keep. `rank` takes some 50 microseconds of one core, `learn` 80.

    Sources: McFadden, "Conditional logit analysis of qualitative choice behavior", 1973; Duchi, Hazan, Singer,
    "Adaptive subgradient methods", 2011. Appeal with steps of one size is the rating of Elo, 1978, among many.
    """

    kind = "blend"

    def __init__(self, *, dimensions: int = 64, **common: Any) -> None:
        dimensions = whole_number("dimensions", dimensions, 8, 1024)
        super().__init__(**common, dimensions=dimensions)
        self._covisits = CoVisits(float(DAY_MS), DEPTH)
        self._vectors = ClickVectors(dimensions, self.seed)
        self._appeal = Columns(appeal=Column("f8", 0, (1 + KINDS,)))
        #: (contexts, features)
        self.weights: Floats = np.zeros((CONTEXTS, FEATURES))
        self.weights[0, 1:3] = 0.5
        self._squares: Floats = np.full((CONTEXTS, FEATURES), FIRST_SQUARES)
        self._hot = self._none
        self._hot_ms = self._clicked_ms = -1
        self._recent: Ints = np.full(RECENT, -1, np.int32)
        self._clicks = 0
        #: fading count of all clicks within the hour, as of the last one
        self._popular = 0.0
        # scratch of the kernels: items that are candidates already, and the place of each among them
        self._mark = 0
        self._marks: Longs = np.zeros(0, np.int64)
        self._places: Longs = np.zeros(0, np.int64)
        blend_kernels.compile_all()

    def _tables(self) -> list[Columns]:
        return [*super()._tables(), self._covisits, self._vectors, self._appeal]

    # ---------------------------------------------------------------- ranking
    def _score(self, user: int, history: Ints, now: int) -> tuple[Longs, Floats]:
        candidates = self._candidates(history)
        scores = np.empty(candidates.size)
        if candidates.size:
            before = int(self._users.last_ms[user]) if user >= 0 else -1
            features, kind = self._features(candidates, history, before, now), _kind(history, before, now)
            appeal = self._appeal["appeal"]
            blend_kernels.weigh(features, self.weights, _contexts(kind, now), candidates, appeal, kind, scores)
        return candidates, scores

    def _candidates(self, history: Ints) -> Longs:
        if self._marks.size < self._by_item.rows:
            self._mark, self._marks = 0, np.zeros(self._by_item.rows, np.int64)
            self._places = np.full(self._by_item.rows, -1, np.int64)
        self._mark += 1
        found = np.empty(self._hot.size + RECENT + DEPTH * NEIGHBOURS, np.int64)
        count = blend_kernels.gather(
            self._hot, self._recent, self._covisits["neighbours"], history, DEPTH, self._marks, self._mark, found
        )
        return found[:count]

    def _features(self, candidates: Longs, history: Ints, before: int, now: int) -> Floats:
        features = np.empty((candidates.size, FEATURES))
        items, covisits = self._by_item, self._covisits
        blend_kernels.describe(
            candidates, now, HALF_LIVES_MS, items["rates"], items["seen_ms"], items["first_ms"], self._popular_at(now),
            covisits["neighbours"], covisits["weights"], covisits["totals"], covisits["stamps_ms"],
            covisits.half_life_ms, history, before, self._vectors["vectors"], self._vectors.of_user(history)[0],
            self._places, features,
        )  # fmt: skip
        return features

    def _popular_at(self, now: int) -> float:
        return self._popular * 0.5 ** ((now - self._clicked_ms) / float(HALF_LIVES_MS[FALLBACK]))

    # ---------------------------------------------------------------- learning
    def _learn(self, user: int, item: int, history: Ints, before: int, now: int) -> None:
        if self._hot_ms < 0 or now - self._hot_ms >= REFRESH_MS:
            self._refresh(now)
        if not (history == item).any():
            self._climb(item, history, before, now)
            self._vectors.learn(int(self._users.ids[user]), item)
        self._covisits.learn(history, item, now)
        self._recent[self._clicks % RECENT] = item
        self._clicks += 1
        self._popular = self._popular_at(now) + 1.0
        self._clicked_ms = now

    def _climb(self, item: int, history: Ints, before: int, now: int) -> None:
        candidates = self._candidates(history)
        found = np.flatnonzero(candidates == item)
        if not found.size:
            return
        features, kind = self._features(candidates, history, before, now), _kind(history, before, now)
        blend_kernels.climb(
            features, int(found[0]), self.weights, self._squares, _contexts(kind, now), candidates,
            self._appeal["appeal"], kind, np.empty(candidates.size), RATE, APPEAL_RATE,
        )  # fmt: skip

    def _refresh(self, now: int) -> None:
        self._hot_ms = now
        chosen = []
        for column, most in HOT:
            rates = self._rates(column, now)
            count = min(most, rates.size)
            best = np.argpartition(rates, rates.size - count)[rates.size - count :] if count else self._none
            chosen.append(best[rates[best] > 0.05])
        self._hot = np.unique(np.concatenate(chosen))

    # ---------------------------------------------------------------- state
    def _forget_items(self, gone: Longs) -> None:
        super()._forget_items(gone)
        self._covisits.forget(gone)
        self._hot = self._hot[~np.isin(self._hot, gone)]
        self._recent[np.isin(self._recent, gone)] = -1

    def _other_state(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "weights": self.weights, "squares": self._squares, "hot": self._hot, "recent": self._recent,
            "clocks": np.array([self._hot_ms, self._clicked_ms, self._clicks]), "popular": np.array([self._popular]),
        }  # fmt: skip

    def _restore_other(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        for name, items in (("hot", arrays["hot"]), ("recent", arrays["recent"])):
            check_places(f"{name} items", items, self._items.used)
        if not arrays["weights"].shape == arrays["squares"].shape == (CONTEXTS, FEATURES):
            raise SnapshotError(f"the snapshot is inconsistent: its weights are {arrays['weights'].shape}")
        self.weights, self._squares = arrays["weights"], arrays["squares"]
        self._hot, self._recent = arrays["hot"], arrays["recent"]
        self._hot_ms, self._clicked_ms, self._clicks = arrays["clocks"].tolist()
        self._popular = float(arrays["popular"][0])


def _kind(history: Ints, before: int, now: int) -> int:
    """The kind of a user."""
    if history[0] < 0:
        return NOBODY
    if now - before > VISIT_MS:
        return RETURNING
    return SECOND if history.size < 2 or history[1] < 0 else FURTHER


def _contexts(kind: int, now: int) -> Longs:
    """The rows of the weights that hold."""
    return np.array([0, 1 + kind, DAYPART + now % DAY_MS * DAYPARTS // DAY_MS])
