"""The original's two models: clusters of items with what is popular inside, and what is popular by kind of user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import whole_number
from models.recommend import kernels
from models.recommend.columns import Column, Columns
from models.recommend.ranking import DAY_MS, HALF_LIVES_MS, ClickRanking, Floats, Ints, Longs
from models.recommend.vectors import ClickVectors

#: Fading count of an item that decides inside a cluster: the one with a half-life of 7 days, as the original's week.
INSIDE = 5
#: Rounds of k-means at most; users a training looks at.
ROUNDS = 25
USERS = 20_000


def spherical_kmeans(directions: Floats, k: int, seed: int) -> Floats:
    """Centroids (k, d), directions themselves, of directions (n, d): Lloyd's rounds from a seeded k-means++ start.

    Fewer than k directions are repeated. Cost: 25 rounds of n * k * d products at most.

    Source: Dhillon, Modha, "Concept decompositions for large sparse text data using clustering", 2001.
    """
    random = np.random.default_rng(seed)
    chosen = [int(random.integers(len(directions)))]
    for _ in range(k - 1):
        far = np.maximum(1.0 - (directions @ directions[chosen].T).max(axis=1), 0.0)
        total = far.sum()
        chosen.append(int(random.choice(len(directions), p=far / total if total > 1e-9 else None)))
    centroids = directions[chosen].copy()
    owner: npt.NDArray[Any] = np.full(len(directions), -1)
    for _ in range(ROUNDS):
        nearest = (directions @ centroids.T).argmax(axis=1)
        if np.array_equal(nearest, owner):
            break
        owner = nearest
        for c in range(k):
            total_c = directions[owner == c].sum(axis=0)
            length = np.linalg.norm(total_c)
            if length > 0.0:
                centroids[c] = total_c / length
    return centroids


def directions_of(vectors: npt.NDArray[Any]) -> tuple[Floats, Longs]:
    """Rows of vectors as directions, and which rows have one."""
    lengths = np.linalg.norm(vectors, axis=1)
    rows = np.flatnonzero(lengths > 0.0)
    directions = vectors[rows] / lengths[rows, None]
    return directions.astype(np.float64), rows


class ClusterRanking(ClickRanking):
    """Ten clusters of items, the one nearest to the user's vector first, inside it what is clicked most.

    The ranking of the original system. Clusters are made anew when a day has passed, of the items clicked within two
    days; between, an item belongs to the nearest centroid. A user without history gets what is popular.

    Parameters
    ----------
    clusters
        2 to 1,000.
    dimensions
        Of the vectors, which are learned from clicks, 8 to 1,024.
    retrain_ms
        Milliseconds of event time between two trainings; a day.
    common
        As for `ClickRanking`.

    Notes
    -----
    Inside a cluster the original took the click-through rate of a week; without impressions it is the count of clicks
    that halves in 7 days. A training takes part of a second for 20,000 items, within `learn`.
    """

    kind = "clusters"

    def __init__(
        self, *, clusters: int = 10, dimensions: int = 64, retrain_ms: int = DAY_MS, **common: Any
    ) -> None:  # fmt: skip
        self.clusters = whole_number("clusters", clusters, 2, 1000)
        dimensions = whole_number("dimensions", dimensions, 8, 1024)
        self.retrain_ms = whole_number("retrain_ms", retrain_ms, 1000, 365 * DAY_MS)
        super().__init__(**common, clusters=self.clusters, dimensions=dimensions, retrain_ms=self.retrain_ms)
        self._vectors = ClickVectors(dimensions, self.seed)
        self._belongs = Columns(cluster=Column("i8", -1))
        self._centroids: Floats = np.empty((0, dimensions))
        self._trained_ms = -1

    def _tables(self) -> list[Columns]:
        return [*super()._tables(), self._vectors, self._belongs]

    def _learn(self, user: int, item: int, history: Ints, before: int, now: int) -> None:
        if self._trained_ms < 0:
            self._trained_ms = now
        elif now - self._trained_ms >= self.retrain_ms:
            self._train(now)
        if not (history == item).any():
            self._vectors.learn(int(self._users.ids[user]), item)
            if len(self._centroids):
                vector = self._vectors["vectors"][item].astype(np.float64)
                self._belongs["cluster"][item] = kernels.nearest(vector, self._centroids)

    def _train(self, now: int) -> None:
        self._trained_ms = now
        used = self._items.used
        directions, rows = directions_of(self._vectors["vectors"][:used])
        recent = now - self._by_item["seen_ms"][rows] <= 2 * DAY_MS
        if recent.sum() < self.clusters:
            return
        self._centroids = spherical_kmeans(directions[recent], self.clusters, self.seed)
        self._belongs["cluster"][rows] = (directions @ self._centroids.T).argmax(axis=1)

    def _score(self, user: int, history: Ints, now: int) -> tuple[Longs, Floats]:
        mine, count = self._vectors.of_user(history)
        if not count or not len(self._centroids):
            return self._none, np.empty(0)
        # the nearest cluster first: the place of a cluster weighs more than any count of clicks
        nearness = np.empty(self.clusters)
        nearness[np.argsort(self._centroids @ mine, kind="stable")] = np.arange(self.clusters)
        clicks = self._rates(INSIDE, now)
        cluster = self._belongs["cluster"][: self._items.used]
        scores = nearness[cluster] + clicks / (clicks.max(initial=0.0) + 1.0)
        scores[(cluster < 0) | (clicks <= 0.0)] = -np.inf
        return self._every_item(), scores

    def _other_state(self) -> dict[str, npt.NDArray[Any]]:
        return {"centroids": self._centroids, "trained_ms": np.array([self._trained_ms])}

    def _restore_other(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self._centroids, self._trained_ms = arrays["centroids"], int(arrays["trained_ms"][0])


class SegmentRanking(ClickRanking):
    """Ten kinds of users, to each what its kind clicks most: the original's model that failed, kept to compare with.

    Users are told apart by their vector, the mean direction of what they read. Kinds are made anew when a day has
    passed, of the users seen last; each click counts for the kind its user is of then, and counts halve in 7 days. A
    user without history gets what is popular.

    Parameters
    ----------
    segments
        2 to 100.
    dimensions, retrain_ms
        As for `ClusterRanking`.
    common
        As for `ClickRanking`.

    Notes
    -----
    Memory: 8 bytes a segment and item. When kinds are made anew, each old count goes to the new kind that is nearest
    to its own, so nothing is counted twice.
    """

    kind = "segment-popular"

    def __init__(
        self, *, segments: int = 10, dimensions: int = 64, retrain_ms: int = DAY_MS, **common: Any
    ) -> None:  # fmt: skip
        self.segments = whole_number("segments", segments, 2, 100)
        dimensions = whole_number("dimensions", dimensions, 8, 1024)
        self.retrain_ms = whole_number("retrain_ms", retrain_ms, 1000, 365 * DAY_MS)
        super().__init__(**common, segments=self.segments, dimensions=dimensions, retrain_ms=self.retrain_ms)
        self._vectors = ClickVectors(dimensions, self.seed)
        self._counted = Columns(clicks=Column("f8", 0, (self.segments,)), counted_ms=Column("i8", 0))
        self._half_lives_ms = np.full(self.segments, HALF_LIVES_MS[INSIDE])
        self._centroids: Floats = np.empty((0, dimensions))
        self._trained_ms = -1

    def _tables(self) -> list[Columns]:
        return [*super()._tables(), self._vectors, self._counted]

    def _segment(self, history: Ints) -> int:
        """The kind of a user, -1 for one without history or before the first training."""
        mine, count = self._vectors.of_user(history)
        return int(kernels.nearest(mine, self._centroids)) if count and len(self._centroids) else -1

    def _learn(self, user: int, item: int, history: Ints, before: int, now: int) -> None:
        if self._trained_ms < 0:
            self._trained_ms = now
        elif now - self._trained_ms >= self.retrain_ms:
            self._train(now)
        segment = self._segment(history)
        if segment >= 0:
            clicks, counted_ms = self._counted["clicks"], self._counted["counted_ms"]
            fade = 0.5 ** ((now - int(counted_ms[item])) / HALF_LIVES_MS[INSIDE])
            clicks[item] *= fade
            clicks[item, segment] += 1.0
            counted_ms[item] = now
        if not (history == item).any():
            self._vectors.learn(int(self._users.ids[user]), item)

    def _train(self, now: int) -> None:
        self._trained_ms = now
        latest = np.argsort(-self._users.last_ms[: self._users.used], kind="stable")[:USERS]
        means = [self._vectors.of_user(self._by_user["reads"][place]) for place in latest.tolist()]
        vectors = np.array([mean for mean, count in means if count])
        if len(vectors) < self.segments:
            return
        directions, _ = directions_of(vectors)
        old = self._centroids
        self._centroids = spherical_kmeans(directions, self.segments, self.seed)
        if len(old):
            heir = (old @ self._centroids.T).argmax(axis=1)
            clicks = self._counted["clicks"]
            moved = np.zeros_like(clicks)
            for segment, new in enumerate(heir.tolist()):
                moved[:, new] += clicks[:, segment]
            clicks[:] = moved

    def _score(self, user: int, history: Ints, now: int) -> tuple[Longs, Floats]:
        segment = self._segment(history)
        if segment < 0:
            return self._none, np.empty(0)
        used = self._items.used
        ages = now - self._counted["counted_ms"][:used]
        scores = self._counted["clicks"][:used, segment] * np.exp2(-ages / HALF_LIVES_MS[INSIDE])
        scores[scores <= 0.0] = -np.inf
        return self._every_item(), scores

    def _other_state(self) -> dict[str, npt.NDArray[Any]]:
        return {"centroids": self._centroids, "trained_ms": np.array([self._trained_ms])}

    def _restore_other(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self._centroids, self._trained_ms = arrays["centroids"], int(arrays["trained_ms"][0])
