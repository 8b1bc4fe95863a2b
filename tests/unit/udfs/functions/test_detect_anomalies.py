"""DETECT_ANOMALIES: its arguments, the pools it makes, and how results become columns."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from models.anomaly_detector import AnomalyDetector, AnomalyDetectorPool
from udfs.functions.declaration import ArgumentError
from udfs.functions.registry import FUNCTIONS

FUNCTION = FUNCTIONS["DETECT_ANOMALIES"]


def arguments(**given: Any) -> dict[str, Any]:
    return FUNCTION.resolve({"on_time": ("ts",), **given})


def test_one_dial_and_five_columns() -> None:
    assert {a.name: (a.default, a.low, a.high) for a in FUNCTION.arguments if not a.common} == {
        "sensitivity": (0.5, 0.0, 1.0)
    }
    assert [(column.name, column.sql_type) for column in FUNCTION.added] == [
        ("anomaly_score", "DOUBLE"),
        ("anomaly_grade", "DOUBLE"),
        ("is_anomaly", "BOOLEAN"),
        ("expected_value", "DOUBLE"),
        ("anomaly_explanation", "STRING"),
    ]


@pytest.mark.parametrize("wrong", [-0.01, 1.01, "high"])
def test_sensitivity_out_of_range(wrong: object) -> None:
    with pytest.raises(ArgumentError, match="sensitivity must be "):
        arguments(sensitivity=wrong)


def test_the_pool_has_the_arguments() -> None:
    pool = FUNCTION.make_pool(3, arguments(sensitivity=0.2, seed=7))
    assert isinstance(pool, AnomalyDetectorPool)
    assert (pool.columns, pool.seed, pool.sensitivity) == (3, 7, 0.2)


def outputs(**columns: list[Any]) -> dict[str, Any]:
    base = {
        "score": [0.7, 3.5, 2.0], "grade": [0.0, 0.96, 0.25], "is_anomaly": [False, True, False],
        "expected": [5.0, 6.5, 7.0], "column": [0, 1, 0], "value": [5.25, 21.0, 1.0],
        "deviation": [0.2, 14.504, -6.0], "by_time": [False, False, True],
    }  # fmt: skip
    return {name: np.array(values) for name, values in (base | columns).items()}


def test_columns_are_plain_values() -> None:
    score, grade, verdict, expected, explanation = FUNCTION.present(outputs(), ["a", "b"], arguments())
    assert (score, grade, verdict) == ([0.7, 3.5, 2.0], [0.0, 0.96, 0.25], [False, True, False])
    assert expected == [5.0, 6.5, 7.0]
    kinds = [{type(value) for value in column} for column in (score, grade, verdict, expected)]
    assert kinds == [{float}, {float}, {bool}, {float}]
    assert explanation[0] is None, "a row without a grade needs none"
    assert explanation[1] == (
        '{"COLUMN":"b","DIRECTION":"HIGH","VALUE":21.0,"EXPECTED":6.5,"DEVIATION":14.5,"UNUSUAL":"VALUE"}'
    )
    assert json.loads(explanation[2]) == {
        "COLUMN": "a", "DIRECTION": "LOW", "VALUE": 1.0, "EXPECTED": 7.0, "DEVIATION": -6.0, "UNUSUAL": "FOR THE TIME",
    }  # fmt: skip


def test_names_are_written_as_json_has_them() -> None:
    *_, explanation = FUNCTION.present(outputs(), ["a", 'Größe "b"'], arguments())
    assert json.loads(explanation[1])["COLUMN"] == 'Größe "b"'
    assert "Größe" in explanation[1]


def test_an_unknown_expectation_is_null() -> None:
    result = outputs(expected=[math.nan, 6.5, 7.0], value=[math.nan, 21.0, 1.0])
    assert FUNCTION.present(result, ["a", "b"], arguments())[3] == [None, 6.5, 7.0]


def test_no_rows() -> None:
    none = {name: values[:0] for name, values in outputs().items()}
    assert [list(column) for column in FUNCTION.present(none, ["a"], arguments())] == [[]] * 5


def test_what_the_model_gives_is_presented() -> None:
    times = 1_700_000_000_000 + 60_000 * np.arange(500)
    values = np.random.default_rng(0).normal(size=(500, 2))
    values[400, 1] = 40.0
    result = AnomalyDetector(columns=2).process(times, values)
    score, grade, verdict, expected, explanation = FUNCTION.present(result, ["a", "b"], arguments())
    assert verdict[400] and grade[400] > 0.9 and score[400] > 3.0 and abs(expected[400]) < 1.0
    found = json.loads(explanation[400])
    assert (found["COLUMN"], found["DIRECTION"], found["VALUE"]) == ("b", "HIGH", 40.0)
    assert [text is not None for text in explanation] == (result["grade"] > 0).tolist()


def test_saved_models_do_not_depend_on_the_dial() -> None:
    from udfs.bucket import SnapshotPolicy
    from udfs.pack import PackLayout
    from udfs.pack_host import HostPlan

    def saved(**given: Any) -> dict[str, Any]:
        layout: PackLayout = None  # type: ignore[assignment]
        policy: SnapshotPolicy = None  # type: ignore[assignment]
        return HostPlan("judged", FUNCTION, arguments(**given), ("v",), layout, 1000, policy).state_parameters

    assert saved(sensitivity=0.1) == saved(sensitivity=0.9)
    assert saved(seed=1) != saved(seed=2)
