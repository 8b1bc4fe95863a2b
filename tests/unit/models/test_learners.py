"""What the factory and every learner promise beyond the pools' contract: two steps equal one, and clear refusals."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

from models import learners
from models.errors import InputError, ParameterError, SnapshotError
from models.features import category_codes, hashing
from models.learners import ALGORITHMS, learner
from models.linear import pool as linear
from tests.unit.models.learning_streams import made

#: Each algorithm with what makes it small, and ways of it that take other paths.
LEARNERS: dict[str, tuple[str, dict[str, Any]]] = {
    "logistic": ("logistic", {"learning_rate": 0.1}),
    "logistic, everything": (
        "logistic",
        {
            "optimizer": "adagrad", "l1": 0.001, "averaging": True, "average_from": 20, "calibration": "binned",
            "scaler_half_life_ms": 1000, "buckets": 64,
        },
    ),
    "logistic, one-hot": ("logistic", {"optimizer": "ftrl", "encoding": "one_hot", "buckets": 16}),
    "logistic_mixture": ("logistic_mixture", {"members": 3, "averaging": True}),
    "perceptron": ("perceptron", {}),
    "passive_aggressive": ("passive_aggressive", {"calibration": "platt"}),
    "alma": ("alma", {"averaging": True}),
    "naive_bayes": ("naive_bayes", {"buckets": 16}),
    "hoeffding_tree": ("hoeffding_tree", {"grace": 20, "delta": 0.01, "max_leaves": 16}),
    "adaptive_random_forest": ("adaptive_random_forest", {"trees": 3, "max_leaves": 64, "drift_delta": 0.2}),
    "linear_regression": ("linear_regression", {}),
    "passive_aggressive_regression": ("passive_aggressive_regression", {"variant": 2}),
}  # fmt: skip


@pytest.fixture(params=LEARNERS, ids=lambda name: name.replace(", ", "-"))
def case(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return LEARNERS[request.param]


def rows_of(rows: int = 300) -> np.ndarray:
    """Two numbers, two categories with values that are missing now and then, and the label."""
    random = np.random.default_rng(3)
    numbers = random.normal(size=(rows, 2))
    numbers[random.random(numbers.shape) < 0.05] = np.nan
    texts = random.choice(["a", "b", "c", None], rows), random.choice(["a", "z"], rows)
    codes = np.column_stack([category_codes(name, column.tolist()) for name, column in zip("gh", texts, strict=True)])
    label = (np.nan_to_num(numbers[:, 0]) + (texts[0] == "a") - (texts[1] == "z") > 0).astype(float)
    return np.column_stack([numbers, codes, label])


def test_predicting_and_learning_apart_gives_the_bits_of_process(case: tuple[str, dict[str, Any]]) -> None:
    algorithm, parameters = case
    one, two = (learner(algorithm, columns=2, categories=2, **parameters) for _ in range(2))
    rows, keys = rows_of(), np.random.default_rng(1).integers(0, 3, 300)
    slots = [(one.open(), two.open()) for _ in range(3)]
    times = np.arange(300) * 10
    mine = np.array([slot for slot, _ in slots], np.int32)[keys]
    together = one.process(mine, times, rows)["prediction"]
    apart = np.empty(300)
    for row in range(300):
        part = slice(row, row + 1)
        apart[part] = two.predict(mine[part], times[part], rows[part, :-1])
        before = two.dump(int(mine[row]))
        two.predict(mine[part], times[part], rows[part, :-1])
        assert two.dump(int(mine[row])) == before, "predicting changes nothing"
        two.learn(mine[part], times[part], rows[part, :-1], rows[part, -1])
    np.testing.assert_array_equal(together, apart)
    assert [one.dump(slot) for slot, _ in slots] == [two.dump(slot) for _, slot in slots]


def test_a_label_that_is_not_known_is_not_learned(case: tuple[str, dict[str, Any]]) -> None:
    algorithm, parameters = case
    rows = rows_of(60)
    pool, twin = (learner(algorithm, columns=2, categories=2, **parameters) for _ in range(2))
    slots = np.full(60, pool.open(), np.int32)
    twin.open()
    pool.process(slots[:40], np.arange(40), rows[:40])
    twin.process(slots[:40], np.arange(40), rows[:40])
    unknown = rows[40:].copy()
    unknown[:, -1] = np.nan
    expected = twin.predict(slots[40:], np.arange(40, 60), rows[40:, :-1])
    np.testing.assert_array_equal(pool.process(slots[40:], np.arange(40, 60), unknown)["prediction"], expected)
    assert pool.dump(0) == twin.dump(0)


def test_something_is_learned_and_weight_zero_teaches_no_weights(case: tuple[str, dict[str, Any]]) -> None:
    algorithm, parameters = case
    rows = rows_of(200)
    pool = learner(algorithm, columns=2, categories=2, **parameters)
    slots, times = np.full(200, pool.open(), np.int32), np.arange(200)
    fresh = pool.predict(slots, times, rows[:, :-1])
    assert np.ptp(fresh) == 0.0
    pool.learn(slots, times, rows[:, :-1], rows[:, -1], np.zeros(200))
    if parameters.get("calibration", "none") == "none":
        np.testing.assert_array_equal(pool.predict(slots, times, rows[:, :-1]), fresh)
    pool.learn(slots, times, rows[:, :-1], rows[:, -1])
    learned = pool.predict(slots, times, rows[:, :-1])
    middle = 0.5 * (learned.max() + learned.min())
    assert ((learned > middle) == (rows[:, -1] == 1.0)).mean() > 0.7


def test_extreme_values_leave_results_finite(case: tuple[str, dict[str, Any]]) -> None:
    algorithm, parameters = case
    pool = learner(algorithm, columns=2, categories=2, **parameters)
    rows = rows_of(200)
    rows[::7, 0], rows[::11, 1], rows[::13, 0] = 1e100, -1e100, 1e-320
    if pool.task == "regression":
        rows[::5, -1] = -1e100
    slots = np.full(200, pool.open(), np.int32)
    assert np.isfinite(pool.process(slots, np.arange(200), rows)["prediction"]).all()
    pool.load(pool.dump(0))


def test_snapshots_of_other_parameters_are_refused() -> None:
    pool, other = learner("logistic", columns=2), learner("logistic", columns=2, learning_rate=0.02)
    with pytest.raises(SnapshotError, match=r"with learning_rate 0\.01, this one has 0\.02"):
        other.load(pool.dump(pool.open()))


def test_an_unknown_algorithm_is_answered_with_the_list() -> None:
    with pytest.raises(ParameterError) as refused:
        learner("logistics", columns=1)
    assert "did you mean 'logistic'?" in str(refused.value)
    assert all(name in str(refused.value) for name in ALGORITHMS)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_unknown_parameter_is_answered_with_the_list_and_ranges(algorithm: str) -> None:
    with pytest.raises(ParameterError) as refused:
        learner(algorithm, columns=1, nonsense=3)
    for name, parameter in ALGORITHMS[algorithm].parameters.items():
        assert f"{name} ({parameter.range})" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0 and at most 1000, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number above 0 and at most 1000, got nan"),
        ({"averaging": 1}, "averaging must be true or false, got 1"),
        (
            {"optimizer": "adam"},
            "optimizer must be one of 'constant', 'inverse_scaling', 'adagrad', 'ftrl', got 'adam'",
        ),
        ({"buckets": 7}, "buckets must be in 8..16777216, got 7"),
        ({"learning_rat": 1}, "did you mean 'learning_rate'?"),
    ],
)
def test_wrong_parameters_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message.replace("?", r"\?").replace(".", r"\.")):
        learner("logistic", columns=1, **given)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, np.inf, "row 2, column 0: inf is not within 1e"),
        (2, 0.5, r"row 2, column 2: 0\.5 is no code of a category"),
        (2, -1.0, "no code of a category"),
        (4, 0.5, r"row 2: the label must be 0 or 1, got 0\.5"),
    ],
)
def test_rows_that_cannot_be_taken_change_nothing(column: int, value: float, message: str) -> None:
    pool = learner("logistic", columns=2, categories=2)
    rows, slots = rows_of(5), np.full(5, pool.open(), np.int32)
    before = pool.dump(0)
    rows[2, column] = value
    with pytest.raises(InputError, match=message):
        pool.process(slots, np.arange(5), rows)
    assert pool.dump(0) == before


def test_a_million_keys_of_eight_columns_stay_below_a_gigabyte() -> None:
    for name, parameters in (("logistic", {}), ("logistic", {"optimizer": "ftrl"}), ("alma", {"calibration": "platt"})):
        pool = learner(name, columns=8, **parameters)
        pool.open()
        assert pool.nbytes * 1_000_000 < 1e9


def test_averaging_is_the_mean_of_the_weights() -> None:
    """Against the mean of what a twin without averaging has after each row."""
    stream = made(400)
    twin, pool = learner("logistic", columns=5), learner("logistic", columns=5, averaging=True, average_from=50)
    assert isinstance(twin, linear.LinearPool) and isinstance(pool, linear.LinearPool)
    slots, seen = np.zeros(1, np.int32), []
    twin.open()
    pool.open()
    for row in range(400):
        for each in (twin, pool):
            each.learn(slots, np.array([row]), stream.features[row : row + 1], stream.labels[row : row + 1])
        weights, intercept = twin.weights(0)
        seen.append([*weights, intercept])
        expected = seen[-1] if row < 50 else np.mean(seen[50:], axis=0)
        averaged, intercept = pool.weights(0)
        np.testing.assert_allclose([*averaged, intercept], expected, rtol=1e-9, atol=1e-12)


def test_the_scaler_forgets_with_its_half_life() -> None:
    """A mean and variance with weights 0.5 ** (age / half-life), computed from all rows at once."""
    random = np.random.default_rng(4)
    times = np.cumsum(random.integers(0, 500, 200))
    values = random.normal(size=(200, 1)) + np.linspace(0, 5, 200)[:, None]
    pool = learner("logistic", columns=1, scaler_half_life_ms=3000)
    assert isinstance(pool, linear.LinearPool)
    pool.learn(np.full(200, pool.open(), np.int32), times, values, np.zeros(200))
    weights = 0.5 ** ((times[-1] - times) / 3000)
    mean = np.average(values[:, 0], weights=weights)
    counts, means, variances = pool.scaler(0)
    np.testing.assert_allclose(counts, [weights.sum()], rtol=1e-9)
    np.testing.assert_allclose(means, [mean], rtol=1e-9)
    np.testing.assert_allclose(variances, [np.average((values[:, 0] - mean) ** 2, weights=weights)], rtol=1e-9)


def test_examples() -> None:
    for module in (learners, linear, hashing):
        result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
        assert result.attempted > 0 and result.failed == 0, module.__name__


def test_mixed_work_gives_the_bits_of_a_call_a_row(case: tuple[str, dict[str, Any]]) -> None:
    """Labels that come late: predictions and learning of earlier rows in one call."""
    algorithm, parameters = case
    one, two = (learner(algorithm, columns=2, categories=2, **parameters) for _ in range(2))
    rows = np.vstack([rows_of(100), rows_of(100)])
    order = np.argsort(np.concatenate([np.arange(100) * 10, np.arange(100) * 10 + 35]), kind="stable")
    work = np.where(order < 100, 1, 2).astype(np.int8)
    slots, times = np.full(200, one.open(), np.int32), np.arange(200)
    two.open()
    together = one.work(slots, times, rows[order, :-1], rows[order, -1], work)
    for number, (place, what) in enumerate(zip(order.tolist(), work.tolist(), strict=True)):
        part = slice(number, number + 1)
        if what == 1:
            assert two.predict(slots[part], times[part], rows[place, None, :-1])[0] == together[number]
        else:
            two.learn(slots[part], times[part], rows[place, None, :-1], rows[place, None, -1])
            assert np.isnan(together[number])
    assert one.dump(0) == two.dump(0)
    with pytest.raises(InputError, match="row 1: work must be 1"):
        one.work(slots[:2], times[:2], rows[:2, :-1], rows[:2, -1], np.array([1, 4], np.int8))


def test_class_weights_are_weights_of_rows(case: tuple[str, dict[str, Any]]) -> None:
    algorithm, parameters = case
    if "positive_weight" not in ALGORITHMS[algorithm].parameters:
        pytest.skip("a regression has no classes")
    rows, slots, times = rows_of(150), np.zeros(150, np.int32), np.arange(150)
    weights = np.where(rows[:, -1] == 1.0, 2.5, 0.5)
    declared = {"positive_weight": 2.5, "negative_weight": 0.5}
    one = learner(algorithm, columns=2, categories=2, **parameters, **declared)
    two, plain = (learner(algorithm, columns=2, categories=2, **parameters) for _ in range(2))
    for pool, given in ((one, None), (two, weights), (plain, None)):
        pool.open()
        pool.learn(slots, times, rows[:, :-1], rows[:, -1], given)
    found, same, other = (pool.predict(slots, times, rows[:, :-1]) for pool in (one, two, plain))
    np.testing.assert_array_equal(found, same)
    assert not np.array_equal(found, other)


def test_a_mixture_is_the_mean_of_its_members() -> None:
    stream = made(300)
    slots, times = np.zeros(300, np.int32), np.arange(300)
    alone = []
    for rate in (0.01, 0.1, 1.0):
        pool = learner("logistic", columns=5, learning_rate=rate)
        pool.open()
        alone.append(pool.process(slots, times, stream.rows)["prediction"])
    pool = learner("logistic_mixture", columns=5, slowest=0.01, fastest=1.0, members=3)
    pool.open()
    np.testing.assert_allclose(
        pool.process(slots, times, stream.rows)["prediction"], np.mean(alone, axis=0), rtol=1e-12
    )
    with pytest.raises(ParameterError, match=r"slowest must be below fastest, got slowest 0\.1 and fastest 0\.1"):
        learner("logistic_mixture", columns=5, slowest=0.1, fastest=0.1)
    with pytest.raises(SnapshotError, match="'logistic_mixture'"):
        learner("logistic", columns=5).load(pool.dump(0))
    with pytest.raises(SnapshotError, match=r"learning_rate 0\.01, this one has 0\.02"):
        learner("logistic_mixture", columns=5, slowest=0.02, fastest=1.0, members=3).load(pool.dump(0))
    assert pool.open() == 1
