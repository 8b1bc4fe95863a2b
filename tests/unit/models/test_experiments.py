"""Statistics of A/B tests: equal to tea-tasting and scipy, and right as often as they say."""

from __future__ import annotations

import doctest
import importlib
import warnings
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from models.errors import InputError, ParameterError
from models.experiments import (
    Assignment,
    Totals,
    chi_square_tail,
    compare,
    compare_as_if_independent,
    hashed_bucket,
    last_two_digits,
    minimum_detectable_effect,
    sample_ratio,
    sequential,
    users_needed,
)

Floats = np.ndarray[Any, np.dtype[np.float64]]


def behaviour(users: int, seed: int, lift: float = 0.0) -> tuple[Floats, Floats]:
    """Clicks and impressions of users: few look a lot, and each has a click rate of its own around 4 %."""
    random = np.random.default_rng(seed)
    impressions = random.geometric(1 / 20, users).astype(float)
    rate = random.beta(2.0, 48.0, users) * (1.0 + lift)
    return random.binomial(impressions.astype(int), rate).astype(float), impressions


@cache
def frame() -> pd.DataFrame:
    clicks, impressions = behaviour(4000, 1)
    more, shown = behaviour(3700, 2, lift=0.1)
    return pd.DataFrame(
        {
            "user": np.arange(7700),
            "variant": np.repeat([0, 1], [4000, 3700]),
            "clicks": np.concatenate([clicks, more]),
            "impressions": np.concatenate([impressions, shown]),
        }
    )


def totals(variant: int, denominators: bool = True) -> Totals:
    part = frame()[frame().variant == variant]
    return Totals.of(part.clicks, part.impressions if denominators else None)


# ---------------------------------------------------------------- against tea-tasting
def test_equal_to_tea_tasting() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tea_tasting as tt
    told = tt.Experiment(
        ctr=tt.RatioOfMeans("clicks", "impressions", use_t=False, equal_var=False),
        clicks=tt.Mean("clicks", use_t=False, equal_var=False),
        ratio=tt.SampleRatio({0: 1, 1: 1}, method="norm", correction=False),
    ).analyze(frame())
    for name, ours in (("ctr", compare(totals(0), totals(1))), ("clicks", compare(totals(0, False), totals(1, False)))):
        theirs = told[name]
        assert ours.control == pytest.approx(theirs.control, rel=1e-12)
        assert ours.treatment == pytest.approx(theirs.treatment, rel=1e-12)
        assert ours.difference == pytest.approx(theirs.effect_size, rel=1e-9)
        assert (ours.low, ours.high) == pytest.approx(
            (theirs.effect_size_ci_lower, theirs.effect_size_ci_upper), rel=1e-9
        )
        assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    assert 0.0 < told["ctr"].pvalue < 0.5
    assert sample_ratio({"a": 4000, "b": 3700}, {"a": 1, "b": 1}).p_value == pytest.approx(
        told["ratio"].pvalue, rel=1e-9
    )
    everybody = totals(0) + totals(1)
    planned = tt.RatioOfMeans("clicks", "impressions", use_t=False, equal_var=False, n_obs=20_000, power=0.8)
    (power,) = planned.solve_power(frame(), "effect_size")
    assert minimum_detectable_effect(everybody, 10_000, 10_000) == pytest.approx(power.effect_size, rel=2e-3)
    needed = users_needed(everybody, power.effect_size)
    assert needed == pytest.approx(10_000, rel=4e-3)


def test_parts_of_the_users_add_up() -> None:
    clicks, impressions = behaviour(1000, 5)
    parts = [Totals.of(clicks[k::3], impressions[k::3]) for k in range(3)]
    assert parts[0] + parts[1] + parts[2] == pytest.approx(Totals.of(clicks, impressions))


# ---------------------------------------------------------------- right as often as they say
def test_equal_variants_differ_in_one_of_twenty_splits() -> None:
    """2,000 A/A splits: 5 % +- 1 by users, some 14 % by impressions, whose variance is 1.75 times too small."""
    clicks, impressions = behaviour(3000, 7)
    whole = Totals.of(clicks, impressions)
    naive_variance = whole.ratio * (1 - whole.ratio) / whole.denominator
    assert whole.variance / naive_variance == pytest.approx(1.75, abs=0.15)
    random = np.random.default_rng(8)
    ours = naive = 0
    for _ in range(2000):
        side = random.random(3000) < 0.5
        one, other = Totals.of(clicks[side], impressions[side]), Totals.of(clicks[~side], impressions[~side])
        ours += compare(one, other).p_value < 0.05
        naive += compare_as_if_independent(one, other).p_value < 0.05
    assert ours / 2000 == pytest.approx(0.05, abs=0.01)
    assert naive / 2000 == pytest.approx(0.14, abs=0.03)


def test_daily_looks_are_allowed_for_by_the_sequence_only() -> None:
    """14 looks at equal variants: one in five has a day below 5 % by the fixed test, one in twenty at most by ours."""
    random = np.random.default_rng(9)
    fixed = always = covered = 0
    runs = 400
    for _ in range(runs):
        clicks, impressions = behaviour(2800, int(random.integers(2**40)))
        side = random.random(2800) < 0.5
        least, inside, seen = 1.0, True, False
        for day in range(1, 15):
            so_far = np.arange(2800) < day * 200
            sides = [Totals.of(clicks[so_far & s], impressions[so_far & s]) for s in (side, ~side)]
            compared = compare(*sides)
            seen |= compared.p_value < 0.05
            look = sequential(compared, scale=0.005, earlier=least)
            assert look.p_value <= least
            least = look.p_value
            inside &= look.low <= 0.0 <= look.high
        fixed += seen
        always += least < 0.05
        covered += inside
    assert fixed / runs > 0.13
    assert always / runs <= 0.05
    assert covered / runs >= 0.95


def test_the_sequence_finds_what_is_there() -> None:
    one, other = (Totals.of(*behaviour(40_000, seed, lift)) for seed, lift in ((1, 0.0), (2, 0.15)))
    look = sequential(compare(one, other), scale=0.005)
    assert 0.0 < look.low < 0.006 < look.high
    assert look.p_value < 0.001


def test_the_sequence_and_its_p_value_agree() -> None:
    """The interval of a level leaves 0 out exactly where the p value is below it."""
    one, other = (Totals.of(*behaviour(4000, seed, lift)) for seed, lift in ((1, 0.0), (2, 0.1)))
    compared = compare(one, other)
    p_value = sequential(compared, 0.01).p_value
    assert 0.0 < p_value < 1.0
    for factor, outside in ((1.01, True), (0.99, False)):
        look = sequential(compared, 0.01, confidence=1.0 - factor * p_value)
        assert (look.low > 0.0 or look.high < 0.0) is outside


def test_the_minimum_detectable_effect_is_found_as_often_as_it_says() -> None:
    sample = Totals.of(*behaviour(50_000, 3))
    effect = minimum_detectable_effect(sample, 4000, 4000)
    found = 0
    for seed in range(300):
        one, other = behaviour(4000, 1000 + seed), behaviour(4000, 5000 + seed, lift=effect / sample.ratio)
        found += compare(Totals.of(*one), Totals.of(*other)).p_value < 0.05
    assert found / 300 == pytest.approx(0.8, abs=0.07)


# ---------------------------------------------------------------- sample ratio
@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 9])
def test_the_tail_is_scipys(degrees: int) -> None:
    for statistic in (0.0, 0.01, 0.5, 3.0, 10.8, 40.0, 300.0):
        assert chi_square_tail(statistic, degrees) == pytest.approx(stats.chi2.sf(statistic, degrees), rel=1e-10)


def test_a_wrong_ratio_is_seen_and_a_right_one_is_not() -> None:
    assert sample_ratio({"a": 5300, "b": 4700}, {"a": 50, "b": 50}).mismatch
    assert not sample_ratio({"a": 5030, "b": 4970}, {"a": 50, "b": 50}).mismatch
    assert not sample_ratio({"a": 5300, "b": 4700}, {"a": 53, "b": 47}).mismatch
    # Cookie Cats, whose published split is flagged at 0.01 and not at 0.001
    cats = sample_ratio({"gate_30": 44_700, "gate_40": 45_489}, {"gate_30": 1, "gate_40": 1})
    assert cats.p_value == pytest.approx(0.0086, abs=0.0001)
    assert not cats.mismatch
    three = sample_ratio({"a": 300, "b": 330, "c": 400}, {"a": 1, "b": 1, "c": 1})
    assert three.p_value == pytest.approx(stats.chisquare([300, 330, 400]).pvalue)


@pytest.mark.parametrize(
    ("users", "allocation", "message"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "c": 1}, "must be those of the allocation"),
        ({"a": 1}, {"a": 1}, "two at least"),
        ({"a": 0, "b": 0}, {"a": 1, "b": 1}, "users must be 0 or more, and some"),
        ({"a": 5, "b": 0}, {"a": 1, "b": 0}, "above 0 for every variant"),
    ],
)
def test_what_cannot_be_checked(users: dict[str, int], allocation: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sample_ratio(users, allocation)


# ---------------------------------------------------------------- assignment
def test_buckets_are_uniform_and_independent_between_experiments() -> None:
    one = np.array([hashed_bucket("one", user) for user in range(40_000)])
    other = np.array([hashed_bucket("two", user) for user in range(40_000)])
    assert stats.chisquare(np.bincount(one, minlength=100)).pvalue > 0.001
    table = np.zeros((2, 2))
    np.add.at(table, ((one < 50).astype(int), (other < 50).astype(int)), 1)
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_assignment_is_stable_and_follows_its_allocation() -> None:
    before = Assignment("ranking", {"control": 50, "blend": 10})
    after = Assignment("ranking", {"control": 50, "blend": 50})
    users = [f"u{number}" for number in range(20_000)]
    first, second = [before.variant(user) for user in users], [after.variant(user) for user in users]
    assert first == [Assignment("ranking", {"control": 50, "blend": 10}).variant(user) for user in users]
    counts = Counter(first)
    assert stats.chisquare([counts[v] for v in ("control", "blend", None)], [10_000, 2000, 8000]).pvalue > 0.001
    assert before.unassigned == counts[None]
    # more for the last variant moves nobody who had one
    assert all(now == then for then, now in zip(first, second, strict=True) if then is not None)


def test_the_last_two_digits() -> None:
    assert [last_two_digits(user) for user in (7, 4711, 100, "a99", "x", "", "12a")] == [7, 11, 0, 99, None, None, None]
    assignment = Assignment("any", {"control": 30, "new": 70}, by="digits")
    assert [assignment.variant(user) for user in (129, 130, "guest")] == ["control", "new", None]
    assert Assignment("other", {"control": 30, "new": 70}, by="digits").variant(129) == "control"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", {"a": 50}), "experiment must be a name"),
        (("e", {}), "must name a variant"),
        (("e", {"a": 60, "b": 50}), "100 at most together, got 110"),
        (("e", {"a": -1}), "allocation of a must be a whole number"),
        (("e", {"a": 0.5}), "allocation of a must be a whole number"),
        (("e", {"a": 50}, "random"), "by must be 'hash' or 'digits'"),
    ],
)
def test_wrong_assignments(arguments: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Assignment(*arguments)


def test_wrong_comparisons() -> None:
    good = totals(0)
    with pytest.raises(InputError, match="from 2 users on"):
        compare(good, Totals.of([1.0], [2.0]))
    with pytest.raises(InputError, match=r"must be \(n,\) each"):
        Totals.of([1.0], [2.0, 3.0])
    with pytest.raises(InputError, match="finite"):
        Totals.of([float("nan")], [2.0])
    for call in (lambda: compare(good, good, 1.0), lambda: sequential(compare(good, good), 0.0)):
        with pytest.raises(ParameterError):
            call()
    with pytest.raises(ParameterError, match="level below power"):
        minimum_detectable_effect(good, 10, 10, power=0.01)
    with pytest.raises(InputError, match="effect must be"):
        users_needed(good, 0.0)


@pytest.mark.parametrize("module", ["assignment", "power", "sample_ratio"])
def test_examples(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"models.experiments.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
