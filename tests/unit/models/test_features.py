"""Codes of categories equal scikit-learn's MurmurHash3, and buckets and signs its FeatureHasher."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction import FeatureHasher
from sklearn.utils import murmurhash3_32

from models.features import category_codes, murmurhash3
from models.features.hashing import bucket_of, sign_of
from models.learners import learner
from models.linear import LinearPool

TEXTS = ["", "a", "ab", "abc", "abcd", "abcde", "month=Feb", "Ärger", "漢字", "\x00", "x" * 1000, *map(str, range(200))]


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_the_hash_is_murmurhash3(seed: int) -> None:
    expected = [murmurhash3_32(text.encode(), seed & 0xFFFFFFFF, positive=True) for text in TEXTS]
    assert murmurhash3(TEXTS, seed).tolist() == expected


def test_buckets_and_signs_are_those_of_feature_hasher() -> None:
    hasher = FeatureHasher(37)
    for text in TEXTS:
        code = float(category_codes("column", [text])[0])
        row = hasher.transform([{"column": text}]).toarray()[0]
        expected = np.zeros(37)
        expected[bucket_of(code, 37)] = sign_of(code)
        np.testing.assert_array_equal(row, expected)


def test_missing_values_have_no_code() -> None:
    assert np.isnan(category_codes("g", [None, "a", None])).tolist() == [True, False, True]


def test_a_full_table_of_values_takes_no_more() -> None:
    """One-hot with room for 8 takes 7 values; an eighth adds nothing, whatever its label."""
    pool = learner("logistic", columns=0, categories=1, encoding="one_hot", buckets=8)
    assert isinstance(pool, LinearPool)
    slots = np.full(20, pool.open(), np.int32)
    codes = category_codes("g", [str(number) for number in range(20)])[:, None]
    pool.learn(slots, np.arange(20), codes, np.ones(20))
    weights, intercept = pool.weights(0)
    assert np.count_nonzero(weights) == 7
    predicted = pool.predict(slots, np.arange(20), codes)
    np.testing.assert_array_equal(predicted[7:], 1.0 / (1.0 + np.exp(-intercept)))
    assert (predicted[:7] > predicted[7]).all()
    assert pool.load(pool.dump(0)) == 1
