"""Predictions of a market: nothing is known before its time, the scoreboard is right, and both controls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from models.errors import InputError, ParameterError
from models.signals import Rules, SignalsPool

MINUTE = 60_000
LOGISTIC = ({"algorithm": "logistic", "learning_rate": 0.05}, {"algorithm": "logistic", "learning_rate": 0.01})


def bars(keys: int, length: int, right: float, seed: int = 1, zeros: float = 0.0) -> np.ndarray:
    """(length, keys, 3 + 2): the sign of the first feature is that of the next return with the chance `right`."""
    dice = np.random.default_rng(seed)
    features = dice.normal(size=(length, keys, 2))
    signs = np.sign(features[..., 0]) * np.where(dice.random((length, keys)) < right, 1, -1)
    returns = signs * np.abs(dice.normal(0, 5e-4, (length, keys))) * (dice.random((length, keys)) >= zeros)
    mid = 100 * np.exp(np.vstack([np.zeros((1, keys)), np.cumsum(returns, axis=0)[:-1]]))
    return np.concatenate([np.stack([mid, mid * 0.9999, mid * 1.0001], axis=2), features], axis=2)


def played(rows: np.ndarray, pool: SignalsPool, step_ms: int = MINUTE) -> dict[str, np.ndarray]:
    """Results (length, keys) of the bars of all keys, one after the other in time."""
    length, keys, width = rows.shape
    slots = np.array([pool.open() for _ in range(keys)], np.int32)
    found = pool.process(
        np.tile(slots, length), np.repeat(np.arange(length) * step_ms, keys), rows.reshape(length * keys, width)
    )
    return {name: values.reshape(length, keys) for name, values in found.items()}


def at_the_end(found: dict[str, np.ndarray]) -> dict[str, float]:
    """The scoreboards of all keys together."""
    return {name: float(values[-1].sum()) for name, values in found.items()}


# -------------------------------------------------------------------------------- controls
def test_defect_1_shuffled_labels_give_one_half() -> None:
    rows = bars(40, 500, right=0.5)
    found = at_the_end(played(rows, SignalsPool(2, members=LOGISTIC)))
    error = 0.5 / math.sqrt(found["moves"])
    for name in ("right", "inverse_right", "ups", "same", "opposite"):
        assert abs(found[name] / found["moves"] - 0.5) < 3 * error, name
    assert found["moves"] == 40 * 499


def test_a_planted_signal_is_found_and_not_exceeded() -> None:
    found = played(bars(40, 800, right=0.6), SignalsPool(2, members=LOGISTIC))
    late = {name: found[name][-1] - found[name][400] for name in ("moves", "right", "same")}
    accuracy = late["right"].sum() / late["moves"].sum()
    assert 0.57 < accuracy < 0.60 + 3 * 0.5 / math.sqrt(late["moves"].sum())
    assert late["same"].sum() / late["moves"].sum() < 0.53


def test_defect_2_what_comes_later_changes_nothing_before() -> None:
    """Features and scores up to a bar are the same where the stream ends there, or goes elsewhere."""
    rows = bars(3, 120, right=0.7)
    whole = played(rows, SignalsPool(2, members=LOGISTIC))
    elsewhere = rows.copy()
    elsewhere[61:, :, :3] *= 0.5
    other = played(elsewhere, SignalsPool(2, members=LOGISTIC))
    cut = played(rows[:61], SignalsPool(2, members=LOGISTIC))
    for name in whole:
        assert np.array_equal(whole[name][:61], cut[name], equal_nan=True), name
        assert np.array_equal(other[name][:61], cut[name], equal_nan=True), name
    assert not np.array_equal(whole["score"][70:], other["score"][70:])


@pytest.mark.parametrize("bars_ahead", [1, 5])
def test_defect_3_nothing_is_learned_before_the_horizon_has_passed(bars_ahead: int) -> None:
    """Until then the members are as they were, whatever the market does; then the label is the price of that moment."""
    rows = bars(1, 12, right=1.0)
    found = played(rows, SignalsPool(2, Rules(horizon_ms=bars_ahead * MINUTE), LOGISTIC))
    assert (found["score"][:bars_ahead] == 0).all() and (found["moves"][:bars_ahead] == 0).all()
    assert found["score"][bars_ahead + 1, 0] != 0
    mid = rows[:, 0, 0]
    expected = mid[bars_ahead:] / mid[:-bars_ahead] - 1
    assert found["outcome_return"][bars_ahead:, 0] == pytest.approx(expected, abs=1e-15)
    assert np.isnan(found["outcome_return"][:bars_ahead]).all()
    assert (found["overlap"][-1] == bars_ahead).all()


def test_defect_3_the_price_is_the_last_one_at_or_before_the_horizon_or_there_is_no_label() -> None:
    pool = SignalsPool(1, Rules(horizon_ms=10_000), LOGISTIC)
    row = lambda mid: [mid, mid - 0.1, mid + 0.1, 0.0]  # noqa: E731
    times = np.array([0, 7_000, 12_000, 13_000, 40_000, 50_000])
    found = pool.process(
        np.zeros(6, np.int32) + pool.open(), times, np.array([row(m) for m in (100.0, 101, 105, 106, 107, 108)])
    )
    # 0 is settled at 12 s with the price of 7 s; 7 s at 40 s with that of 13 s; 12 s and 13 s have none in time
    assert found["settled"].tolist() == [0, 0, 1, 0, 1, 1]
    assert found["outcome_return"][[2, 4, 5]] == pytest.approx([0.01, 106 / 101 - 1, 108 / 107 - 1])
    assert found["dropped"].tolist() == [0, 0, 0, 0, 2, 2]


def test_defect_4_the_first_rows_are_predicted_and_features_have_a_spread() -> None:
    found = played(bars(2, 60, right=0.9), SignalsPool(2))
    assert np.isfinite(found["score"]).all() and (found["score"][0] == 0).all()
    assert found["score"][30:].std() > 0.01


def test_defect_5_raw_prices_as_features_stay_finite() -> None:
    rows = bars(1, 2_000, right=0.6)
    rows[:, :, 3] = rows[:, :, 0] * 600  # prices of 60,000
    rows[:, :, 4] = 1e9
    found = played(rows, SignalsPool(2))
    assert np.isfinite(found["score"]).all() and (np.abs(found["score"]) <= 1).all()
    assert (np.abs(found["expected_return"]) <= 0.1).all()
    assert found["squared"][-1, 0] / found["moves"][-1, 0] < 0.5


def test_defect_6_it_learns_anew_after_a_drift() -> None:
    before, after = bars(20, 600, right=0.8, seed=1), bars(20, 600, right=0.2, seed=2)
    after[..., :3] *= before[-1:, :, :1] / 100
    found = played(np.concatenate([before, after]), SignalsPool(2, members=LOGISTIC))
    late = {name: (found[name][-1] - found[name][-200]).sum() for name in ("right", "moves")}
    assert late["right"] / late["moves"] > 0.65


def test_defect_7_the_score_has_a_scale_and_signals_fire_at_a_rate() -> None:
    rules = Rules(threshold=0.5, release=0.3, cool_down_ms=5 * MINUTE, warm_up=100)
    found = played(bars(20, 800, right=0.9), SignalsPool(2, rules, LOGISTIC))
    assert found["score"].min() < -0.7 and found["score"].max() > 0.7
    assert (np.abs(found["score"]) <= 1).all()
    given = found["signal"] != 0
    assert 0.02 < given[100:].mean() < 0.2
    assert (np.sign(found["score"][given]) == found["signal"][given]).all()
    assert (np.abs(found["score"][given]) >= 0.5).all()
    for key in range(20):
        assert (np.diff(np.flatnonzero(given[:, key])) >= 5).all()  # the cool-down
    assert not given[:100].any()


def test_a_signal_comes_once_until_the_score_has_come_back() -> None:
    rules = Rules(threshold=0.5, release=0.3, cool_down_ms=0, warm_up=0)
    found = played(bars(5, 400, right=0.95), SignalsPool(2, rules, LOGISTIC))
    for key in range(5):
        held = 0.0
        for score, signal in zip(found["score"][:, key], found["signal"][:, key], strict=True):
            if abs(score) < 0.3 or score * held < 0:
                held = 0.0
            expected = float(np.sign(score)) if abs(score) >= 0.5 and not held else 0.0
            assert signal == expected
            held = held or expected


# -------------------------------------------------------------------------------- the scoreboard, by an oracle
def test_the_scoreboard_is_what_was_said_held_against_what_came() -> None:
    """Everything it says, from scores and prices alone, at a horizon of three bars and with prices that rest."""
    fee, ahead, length = 0.002, 3, 300
    rows = bars(2, length, right=0.75, zeros=0.2)
    rows[150:200, :, :3] = rows[149, :, :3]
    found = played(rows, SignalsPool(2, Rules(horizon_ms=ahead * MINUTE, fee=fee, threshold=0.2, release=0.1,
                                             cool_down_ms=0, warm_up=0)))  # fmt: skip
    for key in range(2):
        mid, bid, ask = rows[:, key, :3].T
        score, signal = found["score"][:, key], found["signal"][:, key]
        total: dict[str, float] = dict.fromkeys(
            ("moves", "zeros", "right", "ups", "same", "opposite", "squared", "trades", "gross", "net", "signals",
             "signal_gross", "signal_net"), 0.0
        )  # fmt: skip
        for i in range(length - ahead):
            j = i + ahead
            change = mid[j] / mid[i] - 1
            if score[i]:
                long = bid[j] * (1 - fee) / (ask[i] * (1 + fee)) - 1
                short = 1 - ask[j] * (1 + fee) / (bid[i] * (1 - fee))
                parts = 1.0, np.sign(score[i]) * change, long if score[i] > 0 else short
                for name, part in zip(("trades", "gross", "net"), parts, strict=True):
                    total[name] += part
                for name, part in zip(("signals", "signal_gross", "signal_net"), parts, strict=True):
                    total[name] += part * bool(signal[i])
            if change == 0:
                total["zeros"] += 1
                continue
            total["moves"] += 1
            up = change > 0
            total["ups"] += up
            total["right"] += 0.5 if score[i] == 0 else (score[i] > 0) == up
            step = np.sign(mid[i] - mid[i - 1]) if i else 0.0
            total["same"] += 0.5 if step == 0 else (step > 0) == up
            total["opposite"] += 0.5 if step == 0 else (step < 0) == up
            total["squared"] += ((score[i] + 1) / 2 - up) ** 2
        assert total["zeros"] > 30 and total["signals"] > 5
        for name, value in total.items():
            assert found[name][-1, key] == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_inverse_error_weights_hardly_differ_and_are_reported() -> None:
    found = played(bars(20, 400, right=0.52), SignalsPool(2))
    low, high = found["inverse_weight_low"][200:], found["inverse_weight_high"][200:]
    assert (low <= 0.25 + 1e-12).all() and (high >= 0.25 - 1e-12).all()
    assert np.median(low) > 0.15 and np.median(high) < 0.35


def test_hedge_follows_the_better_member() -> None:
    """One member learns; the others, for whom rises weigh nothing, always say down."""
    members = [{"algorithm": "logistic", "positive_weight": 0.0}] * 3 + [LOGISTIC[0]]
    found = played(bars(20, 400, right=0.9), SignalsPool(2, Rules(eta=0.3), members))
    assert np.median(found["best_weight"][-1]) > 0.95


# -------------------------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"horizon_ms": 0}, "horizon_ms must be in 1"),
        ({"threshold": 1.5}, "threshold must be a number in 0..1, got 1.5"),
        ({"release": 0.8}, r"release must be at most threshold \(0.7\), got 0.8"),
        ({"fee": 1.0}, "fee must be below 1"),
        ({"waiting": 0}, "waiting must be in 1..1000, got 0"),
    ],
)
def test_rules_that_cannot_be(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        Rules(**given)


def test_members_that_cannot_be() -> None:
    with pytest.raises(ParameterError, match="member 1: 'linear_regression' predicts numbers"):
        SignalsPool(1, members=[LOGISTIC[0], {"algorithm": "linear_regression"}])
    with pytest.raises(ParameterError, match="member 0: there is no algorithm 'oracle'"):
        SignalsPool(1, members=[{"algorithm": "oracle"}, LOGISTIC[0]])
    with pytest.raises(ParameterError, match=r"members must be in 2..16, got 1"):
        SignalsPool(1, members=LOGISTIC[:1])


def test_a_price_that_is_none_is_refused_and_changes_nothing() -> None:
    pool = SignalsPool(1, members=LOGISTIC)
    slot = pool.open()
    before = pool.dump(slot)
    with pytest.raises(InputError, match=r"row 1: bid must be above 0, got 0\.0"):
        pool.process(np.full(2, slot, np.int32), np.arange(2), np.array([[1.0, 0.9, 1.1, 0], [1, 0, 1.1, 0]]))
    assert pool.dump(slot) == before
