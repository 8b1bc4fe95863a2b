"""The user vector of the stream is that of a batch recomputation, whatever came before."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import InputError, ParameterError, SnapshotError
from models.user_vectors import ItemVectors, UserVectorPool

D = 8


def vectors(version: int = 1, items: int = 60) -> ItemVectors:
    """Vectors for the even ids only, in no order."""
    random = np.random.default_rng(version)
    ids = random.permutation(np.arange(0, 2 * items, 2)) - 20
    return ItemVectors(version, ids, random.normal(size=(items, D)))


def reads(n: int = 4000, users: int = 25, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, users, n).astype(np.int32), random.integers(-20, 110, n).astype(float)


def batch(items: list[float], table: ItemVectors, last: int) -> tuple[np.ndarray, int]:
    """From the whole history of a user: the last distinct items, and the mean of their vectors."""
    distinct = list(dict.fromkeys(reversed(items)))[:last]
    known = dict(zip(table.ids.tolist(), table.vectors.astype(float), strict=True))
    held = [known[item] for item in distinct if item in known]
    return (np.mean(held, axis=0) if held else np.zeros(D)), len(distinct)


@pytest.mark.parametrize("last", [1, 5, 30])
def test_equal_to_a_batch_recomputation_at_every_read(last: int) -> None:
    table, (users, items) = vectors(), reads()
    pool = UserVectorPool(table, last)
    slots = np.array([pool.open() for _ in range(25)], np.int32)
    told = pool.process(slots[users], np.arange(users.size), items[:, None])
    histories: dict[int, list[float]] = {}
    for row, (user, item) in enumerate(zip(users.tolist(), items.tolist(), strict=True)):
        history = histories.setdefault(user, [])
        history.append(item)
        mean, held = batch(history, table, last)
        assert told["user_vector"][row] == pytest.approx(mean, abs=1e-6)
        assert told["items_read"][row] == held


def test_a_new_version_holds_for_what_was_read_before() -> None:
    users, items = reads(500)
    pool = UserVectorPool(vectors(1))
    slots = np.array([pool.open() for _ in range(25)], np.int32)
    pool.process(slots[users], np.arange(500), items[:, None])
    pool.renew(vectors(2))
    for user in range(25):
        told = pool.process(slots[user : user + 1], np.zeros(1, np.int64), np.array([[4.0]]))
        mean, _ = batch([*items[users == user].tolist(), 4.0], vectors(2), 30)
        assert told["user_vector"][0] == pytest.approx(mean, abs=1e-6)
    with pytest.raises(ParameterError, match="must be 2 or newer, got 1"):
        pool.renew(vectors(1))


def test_a_snapshot_may_be_read_with_newer_vectors_but_not_with_another_last() -> None:
    pool = UserVectorPool(vectors(1))
    slot = pool.open()
    pool.process(np.array([slot], np.int32), np.zeros(1, np.int64), np.array([[2.0]]))
    newer = UserVectorPool(vectors(2))
    again = newer.load(pool.dump(slot))
    told = newer.process(np.array([again], np.int32), np.zeros(1, np.int64), np.array([[4.0]]))
    assert told["user_vector"][0] == pytest.approx(batch([2.0, 4.0], vectors(2), 30)[0], abs=1e-6)
    with pytest.raises(SnapshotError, match="with last 30, these have 10"):
        UserVectorPool(vectors(1), 10).load(pool.dump(slot))


def test_320_000_users_stay_within_a_gigabyte() -> None:
    """By the pool's own account and by the arrays it holds; all of them with 30 reads, the worst case."""
    pool = UserVectorPool(ItemVectors(1, np.arange(50_000), np.zeros((50_000, 100), np.float32)))
    for _ in range(320_000):
        pool.open()
    held = pool._state.nbytes + pool._open.nbytes + pool.vectors.nbytes
    assert pool.nbytes == 320_000 * 31 * 8
    assert pool.nbytes <= held < 250_000_000


@pytest.mark.parametrize("item", [0.5, float("nan"), float("inf"), 2.0**54])
def test_what_is_no_id_is_refused_and_changes_nothing(item: float) -> None:
    pool = UserVectorPool(vectors())
    slot = pool.open()
    before = pool.dump(slot)
    with pytest.raises(InputError, match="row 1: an item must be a whole number"):
        pool.process(np.array([slot, slot], np.int32), np.zeros(2, np.int64), np.array([[1.0], [item]]))
    assert pool.dump(slot) == before


@pytest.mark.parametrize(
    ("ids", "matrix", "message"),
    [
        ([1, 1], [[0.0], [1.0]], "ids must be different"),
        ([1.5], [[0.0]], "ids must be whole numbers"),
        ([1], [[float("nan")]], "must be finite"),
        ([1, 2], [[0.0]], "got .* for 2 ids"),
        ([2**60], [[0.0]], "within 2"),
    ],
)
def test_vectors_that_cannot_be_taken(ids: list[float], matrix: list[list[float]], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ItemVectors(1, ids, matrix)
