"""The drift detectors against river's over whole streams, against scipy, and against what they promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from river import drift
from scipy import stats

from models.drift import ADWINPool, DDMPool, KSWINPool, PageHinkleyPool
from models.drift.adwin import LEVELS, SUMS, USED
from models.drift.kswin import critical_count
from models.errors import InputError, ParameterError, SnapshotError


def shifting(n: int = 12_000, seed: int = 0) -> np.ndarray:
    """Noise whose mean jumps, drifts, comes back, and changes its spread."""
    random = np.random.default_rng(seed)
    level = np.select([np.arange(n) < n // 4, np.arange(n) < n // 2], [0.0, 1.0], 0.2)
    level[3 * n // 4 :] += np.linspace(0, 2, n - 3 * n // 4)
    return level + random.normal(0, np.where(np.arange(n) < n // 3, 0.3, 0.8), n)


def errors(n: int = 12_000, seed: int = 0) -> np.ndarray:
    """Bits whose share of ones falls slowly and jumps."""
    share = np.tile(np.linspace(0.3, 0.1, n // 4), 4)
    share[n // 2 : 3 * n // 4] += 0.4
    return (np.random.default_rng(seed).random(n) < share).astype(np.float64)


def run(pool: Any, values: np.ndarray) -> dict[str, np.ndarray]:
    rows = len(values)
    return pool.process(np.full(rows, pool.open(), np.int32), np.zeros(rows, np.int64), values[:, None])


STREAMS: dict[str, Callable[[], np.ndarray]] = {
    "shifting": shifting,
    "errors": errors,
    "large": lambda: 1e6 + 1e3 * shifting(seed=1),
    "constant": lambda: np.full(3000, 0.25),
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(
    "given", [{}, {"delta": 0.2, "clock": 1}, {"max_buckets": 2, "min_window": 1, "grace": 1, "clock": 7}], ids=str
)
def test_adwin_is_rivers(given: dict[str, Any], stream: str) -> None:
    values = STREAMS[stream]()
    theirs = {{"min_window": "min_window_length", "grace": "grace_period"}.get(k, k): v for k, v in given.items()}
    peer, expected = drift.ADWIN(**theirs), []
    for value in values.tolist():
        peer.update(value)
        expected.append((peer.drift_detected, peer.estimation, peer.width))
    found = run(ADWINPool(**given), values)
    drifts, means, widths = map(np.array, zip(*expected, strict=True))
    assert np.array_equal(found["drift"], drifts)
    assert np.array_equal(found["width"], widths)
    assert np.allclose(found["mean"], means, rtol=1e-6, atol=1e-6)
    assert drifts.any() == (stream != "constant")
    assert np.array_equal(found["statistic"] > 1, found["drift"]) or given.get("clock", 32) > 1
    assert (found["statistic"][found["drift"]] > 1).all()


def test_the_variance_of_adwin_is_rivers() -> None:
    values, pool, peer = shifting(), ADWINPool(), drift.ADWIN()
    slot = np.array([pool.open()], np.int32)
    for row in range(0, len(values), 500):
        part = values[row : row + 500]
        pool.process(np.repeat(slot, 500), np.zeros(500, np.int64), part[:, None])
        for value in part.tolist():
            peer.update(value)
        width, total, variance = pool._state[0, :3]
        assert (width, total, variance) == pytest.approx((peer.width, peer.total, peer.variance), rel=1e-9)


def test_adwin_cuts_where_a_slow_reference_does() -> None:
    """Every cut of the window row by row: with so many buckets each bucket is one row."""
    values = np.random.default_rng(3).normal(np.repeat([0.0, 0.6], 45), 0.3)
    found = run(ADWINPool(delta=0.05, clock=1, max_buckets=100), values)
    begin = 0
    for row in range(90):
        window = values[begin : row + 1]
        ratio = 0.0
        if len(window) > 10:
            confidence = np.log(2 * np.log(len(window)) / 0.05)
            for k in range(5, len(window) - 4):
                m = 1 / (k - 4) + 1 / (len(window) - k - 4)
                bound = np.sqrt(2 * m * window.var() * confidence) + 2 / 3 * confidence * m
                ratio = max(ratio, abs(window[:k].mean() - window[k:].mean()) / bound)
                if ratio > 1:
                    break
        assert found["drift"][row] == (ratio > 1)
        if ratio > 1:
            assert found["statistic"][row] >= ratio * (1 - 1e-9)
            begin = row + 1
        else:
            assert found["statistic"][row] == pytest.approx(ratio, abs=1e-9)
    assert found["drift"].any() and not found["drift"][:45].any()


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("direction", ["both", "up", "down"])
@pytest.mark.parametrize(
    "given", [{"threshold": 8.0}, {"delta": 0.1, "minimum": 5, "threshold": 3.0, "alpha": 0.99}], ids=str
)
def test_page_hinkley_is_rivers(given: dict[str, Any], direction: str, stream: str) -> None:
    values = STREAMS[stream]()[:6000]
    peer = drift.PageHinkley(mode=direction, **{{"minimum": "min_instances"}.get(k, k): v for k, v in given.items()})
    expected = []
    for value in values.tolist():
        peer.update(value)
        tests = peer._sum_increase - peer._min_increase, peer._max_decrease - peer._sum_decrease
        statistic = {"both": max(tests), "up": tests[0], "down": tests[1]}[direction]
        early = peer._x_mean.n < peer.min_instances
        expected.append((peer.drift_detected, 0.0 if early else statistic, peer._x_mean.get()))
    found = run(PageHinkleyPool(direction=direction, **given), values)
    drifts, statistics, means = map(np.array, zip(*expected, strict=True))
    assert np.array_equal(found["drift"], drifts)
    assert np.allclose(found["statistic"], statistics, rtol=1e-6, atol=1e-6)
    assert np.allclose(found["mean"], means, rtol=1e-6, atol=1e-6)


def test_page_hinkley_finds_something() -> None:
    assert run(PageHinkleyPool(threshold=8.0), shifting())["drift"].sum() > 3


def test_page_hinkley_looks_in_its_direction() -> None:
    rising = np.repeat([0.0, 1.0], 200)
    found = {way: run(PageHinkleyPool(threshold=5.0, direction=way), rising)["drift"] for way in ("up", "down", "both")}
    assert not found["down"].any()
    assert found["up"].any() and np.array_equal(found["up"], found["both"])


@pytest.mark.parametrize("given", [{}, {"warning": 1.0, "threshold": 2.0, "minimum": 5}], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_ddm_is_rivers(given: dict[str, Any], seed: int) -> None:
    values = errors(seed=seed)
    names = {"warning": "warning_threshold", "threshold": "drift_threshold", "minimum": "warm_start"}
    peer, expected = drift.binary.DDM(**{names[k]: v for k, v in given.items()}), []
    for value in values.tolist():
        peer.update(value)
        expected.append((peer.drift_detected, peer.warning_detected, peer._p.get()))
    found = run(DDMPool(**given), values)
    drifts, warnings, rates = map(np.array, zip(*expected, strict=True))
    assert np.array_equal(found["drift"], drifts) and drifts.any()
    assert np.array_equal(found["warning"], warnings) and warnings.any()
    assert np.allclose(found["rate"], rates, rtol=1e-9)


def test_a_model_without_errors_and_then_one() -> None:
    found = run(DDMPool(minimum=10), np.append(np.zeros(50), 1.0))
    assert found["statistic"].tolist() == [0.0] * 50 + [1e6]
    assert found["drift"].tolist() == [False] * 50 + [True]


def test_ddm_leaves_out_what_is_no_error() -> None:
    found = run(DDMPool(minimum=1), np.array([0.0, 2.0, 1.0, -1.0, 1.0]))
    assert np.isnan(found["statistic"]).tolist() == [False, True, False, True, False]
    assert not found["drift"][[1, 3]].any()
    assert found["rate"][[0, 2, 4]].tolist() == pytest.approx([0.0, 0.5, 2 / 3])


@pytest.mark.parametrize("recent", [20, 30])
@pytest.mark.parametrize("stream", ["shifting", "errors"])
def test_kswin_is_rivers_where_nothing_is_drawn(stream: str, recent: int) -> None:
    values = STREAMS[stream]()[2500:4500]
    peer, expected = drift.KSWIN(alpha=0.01, window_size=2 * recent, stat_size=recent, seed=1), []
    for value in values.tolist():
        peer.update(value)
        expected.append(peer.drift_detected)
    found = run(KSWINPool(0.01, 2 * recent, recent), values)
    assert found["drift"].tolist() == expected
    assert any(expected) or stream == "errors"


def test_the_sample_of_kswin_is_uniform() -> None:
    """Of a window with 10 older ones and 40 older zeros, the newest all zeros: how many ones are drawn."""
    block = np.concatenate([np.ones(10), np.zeros(50)])
    drawn = [round(10 * run(KSWINPool(1e-9, 60, 10, seed), block)["statistic"][-1]) for seed in range(400)]
    counts = np.bincount(drawn, minlength=11)
    expected = 400 * stats.hypergeom(50, 10, 10).pmf(np.arange(11))
    merged = [(counts[:1], expected[:1]), (counts[1:2], expected[1:2]), (counts[2:3], expected[2:3]),
              (counts[3:4], expected[3:4]), (counts[4:], expected[4:])]  # fmt: skip
    chi = sum((c.sum() - e.sum()) ** 2 / e.sum() for c, e in merged)
    assert chi < stats.chi2.ppf(0.999, 4)


def test_kswin_sees_a_change_of_spread_and_another_seed_draws_another_sample() -> None:
    values = np.random.default_rng(4).normal(0, np.repeat([0.2, 3.0], 500))
    one, same, other = (run(KSWINPool(0.001, 200, 50, seed), values) for seed in (1, 1, 2))
    assert one["drift"][500:].any() and not one["drift"][:400].any()
    assert np.array_equal(one["statistic"], same["statistic"])
    assert not np.array_equal(one["statistic"], other["statistic"])


@pytest.mark.parametrize("rows", [1, 5, 30, 100])
@pytest.mark.parametrize("alpha", [0.2, 0.005, 1e-6])
def test_the_critical_count_is_scipys(rows: int, alpha: float) -> None:
    """Two samples that differ by one count more and more: the first that scipy's exact test refuses."""
    # a difference of one of several rows is never refused, and scipy cannot tell its p-value of 1 exactly
    samples = [(np.arange(rows) + 0.5, np.arange(rows) + 0.25 + k) for k in range(min(2, rows - 1), rows + 1)]
    tests = [stats.ks_2samp(a, b, method="exact") for a, b in samples]
    refused = [round(test.statistic * rows) for test in tests if test.pvalue <= alpha]
    assert critical_count(alpha, rows) == (min(refused) if refused else rows + 1)


@pytest.mark.parametrize("pool", [ADWINPool, PageHinkleyPool, DDMPool, KSWINPool])
def test_values_that_are_not_finite_are_refused(pool: Any) -> None:
    with pytest.raises(InputError, match=r"row 1, column 0: nan is no finite number"):
        run(pool(), np.array([0.0, np.nan]))


@pytest.mark.parametrize(
    ("pool", "given"),
    [(ADWINPool, {"delta": 0.0}), (ADWINPool, {"clock": 0}), (ADWINPool, {"max_buckets": 101}),
     (PageHinkleyPool, {"alpha": 1.0}), (PageHinkleyPool, {"direction": "left"}), (PageHinkleyPool, {"delta": "x"}),
     (DDMPool, {"threshold": -1.0}), (DDMPool, {"minimum": True}), (KSWINPool, {"alpha": 1.0}),
     (KSWINPool, {"recent": 51}), (KSWINPool, {"window": 1})],
)  # fmt: skip
def test_parameters_out_of_range(pool: Any, given: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=f"{next(iter(given))} must be"):
        pool(**given)


def test_states_that_cannot_be_are_refused_though_the_checksums_fit() -> None:
    pool = ADWINPool()
    slot = pool.open()
    run(pool, np.arange(40.0))
    for place, value, says in ((SUMS - LEVELS, 7.0, "cannot be"), (USED, 0.5, "cannot be"), (0, 3.0, "as many rows")):
        pool._state[slot] = pool._fresh
        pool._state[slot, place] = value
        with pytest.raises(SnapshotError, match=says):
            pool.load(pool.dump(slot))
    window = KSWINPool()
    slot = window.open()
    window._state[slot, 0] = 101.0
    with pytest.raises(SnapshotError, match="numbers that cannot be"):
        window.load(window.dump(slot))
    window._state[slot, 0] = 1.0
    window._state[slot, 4] = 2.5
    with pytest.raises(SnapshotError, match="sorted rows"):
        window.load(window.dump(slot))
