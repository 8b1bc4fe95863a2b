"""Similarity of users over the follow matrix equals scipy's, and recommendations are what it says of all users."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from models.errors import ParameterError
from models.follows import Follows, cosine_of_sets

USERS = 40


@pytest.fixture
def matrix() -> np.ndarray:
    random = np.random.default_rng(3)
    found = random.random((USERS, USERS)) < random.random((USERS, 1)) * 0.3
    np.fill_diagonal(found, False)
    found[7] = False  # follows nobody
    return found


@pytest.fixture
def follows(matrix: np.ndarray) -> Follows:
    made = Follows()
    for user, followed in np.argwhere(matrix).tolist():
        made.set(user, followed)
        made.set(user, followed)
    made.set(0, 39)
    made.set(0, 39, bool(matrix[0, 39]))
    return made


def cosines(matrix: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(1.0 - cdist(matrix.astype(float), matrix.astype(float), "cosine"))


def test_the_similarity_is_that_of_scipy(matrix: np.ndarray, follows: Follows) -> None:
    wanted = cosines(matrix)
    for one in range(USERS):
        for other in range(USERS):
            mine, theirs = np.flatnonzero(matrix[one]).tolist(), np.flatnonzero(matrix[other]).tolist()
            assert cosine_of_sets(mine, theirs + theirs) == pytest.approx(wanted[one, other], abs=1e-12)
    for user in range(USERS):
        alike = {other: wanted[user, other] for other in range(USERS) if other != user and wanted[user, other] > 1e-9}
        assert dict(follows.similar(user, USERS)) == pytest.approx(alike)
        assert follows.similar(user, 3) == follows.similar(user, USERS)[:3]


def test_recommendations_add_up_both_ways(matrix: np.ndarray, follows: Follows) -> None:
    likeness = cosines(matrix) * ~np.eye(USERS, dtype=bool)
    # those like the followed ones, and those whom the like ones follow
    scores = matrix @ likeness + likeness @ matrix
    for user in range(USERS):
        found = follows.recommend(user, USERS)
        new = [other for other in range(USERS) if other != user and not matrix[user, other]]
        wanted = {other: scores[user, other] for other in new if scores[user, other] > 1e-9}
        assert dict(found) == pytest.approx(wanted)
        values = [value for _, value in found]
        assert values == sorted(values, reverse=True)
    assert follows.recommend(7, 5) == [] == follows.similar(999, 5)


def test_what_is_refused(follows: Follows) -> None:
    with pytest.raises(ParameterError, match=r"k must be in 1\.\.1000000, got 0"):
        follows.similar(1, 0)


def test_the_function_of_sql() -> None:
    from udfs.follows import similarity

    assert similarity([1, 2, None, 3], [2, 3, 4]) == pytest.approx(2 / 3)
    assert similarity(None, [1]) is None and similarity([], [1]) == 0.0
