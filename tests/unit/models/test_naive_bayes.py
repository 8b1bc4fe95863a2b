"""Naive Bayes equals river's GaussianNB on numbers, and counts on categories."""

from __future__ import annotations

import numpy as np
import pytest
from river import naive_bayes
from sklearn.naive_bayes import CategoricalNB

from models.features import category_codes
from models.features.hashing import bucket_of
from models.learners import learner
from tests.unit.models.learning_streams import Stream, made, recorded


def assert_equal(stream: Stream) -> None:
    pool = learner("naive_bayes", columns=len(stream.names))
    slots = np.full(stream.labels.size, pool.open(), np.int32)
    predictions = pool.process(slots, np.arange(stream.labels.size), stream.rows)["prediction"]
    model, theirs = naive_bayes.GaussianNB(), []
    for row, label in zip(stream.dicts(), stream.labels.tolist(), strict=True):
        probabilities = model.predict_proba_one(row)
        theirs.append(probabilities.get(1.0, 0.0) if probabilities else 0.5)
        model.learn_one(row, label)
    np.testing.assert_allclose(predictions, theirs, rtol=0, atol=1e-6)


def test_a_made_stream() -> None:
    assert_equal(made(1500))


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["phishing", "elec2"])
def test_recorded_streams(name: str) -> None:
    assert_equal(recorded(name))


def test_categories_are_counted_as_scikit_learn_counts_them() -> None:
    random = np.random.default_rng(0)
    texts = random.choice(["a", "b", "c", "d", "e"], (400, 2))
    labels = ((texts[:, 0] == "a") ^ (random.random(400) < 0.2)).astype(float)
    codes = np.column_stack([category_codes(str(column), texts[:, column].tolist()) for column in range(2)])
    buckets = np.array([[bucket_of(code, 32) for code in row] for row in codes.tolist()])
    pool = learner("naive_bayes", columns=0, categories=2, buckets=32)
    slots = np.full(400, pool.open(), np.int32)
    pool.learn(slots, np.arange(400), codes, labels)
    peer = CategoricalNB(alpha=1.0, min_categories=32).fit(buckets, labels)
    np.testing.assert_allclose(pool.predict(slots, np.arange(400), codes), peer.predict_proba(buckets)[:, 1], rtol=1e-9)
