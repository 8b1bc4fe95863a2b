"""Linear learners equal river 0.23 row by row: every prediction of a whole stream, and the weights at its end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from river import linear_model, optim, preprocessing
from sklearn.linear_model import SGDRegressor

from models.features import category_codes
from models.learners import learner
from models.linear import LinearPool
from tests.unit.models.learning_streams import Stream, made, recorded

LogisticRegression = linear_model.LogisticRegression

#: (algorithm, parameters, the same of river)
CLASSIFIERS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "constant": ("logistic", {"learning_rate": 0.05}, lambda: LogisticRegression(optim.SGD(0.05))),
    "inverse scaling": (
        "logistic",
        {"optimizer": "inverse_scaling", "learning_rate": 0.5, "power": 0.3, "intercept_learning_rate": 0.02},
        lambda: LogisticRegression(optim.SGD(optim.schedulers.InverseScaling(0.5, 0.3)), intercept_lr=0.02),
    ),
    "adagrad": (
        "logistic",
        {"optimizer": "adagrad", "learning_rate": 0.1},
        lambda: LogisticRegression(optim.AdaGrad(0.1)),
    ),
    "ftrl": (
        "logistic",
        {"optimizer": "ftrl", "ftrl_alpha": 0.05, "ftrl_beta": 1.0, "l2": 1.0},
        lambda: LogisticRegression(optim.FTRLProximal()),
    ),
    "ftrl with L1": (
        "logistic",
        {"optimizer": "ftrl", "ftrl_alpha": 0.1, "ftrl_beta": 0.5, "l1": 5.0, "l2": 0.2},
        lambda: LogisticRegression(optim.FTRLProximal(alpha=0.1, beta=0.5, l1=5.0, l2=0.2)),
    ),
    "L1": ("logistic", {"learning_rate": 0.05, "l1": 0.01}, lambda: LogisticRegression(optim.SGD(0.05), l1=0.01)),
    "L2 and class weights": (
        "logistic",
        {"learning_rate": 0.05, "l2": 0.01, "positive_weight": 2.5, "negative_weight": 0.5},
        lambda: LogisticRegression(optim.SGD(0.05), l2=0.01, loss=optim.losses.Log(2.5, 0.5)),
    ),
    "perceptron": ("perceptron", {}, linear_model.Perceptron),
    "PA-I": (
        "passive_aggressive",
        {"aggressiveness": 0.01},
        lambda: linear_model.PAClassifier(C=0.01, mode=1),
    ),
    "PA-II": (
        "passive_aggressive",
        {"aggressiveness": 0.1, "variant": 2},
        lambda: linear_model.PAClassifier(C=0.1, mode=2),
    ),
    "ALMA": ("alma", {}, linear_model.ALMAClassifier),
    "ALMA, other parameters": (
        "alma",
        {"alpha": 0.5, "b": 2.0, "c": 1.0},
        lambda: linear_model.ALMAClassifier(alpha=0.5, B=2.0, C=1.0),
    ),
}

REGRESSORS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "least squares": (
        "linear_regression",
        {"learning_rate": 0.02},
        lambda: linear_model.LinearRegression(optim.SGD(0.02)),
    ),
    "least squares, adagrad": (
        "linear_regression",
        {"optimizer": "adagrad", "learning_rate": 0.3, "intercept_learning_rate": 0.1},
        lambda: linear_model.LinearRegression(optim.AdaGrad(0.3), intercept_lr=0.1),
    ),
}  # fmt: skip


def ours(stream: Stream, algorithm: str, parameters: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, float]:
    pool = learner(algorithm, columns=len(stream.names), **parameters)
    assert isinstance(pool, LinearPool)
    slots = np.full(stream.labels.size, pool.open(), np.int32)
    predictions = pool.process(slots, np.arange(stream.labels.size), stream.rows)["prediction"]
    return predictions, *pool.weights(0)


def rivers(stream: Stream, model: Any, label: type) -> tuple[np.ndarray, np.ndarray, float]:
    scaler, predictions = preprocessing.StandardScaler(), []
    for row, target in zip(stream.dicts(), stream.labels.tolist(), strict=True):
        scaled = scaler.transform_one(row)
        predictions.append(model.predict_proba_one(scaled)[True] if label is bool else model.predict_one(scaled))
        scaler.learn_one(row)
        model.learn_one(scaler.transform_one(row), label(target))
    weights = model.w if hasattr(model, "w") else model.weights
    return np.array(predictions), np.array([weights[name] for name in stream.names]), getattr(model, "intercept", 0.0)


def assert_equal(stream: Stream, algorithm: str, parameters: dict[str, Any], model: Any, label: type) -> None:
    predictions, weights, intercept = ours(stream, algorithm, parameters)
    their_predictions, their_weights, their_intercept = rivers(stream, model, label)
    assert np.ptp(predictions) > 0.1, "a stream on which nothing is learned would prove nothing"
    np.testing.assert_allclose(predictions, their_predictions, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(weights, their_weights, rtol=1e-6, atol=1e-6)
    assert intercept == pytest.approx(their_intercept, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_on_a_made_stream(name: str) -> None:
    algorithm, parameters, model = CLASSIFIERS[name]
    assert_equal(made(), algorithm, parameters, model(), bool)


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_on_a_made_stream(name: str) -> None:
    algorithm, parameters, model = REGRESSORS[name]
    stream = made()
    target = stream.features @ np.array([3.0, -2.0, 0.3, 0.01, 0.5]) + 7.0
    assert_equal(Stream(stream.names, stream.features, target), algorithm, parameters, model(), float)


@pytest.mark.parametrize("variant", [1, 2])
def test_passive_aggressive_regression_equals_scikit_learn(variant: int) -> None:
    """Not river 0.23, whose loss takes a number y for 2 y - 1, as if it were a class."""
    stream = made()
    features = (stream.features - stream.features.mean(axis=0)) / (stream.features.std(axis=0) + 1e-9)
    target = features @ np.array([3.0, -2.0, 0.3, 1.0, 0.5]) + 7.0
    peer = SGDRegressor(
        loss="epsilon_insensitive", epsilon=0.2, penalty=None, learning_rate=f"pa{variant}", eta0=0.05, shuffle=False
    )
    pool = learner(
        "passive_aggressive_regression", columns=5, scale=False, aggressiveness=0.05, tolerance=0.2, variant=variant
    )
    assert isinstance(pool, LinearPool)
    slots = np.full(500, pool.open(), np.int32)
    predictions = pool.process(slots, np.arange(500), np.column_stack([features, target])[:500])["prediction"]
    theirs = [0.0]
    for row in range(500):
        peer.partial_fit(features[row : row + 1], target[row : row + 1])
        theirs.append(float(peer.predict(features[row + 1 : row + 2])[0]))
    np.testing.assert_allclose(predictions, theirs[:500], rtol=1e-6, atol=1e-6)
    weights, intercept = pool.weights(0)
    np.testing.assert_allclose(weights, peer.coef_, rtol=1e-6, atol=1e-6)
    assert intercept == pytest.approx(peer.intercept_[0], rel=1e-6)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["constant", "adagrad", "ftrl", "PA-I", "ALMA"])
@pytest.mark.parametrize("stream", ["phishing", "elec2"])
def test_classifiers_on_recorded_streams(stream: str, name: str) -> None:
    algorithm, parameters, model = CLASSIFIERS[name]
    assert_equal(recorded(stream), algorithm, parameters, model(), bool)


def test_the_scaler_is_rivers_and_is_of_what_was_learned() -> None:
    stream, scaler = made(), preprocessing.StandardScaler()
    pool = learner("logistic", columns=len(stream.names))
    assert isinstance(pool, LinearPool)
    slots = np.full(stream.labels.size, pool.open(), np.int32)
    pool.learn(slots, np.arange(stream.labels.size), stream.features, stream.labels)
    for row in stream.dicts():
        scaler.learn_one(row)
    counts, means, variances = pool.scaler(0)
    np.testing.assert_array_equal(counts, [scaler.counts[name] for name in stream.names])
    np.testing.assert_allclose(means, [scaler.means[name] for name in stream.names], rtol=1e-9)
    np.testing.assert_allclose(variances, [scaler.vars[name] for name in stream.names], rtol=1e-9)


def test_categories_one_hot_equal_rivers_one_hot_encoder() -> None:
    """River learns a value when it meets it, so an unknown one has no weight yet; the same here."""
    random = np.random.default_rng(2)
    texts = [random.choice(["a", "b", "c", "d"], 800).tolist(), random.choice(["a", "x"], 800).tolist()]
    number = random.normal(size=800)
    labels = (number + np.isin(texts[0], ["a", "d"]) - (np.array(texts[1]) == "x") > 0.3).astype(float)
    codes = [category_codes(name, column) for name, column in zip("gh", texts, strict=True)]
    pool = learner("logistic", columns=1, categories=2, encoding="one_hot", buckets=32, learning_rate=0.1)
    rows = np.column_stack([number, *codes, labels])
    predictions = pool.process(np.full(800, pool.open(), np.int32), np.arange(800), rows)["prediction"]
    scaler, model, theirs = preprocessing.StandardScaler(), LogisticRegression(optim.SGD(0.1)), []
    for value, g, h, label in zip(number.tolist(), *texts, labels.tolist(), strict=True):
        some = {f"g={g}": 1.0, f"h={h}": 1.0}
        theirs.append(model.predict_proba_one({**scaler.transform_one({"n": value}), **some})[True])
        scaler.learn_one({"n": value})
        model.learn_one({**scaler.transform_one({"n": value}), **some}, bool(label))
    np.testing.assert_allclose(predictions, theirs, rtol=1e-9, atol=1e-9)
