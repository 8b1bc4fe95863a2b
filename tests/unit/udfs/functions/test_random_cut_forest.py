"""The two forest functions: rules over arguments, the pools they make, and how results become columns."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.functions.declaration import ArgumentError
from udfs.functions.registry import FUNCTIONS

PLAIN = FUNCTIONS["RANDOM_CUT_FOREST"]
EXPLAINED = FUNCTIONS["RANDOM_CUT_FOREST_WITH_EXPLANATION"]


def arguments(**given: Any) -> dict[str, Any]:
    return EXPLAINED.resolve({"on_time": ("ts",), **given})


@pytest.mark.parametrize("function", [PLAIN, EXPLAINED], ids=lambda function: function.name)
def test_sample_must_turn_over_within_the_decay(function: Any) -> None:
    with pytest.raises(ArgumentError, match=r"sample_size must be less than time_decay \(256\), got 256") as caught:
        function.resolve({"on_time": ("ts",), "time_decay": 256})
    assert caught.value.arguments == ("sample_size", "time_decay")
    assert function.resolve({"on_time": ("ts",), "time_decay": 257})["time_decay"] == 257


def test_documented_defaults_and_ranges() -> None:
    """Those of Kinesis Data Analytics, with a larger sample allowed."""
    facts = {a.name: (a.default, a.low, a.high) for a in EXPLAINED.arguments if not a.common}
    assert facts == {
        "trees": (100, 1, 1000),
        "sample_size": (256, 10, 8192),
        "time_decay": (100_000, 1, 2**31 - 1),
        "shingle_size": (1, 1, 30),
        "with_directionality": (True, None, None),
    }
    assert [(c.name, c.sql_type) for c in EXPLAINED.added] == [
        ("anomaly_score", "DOUBLE"),
        ("anomaly_explanation", "STRING"),
    ]


def outputs(score: list[float], above: list[list[float]], below: list[list[float]]) -> dict[str, Any]:
    return {"score": np.array(score), "attribution": np.stack([np.array(above), np.array(below)], axis=-1)}


def test_scores_are_plain_floats() -> None:
    (scores,) = PLAIN.present({"score": np.array([0.0, 1.25])}, ["a"], PLAIN.resolve({"on_time": ("ts",)}))
    assert scores == [0.0, 1.25]
    assert all(type(value) is float for value in scores)


def test_explanation_of_a_published_row() -> None:
    """Shape, order and decimals of the example in the Kinesis reference: 1.7447 + 2.1111 = 3.8558."""
    result = outputs([3.8558], [[1.6, 2.0]], [[0.1447, 0.1111]])
    scores, explanations = EXPLAINED.present(result, ["Systolic", "Diastolic"], arguments())
    assert scores == [3.8558]
    assert explanations == [
        '{"Systolic":{"DIRECTION":"HIGH","STRENGTH":"5.6113","ATTRIBUTION_SCORE":"1.7447"},'
        '"Diastolic":{"DIRECTION":"HIGH","STRENGTH":"7.2832","ATTRIBUTION_SCORE":"2.1111"}}'
    ]


def test_warm_up_is_low_and_zero() -> None:
    _, explanations = EXPLAINED.present(outputs([0.0], [[0.0]], [[0.0]]), ["x"], arguments())
    assert explanations == ['{"x":{"DIRECTION":"LOW","STRENGTH":"0.0000","ATTRIBUTION_SCORE":"0.0000"}}']


def test_without_directionality_only_the_part_of_the_score() -> None:
    _, explanations = EXPLAINED.present(
        outputs([1.0], [[0.25, 0.5]], [[0.0, 0.25]]), ["a", "b"], arguments(with_directionality=False)
    )
    assert explanations == ['{"a":{"ATTRIBUTION_SCORE":"0.2500"},"b":{"ATTRIBUTION_SCORE":"0.7500"}}']


@pytest.mark.parametrize("name", ['say "hi"', "100%", "%s", "größe", "a\\b", "a\nb", "温度"])
def test_any_column_name_gives_json(name: str) -> None:
    for with_directionality in (True, False):
        _, (text,) = EXPLAINED.present(
            outputs([1.0], [[0.5]], [[0.5]]), [name], arguments(with_directionality=with_directionality)
        )
        assert list(json.loads(text)) == [name]


numbers = st.floats(0, 20, allow_nan=False)


def sides(d: int) -> st.SearchStrategy[list[tuple[list[float], list[float]]]]:
    side = st.lists(numbers, min_size=d, max_size=d)
    return st.lists(st.tuples(side, side), min_size=1, max_size=5)


@given(st.integers(1, 4).flatmap(sides))
def test_explanation_says_what_the_formulas_say(rows: list[tuple[list[float], list[float]]]) -> None:
    """Each field against its definition, written out row by row: sums to the score, HIGH iff above, strength."""
    score = [sum(high) + sum(low) for high, low in rows]
    names = [f"c{i}" for i in range(len(rows[0][0]))]
    scores, explanations = EXPLAINED.present(
        outputs(score, [high for high, _ in rows], [low for _, low in rows]), names, arguments()
    )
    assert scores == score
    for (high, low), total, text in zip(rows, score, explanations, strict=True):
        fields = json.loads(text)
        for name, up, down in zip(names, high, low, strict=True):
            assert fields[name] == {
                "DIRECTION": "HIGH" if up > down else "LOW",
                "STRENGTH": format(abs(up - down) * total, ".4f"),
                "ATTRIBUTION_SCORE": format(up + down, ".4f"),
            }
        assert sum(float(f["ATTRIBUTION_SCORE"]) for f in fields.values()) == pytest.approx(total, abs=1e-3)


@pytest.mark.parametrize("on_null", ["skip", "impute"])
def test_pools_take_the_arguments_and_their_results_become_columns(on_null: str) -> None:
    """The largest seed and shingles: parts sum to the score, both functions score alike, warm-up is 0."""
    given = {
        "on_time": ("ts",), "trees": 8, "sample_size": 10, "time_decay": 100, "shingle_size": 2, "seed": 2**63 - 1,
        "on_null": on_null,
    }  # fmt: skip
    rows, names = 60, ["a", "b"]
    columns = np.random.default_rng(1).normal(size=(rows, 2))
    times = np.arange(rows, dtype=np.int64)
    scored = {}
    for function in (PLAIN, EXPLAINED):
        resolved = function.resolve(given)
        pool = function.make_pool(2, resolved)
        slots = np.full(rows, pool.open(), np.int32)
        scored[function.name] = function.present(pool.process(slots, times, columns), names, resolved)
    (plain,), (score, explanations) = scored[PLAIN.name], scored[EXPLAINED.name]
    assert plain == score
    assert score[:10] == [0.0] * 10 and min(score[12:]) > 0
    for total, text in zip(score, explanations, strict=True):
        fields = json.loads(text)
        assert list(fields) == names
        assert sum(float(f["ATTRIBUTION_SCORE"]) for f in fields.values()) == pytest.approx(total, abs=2e-4)


def test_forest_that_does_not_fit_is_refused_before_anything_runs() -> None:
    large = arguments(trees=1000, sample_size=8192)
    EXPLAINED.check_columns(1, arguments())
    EXPLAINED.check_columns(1, large)
    with pytest.raises(ArgumentError, match="more than the limit"):
        EXPLAINED.check_columns(30, large)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 1000), st.integers(10, 8192))
def test_size_is_judged_as_the_model_judges_it(columns: int, shingle: int, trees: int, sample: int) -> None:
    from models.errors import ParameterError
    from models.random_cut_forest.parameters import Parameters

    resolved = arguments(trees=trees, sample_size=sample, shingle_size=shingle)
    try:
        Parameters(columns, trees, sample, resolved["time_decay"], shingle)
        fits = True
    except ParameterError:
        fits = False
    try:
        PLAIN.check_columns(columns, resolved)
        allowed = True
    except ArgumentError:
        allowed = False
    assert allowed == fits
