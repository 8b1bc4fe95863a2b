"""Users as rows of the follow matrix: how alike two of them are, and whom one might want to follow."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection

from models.arguments import whole_number


def cosine_of_sets(one: Collection[int], other: Collection[int]) -> float:
    """Cosine similarity of two users, 0 to 1, given whom each follows; who is there twice counts once.

    It is that of their rows in the matrix of zeros and ones: those both follow, over the geometric mean of how many
    each follows. 0 where one follows nobody.

    Examples
    --------
    >>> cosine_of_sets([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    left, right = set(one), set(other)
    if not left or not right:
        return 0.0
    return len(left & right) / math.sqrt(len(left) * len(right))


class Follows:
    """Who follows whom, kept up to date.

    Notes
    -----
    Memory: some 150 bytes a follow. `similar` costs the followers of all one follows, for each of them once.

    Source: user-based neighbourhoods with the cosine, Herlocker and others, "An algorithmic framework for performing
    collaborative filtering", 1999.
    """

    def __init__(self) -> None:
        self._follows: dict[int, set[int]] = defaultdict(set)
        self._followers: dict[int, set[int]] = defaultdict(set)

    def set(self, user: int, followed: int, follows: bool = True) -> None:
        """Tell that a user follows another one, or does no longer; telling it again changes nothing."""
        if follows:
            self._follows[user].add(followed)
            self._followers[followed].add(user)
        else:
            self._follows[user].discard(followed)
            self._followers[followed].discard(user)

    def followed_by(self, user: int) -> frozenset[int]:
        """Whom a user follows."""
        return frozenset(self._follows.get(user, ()))

    def similar(self, user: int, k: int) -> list[tuple[int, float]]:
        """The k users most like one, by the cosine, best first; users with nobody in common are none. Ties by id."""
        k = whole_number("k", k, 1, 1_000_000)
        mine = self._follows.get(user, set())
        common: dict[int, int] = defaultdict(int)
        for followed in mine:
            for other in self._followers[followed]:
                common[other] += 1
        common.pop(user, None)
        found = [(other, n / math.sqrt(len(mine) * len(self._follows[other]))) for other, n in common.items()]
        return sorted(found, key=lambda each: (-each[1], each[0]))[:k]

    def recommend(self, user: int, k: int, neighbours: int = 50) -> list[tuple[int, float]]:
        """Users to follow, best first: those like the ones a user follows, and those followed by users like this one.

        Parameters
        ----------
        user
            Who is to follow.
        k
            How many.
        neighbours
            Similar users that are looked at, of the user and of each one followed.

        Returns
        -------
        list
            Users and the sum of the similarities that speak for them; never oneself or whom one follows already.
        """
        k, neighbours = whole_number("k", k, 1, 1_000_000), whole_number("neighbours", neighbours, 1, 1_000_000)
        score: dict[int, float] = defaultdict(float)
        for followed in sorted(self._follows.get(user, ())):
            for other, likeness in self.similar(followed, neighbours):
                score[other] += likeness
        for other, likeness in self.similar(user, neighbours):
            for followed in self._follows[other]:
                score[followed] += likeness
        left_out = self._follows.get(user, set()) | {user}
        found = [(other, value) for other, value in score.items() if other not in left_out]
        return sorted(found, key=lambda each: (-each[1], each[0]))[:k]
