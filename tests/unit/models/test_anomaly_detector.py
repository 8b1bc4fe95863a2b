"""The detector against a twin in plain Python, and what it promises of every kind of stream."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.anomaly_detector import AnomalyDetector, AnomalyDetectorPool
from models.errors import InputError, ParameterError, SnapshotError
from tests.unit.models.detector_twin import Twin

#: A Monday, midnight UTC.
MONDAY = 1_700_438_400_000
MINUTE, DAY = 60_000, 86_400_000
JUDGED_FROM = 100


def days(count: float, every: int = 15 * MINUTE, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A daily rhythm with noise: times, and values of one column."""
    times = MONDAY + every * np.arange(round(count * DAY / every))
    noise = np.random.default_rng(seed).normal(size=times.size)
    return times, 50.0 - 40.0 * np.cos(2 * math.pi * (times % DAY) / DAY) + noise


def joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert np.array_equal(one[name], other[name], equal_nan=True), name


# ---------------------------------------------------------------- against the twin
def irregular(n: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Times that stand still, jump and go back; values with gaps, level shifts and spikes."""
    random = np.random.default_rng(seed)
    steps = [0, 1, 1000, 5 * MINUTE, 40 * MINUTE, 3 * DAY, -DAY]
    steps = random.choice(steps, n, p=[0.1, 0.1, 0.1, 0.4, 0.2, 0.05, 0.05])
    values = random.normal(size=(n, columns)) * 10.0 ** np.arange(columns) + 5.0
    values[random.random(n) < 0.02] *= 8.0
    values[n // 2 :] += 20.0
    values[random.random((n, columns)) < 0.1] = np.nan
    return MONDAY + np.cumsum(steps), values


@pytest.mark.parametrize(("columns", "seed"), [(1, 0), (1, 1), (3, 2)])
def test_equals_the_twin(columns: int, seed: int) -> None:
    times, values = irregular(700, columns, seed)
    result = AnomalyDetector(columns, seed=seed).process(times, values)
    twin = Twin(columns, seed)
    rows = [twin.process(int(moment), row.tolist()) for moment, row in zip(times, values, strict=True)]
    for name, expected in (("column", "column"), ("by_time", "by_time")):
        assert result[name].tolist() == [row[expected] for row in rows]
    for name in ("score", "grade", "expected", "value", "deviation"):
        np.testing.assert_allclose(result[name], [row[name] for row in rows], rtol=1e-6, atol=1e-9, err_msg=name)
    assert np.count_nonzero(result["grade"]) > 3
    assert np.array_equal(result["is_anomaly"], result["grade"] >= 0.5)


# ---------------------------------------------------------------- what it finds
def test_a_spike_is_announced_once_and_explained() -> None:
    times, values = days(14)
    values[1000:1004] = 140.0
    result = AnomalyDetector().process(times, values)
    assert np.flatnonzero(result["is_anomaly"][900:1100]).tolist() == [100]
    assert result["grade"][1000] > 0.9 and not result["grade"][1001:1004].any()
    assert result["deviation"][1000] > 5
    assert abs(result["expected"][1000] - (50.0 - 40.0 * math.cos(2 * math.pi * (times[1000] % DAY) / DAY))) < 5


def test_an_ordinary_value_at_an_unusual_time() -> None:
    """Noon's value at midnight: no value is unusual, only its time."""
    times, values = days(21)
    night = 18 * 96
    values[night : night + 4] = 90.0
    result = AnomalyDetector().process(times, values)
    assert result["is_anomaly"][night]
    assert result["by_time"][night]
    assert result["value"][night] == 90.0 and result["expected"][night] < 30.0


def test_what_is_usual_on_a_weekday_is_learned() -> None:
    """Half the level at week-ends: after some weeks that is expected."""
    times, values = days(42)
    weekend = (times - MONDAY) // DAY % 7 >= 5
    values[weekend] *= 0.5
    result = AnomalyDetector().process(times, values)
    first, last = times < MONDAY + 7 * DAY, times >= MONDAY + 35 * DAY
    off = np.abs(result["expected"] - values)
    assert off[last & weekend].mean() < 0.4 * off[first & weekend].mean()
    assert off[last & ~weekend].mean() < 5.0


def test_the_column_is_named() -> None:
    times, one = days(10)
    values = np.column_stack([one, 1000 * np.random.default_rng(1).normal(size=one.size), one[::-1] / 1e6])
    values[800, 2] = -3e-4
    result = AnomalyDetector(columns=3).process(times, values)
    assert result["is_anomaly"][800]
    assert (result["column"][800], result["value"][800]) == (2, -3e-4)
    assert result["deviation"][800] < -5


def test_sensitivity_is_the_only_dial() -> None:
    times, values = irregular(1500, 1, 3)
    results = [AnomalyDetector(sensitivity=s).process(times, values) for s in (0.0, 0.2, 0.5, 0.8, 1.0)]
    for result in results[1:]:
        for name in set(result) - {"is_anomaly"}:
            assert np.array_equal(result[name], results[0][name], equal_nan=True)
    found = [int(result["is_anomaly"].sum()) for result in results]
    assert found[0] == 0 and found == sorted(found) and found[1] < found[-1]
    assert found[-1] == np.count_nonzero(results[0]["grade"])


# ---------------------------------------------------------------- every kind of stream
def test_short_series_are_not_judged() -> None:
    times, values = days(10 / 96)
    result = AnomalyDetector().process(times, values)
    assert times.size == 10
    assert not result["score"].any() and not result["is_anomaly"].any()
    assert result["expected"][0] == values[0], "a first value is as expected"
    assert np.isfinite(result["expected"]).all()


def test_no_records() -> None:
    result = AnomalyDetector(columns=2).process(np.empty(0, np.int64), np.empty((0, 2)))
    assert all(values.shape == (0,) for values in result.values())


@pytest.mark.parametrize("value", [0.0, 45.0, -1e300])
def test_constant_input_is_ordinary_and_its_first_change_is_not(value: float) -> None:
    times = MONDAY + 5 * MINUTE * np.arange(1500)
    values = np.full(1500, value)
    values[1400] = value + 1.0 if abs(value) < 1e6 else -0.5e300
    result = AnomalyDetector().process(times, values)
    assert np.flatnonzero(result["is_anomaly"]).tolist() == [1400]
    assert (result["expected"][:1400] == value).all()
    assert np.isfinite(result["score"]).all() and np.isfinite(result["deviation"]).all()


@pytest.mark.parametrize("unit", [1e-300, 1e-12, 1e12, 1e297])
def test_results_do_not_depend_on_the_unit(unit: float) -> None:
    times, values = days(8)
    values[700] = 130.0
    plain = AnomalyDetector().process(times, values)
    scaled = AnomalyDetector().process(times, values * unit)
    assert np.array_equal(plain["is_anomaly"], scaled["is_anomaly"]) and plain["is_anomaly"][700]
    np.testing.assert_allclose(scaled["score"], plain["score"], atol=0.02)
    np.testing.assert_allclose(scaled["expected"] / unit, plain["expected"], rtol=1e-6)


def test_without_usable_times_the_level_is_expected() -> None:
    values = np.random.default_rng(0).normal(size=1000) + 7.0
    values[600] = 30.0
    result = AnomalyDetector().process(np.zeros(1000, np.int64), values)
    assert result["is_anomaly"][600]
    np.testing.assert_allclose(result["expected"][300:600], 7.0, atol=1.0)


@pytest.mark.parametrize("years", [-60, 1000])
def test_times_of_other_centuries(years: int) -> None:
    """Whole weeks away from the tests' own: the same results."""
    times, values = days(10)
    moved = AnomalyDetector().process(times + years * 52 * 7 * DAY, values)
    assert_same(moved, AnomalyDetector().process(times, values))


def test_a_gap_of_days_is_no_anomaly() -> None:
    times, values = days(20)
    kept = (times < MONDAY + 12 * DAY) | (times >= MONDAY + 17 * DAY)
    result = AnomalyDetector().process(times[kept], values[kept])
    behind = np.flatnonzero(times[kept] >= MONDAY + 17 * DAY)[:10]
    assert not result["is_anomaly"][behind].any()
    np.testing.assert_allclose(result["expected"][behind], values[kept][behind], atol=10.0)


def test_a_missing_value_is_as_expected() -> None:
    times, values = days(8)
    pair = np.column_stack([values, values])
    pair[500, 1] = np.nan
    result = AnomalyDetector(columns=2).process(times, pair)
    assert result["column"][500] == 0 and result["value"][500] == values[500]
    assert not result["is_anomaly"][500]


def test_a_record_without_values_scores_0_and_teaches_nothing() -> None:
    times, values = days(8)
    holes = np.insert(values, [0, 3, 300, 300, 700], np.nan)
    hole_times = np.insert(times, [0, 3, 300, 300, 700], times[[0, 3, 300, 300, 700]])
    holed, plain = AnomalyDetector(), AnomalyDetector()
    result = holed.process(hole_times, holes)
    empty = np.isnan(holes)
    for name in ("score", "grade", "is_anomaly", "deviation"):
        assert not result[name][empty].any()
    assert np.isnan(result["expected"][0]) and np.isfinite(result["expected"][1:]).all()
    assert_same({name: column[~empty] for name, column in result.items()}, plain.process(times, values))
    assert holed.dump() == plain.dump()


# ---------------------------------------------------------------- causal, exact, refusing
@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(0, 5))
def test_prefixes_and_cuts_do_not_show(lengths: list[int], seed: int) -> None:
    times, values = irregular(600, 2, seed)
    whole = AnomalyDetector(columns=2).process(times, values)
    ends = np.minimum(np.cumsum([0, *lengths]), 600)
    detector = AnomalyDetector(columns=2)
    parts = [detector.process(times[a:b], values[a:b]) for a, b in pairwise(ends)]
    assert_same(joined(parts), {name: column[: ends[-1]] for name, column in whole.items()})


def test_one_record_a_call() -> None:
    times, values = irregular(400, 1, 4)
    detector = AnomalyDetector()
    parts = [detector.process(times[k : k + 1], values[k : k + 1]) for k in range(400)]
    assert_same(joined(parts), AnomalyDetector().process(times, values))


@pytest.mark.parametrize("cut", [0, 1, 63, 64, 150, 2500])
def test_dump_and_load_continue_bit_for_bit(cut: int) -> None:
    times, values = irregular(2800, 1, 6)
    one = AnomalyDetector(seed=9)
    one.process(times[:cut], values[:cut])
    blob = one.dump()
    other = AnomalyDetector.load(blob, sensitivity=0.9)
    assert other.dump() == blob
    rest, again = (d.process(times[cut:], values[cut:]) for d in (one, other))
    rest.pop("is_anomaly"), again.pop("is_anomaly")
    assert_same(rest, again)
    assert one.dump() == other.dump()


def test_damaged_snapshots_are_refused() -> None:
    times, values = irregular(300, 1, 7)
    detector = AnomalyDetector()
    detector.process(times, values)
    blob = detector.dump()
    random = np.random.default_rng(0)
    for place in [*range(0, 80), *random.integers(80, len(blob), 200).tolist()]:
        wrong = bytearray(blob)
        wrong[place] ^= 1 << int(random.integers(8))
        with pytest.raises(SnapshotError):
            AnomalyDetector.load(bytes(wrong))
    for wrong in (blob[:-1], blob[:20], blob + b"\0", b"", detector._pool._forests[0].dump(0)):
        with pytest.raises(SnapshotError):
            AnomalyDetector.load(wrong)
    with pytest.raises(SnapshotError, match="detector with columns 1, this one has 2"):
        AnomalyDetectorPool(columns=2).load(blob)
    with pytest.raises(SnapshotError, match="detector with seed 0, this one has 5"):
        AnomalyDetectorPool(seed=5).load(blob)


def test_values_that_cannot_be_taken_change_nothing() -> None:
    times, values = irregular(300, 2, 8)
    detector = AnomalyDetector(columns=2)
    detector.process(times, values)
    before = detector.dump()
    for wrong in (np.inf, -np.inf, 1.1e300):
        rows = values[:5].copy()
        rows[3, 1] = wrong
        with pytest.raises(InputError, match=r"row 3, column 1: .* is not within 1e\+300 of 0"):
            detector.process(times[:5], rows)
    with pytest.raises(InputError, match=r"shape \(n, 2\)"):
        detector.process(times, values[:, :1])
    with pytest.raises(InputError, match="times must be integers, got float64"):
        detector.process(times.astype(float), values)
    with pytest.raises(InputError, match=r"times must have shape \(300,\)"):
        detector.process(times[:-1], values)
    with pytest.raises(InputError, match="two dimensions"):
        detector.process(times, values[:, 0])
    assert detector.dump() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("columns", 0), ("columns", 31), ("columns", 1.0), ("columns", True), ("seed", -1), ("seed", 2**64),
     ("sensitivity", -0.1), ("sensitivity", 1.1), ("sensitivity", math.nan), ("sensitivity", "high"),
     ("sensitivity", True)],
)  # fmt: skip
def test_parameters_out_of_range(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=name):
        AnomalyDetector(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("every", [90, 10 * 60, 45 * 60, 3600])
def test_the_day_is_learned_at_any_pace(every: int) -> None:
    """Seconds between records: after ten days the rhythm of 80 from top to bottom is known within its noise."""
    times, values = days(14, every=1000 * every)
    result = AnomalyDetector().process(times, values)
    late = times >= MONDAY + 10 * DAY
    assert np.abs(result["expected"] - values)[late].mean() < 5.0
