"""The original consumer against scikit-learn's, and what its figures hide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import train_test_split

from feeds.clicks import original_rows
from models.errors import ParameterError, SnapshotError
from models.learners import learner
from models.original_gate import Consumer, replay


def as_written(stream: list[tuple[Any, Any]]) -> tuple[SGDClassifier, list[tuple[int, float, float]]]:
    """The original consumer with scikit-learn itself: model, and message, F1 and log loss of what it accepts."""
    model = SGDClassifier(
        loss="log_loss", penalty=None, fit_intercept=True, shuffle=True, eta0=0.001, learning_rate="constant",
        average=False, random_state=2011, max_iter=1000, warm_start=False,
    )  # fmt: skip
    found: list[tuple[int, float, float]] = []
    for number, (features, labels) in enumerate(stream):
        learned, tried, truth, own = train_test_split(features, labels, test_size=0.20, random_state=2011, shuffle=True)
        alias = model
        alias.partial_fit(learned, truth, classes=[0, 1])
        predicted = alias.predict(tried)
        f1 = f1_score(own, predicted, zero_division=0.0)
        if not found or f1 > 0.95 * np.mean([each[1] for each in found]):
            found.append((number, f1, log_loss(own, predicted, labels=[0, 1])))
    return model, found


def test_it_does_what_the_original_does() -> None:
    """But for the order in which a message's rows are learned, which turns a prediction round now and then."""
    stream = list(original_rows(messages=150, rows_seed=0))
    model, theirs = as_written(stream)
    consumer = Consumer()
    for features, labels in stream:
        consumer.consume(features, labels)
    assert np.allclose(consumer.weights[:-1], model.coef_[0], atol=2e-3)
    assert consumer.weights[-1] == pytest.approx(model.intercept_[0], abs=2e-3)
    ours = {each.message: each for each in consumer.accepted}
    both = [(ours[number], f1, loss) for number, f1, loss in theirs if number in ours]
    assert len(both) > 0.8 * max(len(ours), len(theirs)) and len(both) > 10
    assert np.mean([abs(one.f1 - f1) for one, f1, _ in both]) < 0.02
    same = [one for one, f1, loss in both if one.f1 == pytest.approx(f1)]
    losses = {number: loss for number, _, loss in theirs}
    assert len(same) > 0.5 * len(both)
    assert all(one.log_loss == pytest.approx(losses[one.message], abs=1e-6) for one in same)


@pytest.mark.parametrize("copies", [False, True])
def test_as_a_learner_it_is_the_consumer_of_messages_of_one_size(copies: bool) -> None:
    """Rows one by one, of two keys in turn, predicted with the model as the messages before left it."""
    streams = [list(original_rows(messages=25, rows_seed=seed)) for seed in (0, 1)]
    pool: Any = learner("original_gate", columns=10, message_rows=40, learning_rate=0.05, copies=copies)
    slots = [pool.open(), pool.open()]
    consumers = [Consumer(copies, 0.05), Consumer(copies, 0.05)]
    rows = [np.vstack([features for features, _ in stream])[:1_000] for stream in streams]
    labels = [np.concatenate([truth for _, truth in stream])[:1_000] for stream in streams]
    columns = np.empty((2_000, 11))
    for key in (0, 1):
        columns[key::2] = np.column_stack([rows[key], labels[key]])
    said = pool.process(np.array(slots * 1_000, np.int32), np.arange(2_000), columns)["prediction"]
    refused = 0
    for key, consumer in enumerate(consumers):
        expected = []
        for begin in range(0, 1_000, 40):
            part = slice(begin, begin + 40)
            expected.append(consumer.probabilities(rows[key][part]))
            refused += consumer.consume(rows[key][part], labels[key][part]) is None
        np.testing.assert_allclose(said[key::2], np.concatenate(expected), rtol=1e-12)
        messages, accepted, mean = pool.accepted(slots[key])
        assert (messages, accepted) == (25, len(consumer.accepted))
        assert mean == pytest.approx(np.mean([each.f1 for each in consumer.accepted]))
    assert refused > 5


def test_as_a_learner_it_takes_numbers_only_and_refuses_other_messages() -> None:
    with pytest.raises(ParameterError, match="original_gate takes numbers only, got 1 categorical"):
        learner("original_gate", columns=2, categories=1)
    one, other = learner("original_gate", columns=2), learner("original_gate", columns=2, message_rows=50)
    with pytest.raises(SnapshotError, match="with message_rows 100, this one has 50"):
        other.load(one.dump(one.open()))
    one._row(0)[2 + 1 + 3] = 100.0  # type: ignore[attr-defined]
    with pytest.raises(SnapshotError, match="its messages cannot be"):
        one.load(one.dump(0))


def test_its_f1_rises_while_nothing_is_learned() -> None:
    """The short version of the published table: a new concept a message, one seed."""
    found = replay(Consumer(), original_rows(messages=1_000, rows_seed=1))
    assert found["accepted"] < 0.15
    assert found["f1_last"] > 0.76 and found["f1_last"] - found["f1_first"] > 0.04
    assert 8.0 < found["log_loss"] < 11.0
    honest = found["honest"]
    assert honest["rows"] > 100_000
    assert honest["accuracy"] == pytest.approx(0.5, abs=0.005)
    assert honest["log_loss"] == pytest.approx(np.log(2), abs=0.002)
    assert abs(honest["kappa"]) < 0.01 and honest["roc_auc"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("copies", [False, True])
def test_with_one_concept_it_learns_and_overstates_what_it_has_learned(copies: bool) -> None:
    found = replay(Consumer(copies), original_rows(messages=400, rows_seed=0, one_concept=True))
    assert found["honest"]["accuracy"] > 0.7
    assert found["f1_mean"] > found["honest"]["f1"] + 0.03


def test_a_copy_takes_a_refused_update_back() -> None:
    stream = list(original_rows(messages=60, rows_seed=3))
    kept, alias = Consumer(copies=True), Consumer()
    refused = 0
    for features, labels in stream:
        before = kept.weights.copy()
        if kept.consume(features, labels) is None:
            refused += 1
            assert np.array_equal(kept.weights, before)
        before = alias.weights.copy()
        alias.consume(features, labels)
        assert not np.array_equal(alias.weights, before)
    assert refused > 30
