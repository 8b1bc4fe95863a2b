"""Metrics of ranked lists: equal to ir-measures, to a slow reference where that has none, and to known values."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from models.errors import InputError
from models.ranking import (
    average_precision_all,
    average_precision_min,
    hit,
    hits_at,
    mean_by_user,
    ndcg,
    paired_difference,
    reciprocal_rank,
)

K = 10


@pytest.fixture(scope="module")
def judged() -> tuple[list[list[int]], list[set[int]]]:
    """Lists of 0 to 15 of 60 items, and 1 to 25 relevant ones."""
    random = np.random.default_rng(3)
    lists = [random.permutation(60)[: random.integers(0, 16)].tolist() for _ in range(200)]
    relevant = [set(random.permutation(60)[: random.integers(1, 26)].tolist()) for _ in range(200)]
    return lists, relevant


def test_equal_to_ir_measures(judged: tuple[list[list[int]], list[set[int]]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ir_measures
        from ir_measures import AP, RR, Success, nDCG
    lists, relevant = judged
    wanted = {f"q{n}": {str(item): 1 for item in items} for n, items in enumerate(relevant)}
    given = {
        f"q{n}": {str(item): float(100 - place) for place, item in enumerate(items)} for n, items in enumerate(lists)
    }
    hits, counts = hits_at(lists, relevant, K), np.array([len(items) for items in relevant])
    ours = {
        nDCG @ K: ndcg(hits, counts), AP @ K: average_precision_all(hits, counts),
        RR @ K: reciprocal_rank(hits, counts), Success @ K: hit(hits, counts),
    }  # fmt: skip
    seen = 0
    for metric in ir_measures.iter_calc(list(ours), wanted, given):
        assert ours[metric.measure][int(metric.query_id[1:])] == pytest.approx(metric.value, abs=1e-12)
        seen += 1
    assert seen >= 4 * sum(map(bool, lists))


def test_map_over_min_is_the_other_by_its_denominator(judged: tuple[list[list[int]], list[set[int]]]) -> None:
    lists, relevant = judged
    ours = average_precision_min(hits_at(lists, relevant, K), np.array([len(items) for items in relevant]))
    for n, (items, wanted) in enumerate(zip(lists, relevant, strict=True)):
        found, total = 0, 0.0
        for place, item in enumerate(items[:K], 1):
            if item in wanted:
                found += 1
                total += found / place
        assert ours[n] == pytest.approx(total / min(K, len(wanted)))


def test_one_relevant_item_makes_map_and_mrr_the_same() -> None:
    hits = np.eye(K, dtype=bool)
    ones = np.ones(K, np.int64)
    assert np.array_equal(average_precision_all(hits, ones), reciprocal_rank(hits, ones))
    assert np.array_equal(average_precision_min(hits, ones), reciprocal_rank(hits, ones))
    assert ndcg(hits, ones).tolist() == pytest.approx([1 / np.log2(place + 1) for place in range(1, K + 1)])


def test_nothing_relevant_is_zero() -> None:
    hits, none = np.zeros((2, K), bool), np.zeros(2, np.int64)
    for metric in (ndcg, hit, reciprocal_rank, average_precision_all, average_precision_min):
        assert metric(hits, none).tolist() == [0.0, 0.0]


def test_more_hits_than_relevant_items_are_refused() -> None:
    with pytest.raises(InputError, match="list 1 has 2 hits, but only 1 items are relevant"):
        ndcg(np.array([[False, False], [True, True]]), np.array([1, 1]))
    with pytest.raises(InputError, match="hits must be booleans"):
        hit(np.zeros((2, 2)), np.array([1, 1]))  # type: ignore[arg-type]


def test_standard_error_is_the_spread_of_means_over_other_users() -> None:
    """Users differ, and have different numbers of lists: repeat the draw, and look how the means spread."""
    random = np.random.default_rng(0)
    means, errors, naive = [], [], []
    for _ in range(400):
        lists = random.geometric(0.2, 150)
        users = np.repeat(np.arange(150), lists)
        level = np.repeat(random.beta(1, 2, 150), lists)
        values = (random.random(users.size) < level).astype(float)
        estimate = mean_by_user(values, users)
        means.append(estimate.mean)
        errors.append(estimate.error)
        naive.append(values.std(ddof=1) / np.sqrt(values.size))
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.1)
    assert np.mean(naive) < 0.7 * np.std(means)


def test_one_list_a_user_gives_the_common_standard_error() -> None:
    values = np.random.default_rng(1).random(50)
    estimate = mean_by_user(values, np.arange(50))
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.error == pytest.approx(values.std(ddof=1) / np.sqrt(50))
    assert (estimate.lists, estimate.users) == (50, 50)


def test_paired_differences_cancel_what_is_common() -> None:
    random = np.random.default_rng(2)
    users, common = np.arange(2000) // 4, random.random(2000)
    difference = paired_difference(common + 0.01, common, users)
    assert difference.mean == pytest.approx(0.01)
    assert difference.error == pytest.approx(0.0, abs=1e-12)
    assert difference.above_zero()
    assert not paired_difference(common, common[::-1].copy(), users).above_zero()
    with pytest.raises(InputError, match="paired values must have one shape"):
        paired_difference(common, common[1:], users)
    with pytest.raises(InputError, match="n above 0"):
        mean_by_user(np.empty(0), np.empty(0, np.int64))
