"""Metrics of whole streams against scikit-learn, and of windows and fading streams against their definitions."""

from __future__ import annotations

import csv
import gzip
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as peers

from models.errors import InputError, ParameterError, SnapshotError
from models.metrics import PrequentialMetrics, PrequentialMetricsPool, class_prior, evaluation, last_class, measures
from models.metrics.pool import NAMES
from tests.recorded_data import recorded_file

#: Names of `measures`, as scikit-learn computes them.
THEIRS: dict[str, Any] = {
    "accuracy": lambda y, p, c: peers.accuracy_score(y, c),
    "balanced_accuracy": lambda y, p, c: peers.balanced_accuracy_score(y, c),
    "kappa": lambda y, p, c: peers.cohen_kappa_score(y, c),
    "f1": lambda y, p, c: peers.f1_score(y, c, zero_division=0.0),
    "log_loss": lambda y, p, c: peers.log_loss(y, np.clip(p, 1e-6, 1 - 1e-6), labels=[0, 1]),
    "brier": lambda y, p, c: peers.brier_score_loss(y, p),
    "roc_auc": lambda y, p, c: peers.roc_auc_score(y, p),
    "average_precision": lambda y, p, c: peers.average_precision_score(y, p),
}


def outcomes(n: int = 400, seed: int = 0, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities that know something of each other, with the class changing half way."""
    random = np.random.default_rng(seed)
    share = np.where(np.arange(n) < n // 2, 0.3, 0.7)
    labels = (random.random(n) < share).astype(np.float64)
    probabilities = np.clip(0.5 + 0.3 * (labels - 0.5) + random.normal(0, 0.3, n), 0, 1)
    return labels, np.round(probabilities, 1) if ties else probabilities


def calibration(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> float:
    """The definition, bin by bin."""
    places = np.minimum((probabilities * 10).astype(int), 9)
    gaps = [abs((weights * (probabilities - labels))[places == k].sum()) for k in range(10)]
    return float(sum(gaps) / weights.sum())


@pytest.mark.parametrize("threshold", [0.5, 0.2])
@pytest.mark.parametrize("ties", [False, True])
def test_whole_streams_are_as_scikit_learn_says(ties: bool, threshold: float) -> None:
    labels, probabilities = outcomes(ties=ties)
    found = measures(labels, probabilities, threshold=threshold)
    for name, theirs in THEIRS.items():
        assert found[name] == pytest.approx(theirs(labels, probabilities, probabilities >= threshold), abs=1e-12), name
    assert found["calibration_error"] == pytest.approx(calibration(labels, probabilities, np.ones(400)), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_windows_are_as_scikit_learn_says(ties: bool) -> None:
    labels, probabilities = outcomes(ties=ties)
    found = PrequentialMetrics(window=50).process(labels, probabilities)
    last, prior = last_class(labels) >= 0.5, class_prior(labels) >= 0.5
    for row in range(400):
        part = slice(max(0, row - 49), row + 1)
        y, p = labels[part], probabilities[part]
        assert found["n"][row] == len(y)
        assert found["baseline_last_class"][row] == pytest.approx((last[part] == y).mean(), abs=1e-12)
        assert found["baseline_prior"][row] == pytest.approx((prior[part] == y).mean(), abs=1e-12)
        assert found["calibration_error"][row] == pytest.approx(calibration(y, p, np.ones(len(y))), abs=1e-12)
        if y.min() == y.max():
            continue
        for name, theirs in THEIRS.items():
            assert found[name][row] == pytest.approx(theirs(y, p, p >= 0.5), abs=1e-12), (name, row)


def test_fading_metrics_weigh_rows_by_their_age() -> None:
    labels, probabilities = outcomes()
    found = PrequentialMetrics(window=100, fading=0.98).process(labels, probabilities)
    last = last_class(labels) >= 0.5
    for row in (5, 60, 399):
        y, p = labels[: row + 1], probabilities[: row + 1]
        weights = 0.98 ** np.arange(row, -1, -1)
        for name in ("accuracy", "balanced_accuracy", "kappa", "f1", "log_loss", "brier"):
            theirs = {
                "accuracy": lambda y, p, c, w: peers.accuracy_score(y, c, sample_weight=w),
                "balanced_accuracy": lambda y, p, c, w: peers.balanced_accuracy_score(y, c, sample_weight=w),
                "kappa": lambda y, p, c, w: peers.cohen_kappa_score(y, c, sample_weight=w),
                "f1": lambda y, p, c, w: peers.f1_score(y, c, sample_weight=w),
                "log_loss": lambda y, p, c, w: peers.log_loss(y, np.clip(p, 1e-6, 1 - 1e-6), sample_weight=w),
                "brier": lambda y, p, c, w: peers.brier_score_loss(y, p, sample_weight=w),
            }[name]
            assert found[name][row] == pytest.approx(theirs(y, p, p >= 0.5, weights), abs=1e-9), (name, row)
        assert found["calibration_error"][row] == pytest.approx(calibration(y, p, weights), abs=1e-9)
        assert found["baseline_last_class"][row] == pytest.approx(np.average(last[: row + 1] == y, weights=weights))
    part = slice(300, 400)
    assert found["roc_auc"][-1] == pytest.approx(peers.roc_auc_score(labels[part], probabilities[part]), abs=1e-12)


def test_fading_by_one_is_the_whole_stream() -> None:
    labels, probabilities = outcomes()
    last = {name: values[-1] for name, values in PrequentialMetrics(400, fading=1.0).process(*outcomes()).items()}
    whole = evaluation(labels, probabilities)
    assert whole["rows"] == last["n"] == 400
    for name in NAMES[:9]:
        assert last[name] == pytest.approx(whole[name], abs=1e-12), name
    assert last["baseline_last_class"] == pytest.approx(whole["baselines"]["last_class"]["accuracy"], abs=1e-12)
    assert last["baseline_prior"] == pytest.approx(whole["baselines"]["prior"]["accuracy"], abs=1e-12)


def test_a_span_of_time_ends_the_window_too() -> None:
    labels, probabilities = outcomes(200)
    times = np.cumsum(np.random.default_rng(1).integers(0, 400, 200))
    found = PrequentialMetrics(window=30, span_ms=5000).process(labels, probabilities, times)
    shorter = 0
    for row in range(200):
        inside = np.flatnonzero(times[: row + 1] > times[row] - 5000)[-30:]
        shorter += len(inside) < 30
        assert found["n"][row] == len(inside)
        assert found["brier"][row] == pytest.approx(np.mean((labels - probabilities)[inside] ** 2), abs=1e-12)
        assert found["accuracy"][row] == pytest.approx(((probabilities >= 0.5) == labels)[inside].mean(), abs=1e-12)
    assert 50 < shorter < 199


def test_what_is_not_defined() -> None:
    assert set(measures([], []).values()) == {None}
    ones = measures([1, 1], [0.9, 0.4])
    assert (ones["roc_auc"], ones["average_precision"], ones["kappa"]) == (None, 1.0, 0.0)
    zeros = measures([False, False], [0.1, 0.2])
    assert (zeros["roc_auc"], zeros["average_precision"], zeros["kappa"], zeros["f1"]) == (None, None, 0.0, 0.0)
    rows = PrequentialMetrics(10).process([0, 1], [0.5, 0.5])
    assert np.isnan(rows["roc_auc"]).tolist() == [True, False] and rows["roc_auc"][1] == 0.5


def test_rows_that_are_no_outcomes_are_left_out() -> None:
    pool = PrequentialMetricsPool(10)
    slots, times = np.full(5, pool.open(), np.int32), np.zeros(5, np.int64)
    rows = np.array([[1, 0.5], [2, 0.5], [1, 1.5], [np.nan, 0.5], [0, 0.25]])
    found = pool.process(slots, times, rows)
    assert found["n"][[0, 4]].tolist() == [1, 2]
    assert all(np.isnan(values[1:4]).all() for values in found.values())


def test_baselines() -> None:
    assert last_class([1, 0, 0]).tolist() == [0.5, 1, 0]
    assert class_prior([1, 0, 0]).tolist() == [0.5, 1, 0.5]
    assert last_class([]).size == class_prior([]).size == 0


@pytest.mark.parametrize(
    ("labels", "probabilities", "says"),
    [([2], [0.5], r"row 0: a label must be 0 or 1, got 2\.0"), ([0, 1], [0.5, 1.5], r"row 1: .* in 0\.\.1, got 1\.5"),
     ([0], [np.nan], r"in 0\.\.1, got nan"), ([0, 1], [0.5], "of one length"), (["a"], [0.5], "must be 0 or 1")],
)  # fmt: skip
def test_what_is_refused(labels: Any, probabilities: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        measures(labels, probabilities)


@pytest.mark.parametrize(
    "given", [{"window": 0}, {"window": 100_001}, {"fading": 1.5}, {"fading": True}, {"threshold": -1}, {"span_ms": -1}]
)
def test_parameters_out_of_range(given: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=f"{next(iter(given))} must be"):
        PrequentialMetricsPool(**given)


def test_a_span_needs_times() -> None:
    with pytest.raises(InputError, match="times_ms must have the shape"):
        PrequentialMetrics(span_ms=10).process([0], [0.5])


def test_snapshots_of_other_parameters_are_named() -> None:
    pool = PrequentialMetricsPool(10)
    with pytest.raises(SnapshotError, match="of a model with window 10, these have 11"):
        PrequentialMetricsPool(11).load(pool.dump(pool.open()))


#: accuracy, F1, kappa, ROC-AUC, average precision, log loss, Brier: measured with river's own metrics.
PUBLISHED = {
    "elec2": {
        "prior": (0.5753, 0.0026, 0.0002, 0.5041, 0.4294, 0.6821, 0.2444),
        "last_class": (0.8533, 0.8272, 0.6998, 0.8499, 0.7577, 2.0267, 0.1467),
    },
    "phishing": {
        "prior": (0.5552, 0.0825, -0.0015, 0.5010, 0.4419, 0.6976, 0.2477),
        "last_class": (0.5160, 0.4485, 0.0173, 0.5082, 0.4423, 6.6873, 0.4842),
    },
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", PUBLISHED)
def test_baselines_of_recorded_streams(name: str) -> None:
    with gzip.open(recorded_file("streams", f"{name}.csv.gz"), "rt") as lines:
        labels = [int(row["label"]) for row in csv.DictReader(lines)]
    found = evaluation(labels, np.full(len(labels), 0.5))["baselines"]
    for baseline, numbers in PUBLISHED[name].items():
        names = ("accuracy", "f1", "kappa", "roc_auc", "average_precision", "log_loss", "brier")
        assert tuple(round(found[baseline][key], 4) for key in names) == numbers, baseline
