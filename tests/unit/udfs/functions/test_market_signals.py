"""MARKET_SIGNALS: its arguments, the pools it makes, and how results become columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from models.signals import SignalsPool
from udfs.functions.declaration import ArgumentError
from udfs.functions.market_signals import interval
from udfs.functions.registry import FUNCTIONS

FUNCTION = FUNCTIONS["MARKET_SIGNALS"]
READS = {"on_time": ("ts",), "mid": ("m",), "bid": ("b",), "ask": ("a",), "features": ("x", "y")}


def arguments(**given: Any) -> dict[str, Any]:
    return FUNCTION.resolve(READS | given)


def presented(rows: list[list[float]], step_ms: int = 60_000, **given: Any) -> dict[str, list[Any]]:
    resolved = arguments(**given)
    pool = FUNCTION.make_pool(len(rows[0]), resolved)
    slots = np.full(len(rows), pool.open(), np.int32)
    outputs = pool.process(slots, np.arange(len(rows)) * step_ms, np.array(rows))
    columns = FUNCTION.present(outputs, ("m", "b", "a", "x", "y"), resolved)
    return {added.name: list(column) for added, column in zip(FUNCTION.added, columns, strict=True)}


def bar(mid: float) -> list[float]:
    return [mid, mid - 0.5, mid + 0.5, 1.0, -1.0]


def test_the_pool_has_the_rules() -> None:
    pool = FUNCTION.make_pool(5, arguments(horizon=300_000, threshold=0.6, fee=0.002, members='[{"algorithm": "alma"}, '
                                           '{"algorithm": "naive_bayes"}]'))  # fmt: skip
    assert isinstance(pool, SignalsPool)
    assert (pool.features, pool.rules.horizon_ms, pool.rules.threshold, pool.rules.fee) == (2, 300_000, 0.6, 0.002)
    assert [member["algorithm"] for member in pool.members] == ["alma", "naive_bayes"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"release": 0.9}, r"release must be at most threshold \(0\.7\), got 0\.9"),
        ({"members": "alma"}, "members must be a JSON list of objects, got 'alma'"),
        ({"members": '[{"algorithm": "alma"}]'}, "members: members must be in 2..16, got 1"),
        ({"members": '[{"algorithm": "alma"}, {"algorithm": "x"}]'}, "members: member 1: there is no algorithm 'x'"),
        ({"on_null": "impute"}, "on_null must be one of 'skip', 'error' here"),
        ({"horizon": 0}, "horizon must be in INTERVAL"),
    ],
)
def test_what_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        arguments(**given)


def test_before_anything_is_known_there_is_no_accuracy() -> None:
    found = presented([bar(100.0)])
    for name in ("accuracy", "accuracy_low", "brier", "zero_share", "net_bp", "outcome_return", "signal"):
        assert found[name] == [None], name
    assert found["score"] == [0.0] and found["moves"] == [0]


def test_defect_9_a_price_that_rests_is_neither_right_nor_wrong() -> None:
    found = presented([bar(mid) for mid in (100.0, 101.0, 101.0, 101.0, 102.0)])
    assert found["moves"] == [0, 1, 1, 1, 2]
    assert found["zero_share"] == [None, 0.0, 1 / 2, 2 / 3, 1 / 2]
    assert found["outcome_right"][2:4] == [None, None]
    assert found["outcome_return"][2] == 0.0
    assert found["baseline_up"][-1] == 1.0


def test_defect_16_costs_are_taken_off() -> None:
    found = presented([bar(100.0 + 10 * i) for i in range(30)], fee=0.01)
    assert found["gross_bp"][-1] > 0
    first = 110 + 10 * 0  # the first bar with a score: bought at its ask, sold at the bid of the next, 1 % each time
    scored = [i for i, score in enumerate(found["score"][:-1]) if score]
    assert scored[0] == 1
    expected = [(10_000 * ((100 + 10 * i + 9.5) * 0.99 / ((100 + 10 * i + 0.5) * 1.01) - 1)) for i in scored]
    assert found["net_bp"][-1] == pytest.approx(sum(expected) / len(expected))
    assert first == 110


@pytest.mark.parametrize(("right", "moves"), [(52, 100), (0, 30), (30, 30), (5_240, 10_000)])
def test_the_interval_is_wilsons(right: int, moves: int) -> None:
    expected = binomtest(right, moves).proportion_ci(method="wilson")
    assert interval(right, moves, 1) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_overlapping_horizons_widen_the_interval() -> None:
    low, high = interval(5_200, 10_000, 1)
    wide_low, wide_high = interval(5_200, 10_000, 9)
    assert (wide_high - wide_low) / (high - low) == pytest.approx(3, rel=0.01)
    found = presented([bar(100 + math.sin(i)) for i in range(60)], horizon=300_000)
    narrow = interval(found["accuracy"][-1] * found["moves"][-1], found["moves"][-1], 1)
    assert found["accuracy_low"][-1] < narrow[0] and found["accuracy_high"][-1] > narrow[1]


def test_an_accuracy_above_0_55_at_one_minute_is_a_leak_until_explained() -> None:
    """A walk without memory, features made of its past: whoever is right more often has seen the future."""
    dice = np.random.default_rng(0)
    keys, length = 60, 260
    mid = 100 * np.exp(np.cumsum(dice.normal(0, 5e-4, (length, keys)), axis=0))
    before = np.vstack([np.zeros((1, keys)), np.diff(np.log(mid), axis=0)]) * 1e4
    rows = np.stack([mid, mid * 0.9999, mid * 1.0001, before, np.abs(before)], axis=2).reshape(length * keys, 5)
    pool = FUNCTION.make_pool(5, arguments())
    slots = np.array([pool.open() for _ in range(keys)], np.int32)
    found = pool.process(np.tile(slots, length), np.repeat(np.arange(length) * 60_000, keys), rows)
    moves, right = found["moves"][-keys:].sum(), found["right"][-keys:].sum()
    low, high = interval(right, moves, 1)
    assert moves > 15_000
    assert right / moves < 0.55 and low < 0.5 < high
