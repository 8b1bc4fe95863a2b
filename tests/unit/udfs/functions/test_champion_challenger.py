"""CHAMPION_CHALLENGER: what candidates may be, and how what was said and decided becomes columns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.learners import learner
from udfs.functions.champion_challenger import FUNCTION
from udfs.functions.declaration import ArgumentError

TWO = '[{"algorithm": "logistic"}, {"learning_rate": 0.5, "algorithm": "logistic"}]'


def resolved(**given: Any) -> dict[str, Any]:
    return FUNCTION.resolve({"on_time": ("ts",), "label": ("y",), "candidates": TWO, **given})


def test_candidates_with_their_parameters_become_learners() -> None:
    text = json.dumps(
        [
            {"algorithm": "logistic", "category_buckets": 64, "learning_rate": 1},
            {"algorithm": "adaptive_random_forest", "trees": 2},
            {"algorithm": "adaptive_random_forest", "trees": 2, "seed": 9},
        ]
    )
    pool: Any = FUNCTION.make_learner(2, 1, resolved(candidates=text, seed=5, alpha=0.01, loss="log"))
    assert (pool.models, pool.columns, pool.categories, pool.loss) == (3, 2, 1, "log")
    snapshots = pool.dump(pool.open())
    assert snapshots == pool.dump(pool.load(snapshots))
    same = [
        learner("logistic", columns=2, categories=1, buckets=64, learning_rate=1.0),
        learner("adaptive_random_forest", columns=2, categories=1, trees=2, seed=5),
        learner("adaptive_random_forest", columns=2, categories=1, trees=2, seed=9),
    ]
    for each in same:
        assert each.dump(each.open()) in snapshots, "another learner"


def test_candidates_that_say_the_same_are_the_same_state() -> None:
    other = '[{"algorithm":"logistic"},\n {"algorithm": "logistic", "learning_rate": 0.5}]'
    assert resolved()["candidates"] == resolved(candidates=other)["candidates"]
    swapped = json.dumps(json.loads(TWO)[::-1])
    assert resolved()["candidates"] != resolved(candidates=swapped)["candidates"], "who serves first"


@pytest.mark.parametrize(
    ("candidates", "said"),
    [
        ("logistic", "candidates must be a JSON list of objects"),
        ('[{"algorithm": "logistic"}]', "candidates must be 2 to 32, got 1"),
        ('[{"algorithm": "logistic"}, {"rate": 1}]', "candidate 1 must name its algorithm"),
        ('[{"algorithm": "oaks"}, {"algorithm": "alma"}]', "candidate 0: algorithm must be one of 'logistic'"),
        ('[{"algorithm": "alma"}, {"algorithm": "linear_regression"}]', "candidate 1: algorithm must be one of"),
        ('[{"algorithm": "alma"}, {"algorithm": "alma", "eta": 1}]', "candidate 1: 'alma' has no eta; it has scale"),
        ('[{"algorithm": "alma"}, {"algorithm": "alma", "buckets": 9}]', "candidate 1: 'alma' has no buckets"),
        ('[{"algorithm": "alma"}, {"algorithm": "logistic", "learning_rate": 0}]', "candidate 1: learning_rate must"),
        (
            '[{"algorithm": "alma"}, {"algorithm": "sklearn", "estimator": "SGDRegressor"}]',
            "candidate 1 must be a classifier",
        ),
    ],
)
def test_wrong_candidates_are_refused_by_their_number(candidates: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=said) as caught:
        resolved(candidates=candidates)
    assert caught.value.arguments == ("candidates",)


def test_rules_of_the_gate_are_checked() -> None:
    with pytest.raises(ArgumentError, match=r"comparison_rows must be at least minimum_rows \(200\)"):
        resolved(comparison_rows=100)
    with pytest.raises(ArgumentError, match="loss must be one of 'error', 'brier', 'log', got 'hinge'"):
        resolved(loss="hinge")
    with pytest.raises(ArgumentError, match="alpha must be in"):
        resolved(alpha=0.0)
    with pytest.raises(ArgumentError, match="negative_after_timeout needs a label_timeout"):
        resolved(negative_after_timeout=True)


def test_what_was_said_and_decided_becomes_columns() -> None:
    decision = {"decision": "promote", "champion": 1, "before": 0, "e_value": 50.0}
    outputs: dict[str, Any] = {
        "kind": ["prediction", "outcome", "decision", "prediction"],
        "prediction": [[0, 0.25, 0.75], [1, 0.25, 0.75], None, None],
        "version": [3, 3, None, None],
        "label": [None, 1.0, None, None],
        "lag_ms": [None, 5, None, None],
        "decision": [None, None, decision, None],
    }
    names = [added.name for added in FUNCTION.added]
    columns = dict(zip(names, FUNCTION.present(outputs, (), {}), strict=True))
    assert names == [
        "kind", "probability", "predicted", "label", "label_lag_ms", "model_version", "champion", "probabilities",
        "decision", "evidence",
    ]  # fmt: skip
    assert columns["probability"] == [0.25, 0.75, None, None] and columns["predicted"] == [0.0, 1.0, None, None]
    assert columns["champion"] == [0, 1, 1, None]
    assert [each and json.loads(each) for each in columns["probabilities"]] == [[0.25, 0.75]] * 2 + [None] * 2
    assert columns["decision"] == [None, None, "promote", None]
    assert [each and json.loads(each) for each in columns["evidence"]] == [None, None, decision, None]
