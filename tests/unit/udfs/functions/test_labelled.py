"""Functions that learn from labels: their algorithms and parameters come from the catalogue of learners."""

from __future__ import annotations

import re
from typing import Any

import pytest

from models.learners import ALGORITHMS
from udfs.functions.declaration import ArgumentError, ArgumentType
from udfs.functions.labelled import LearnerFunction, feature_refusal, is_category
from udfs.functions.registry import FUNCTIONS

LABELLED = [function for function in FUNCTIONS.values() if isinstance(function, LearnerFunction)]
CLASSIFIER, REGRESSOR = LABELLED


def resolved(function: LearnerFunction = CLASSIFIER, **given: Any) -> dict[str, Any]:
    return function.resolve({"on_time": ("ts",), "label": ("y",), **given})


def test_every_learner_belongs_to_a_function() -> None:
    assert {name for function in LABELLED for name in function.algorithms()} == set(ALGORITHMS)
    for function in LABELLED:
        assert resolved(function)["algorithm"] in function.algorithms(), "the default"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_parameter_of_a_learner_is_an_argument_and_reaches_it(name: str) -> None:
    function = next(each for each in LABELLED if name in each.algorithms())
    parameters = function.parameters(name)
    assert set(parameters).isdisjoint(argument.name for argument in function.arguments)
    for parameter in parameters:
        argument = function.argument(parameter.upper())
        assert argument is not None and argument.name == parameter and not argument.required
    told = {"averaging": True} if "averaging" in parameters else {}
    told |= {"category_buckets": 64} if "category_buckets" in parameters else {}
    arguments = resolved(function, algorithm=name, **told)
    categories = int(ALGORITHMS[name].takes_categories)
    pool: Any = function.make_learner(2, categories, arguments)
    assert (pool.task, pool.columns, pool.categories) == (function.task, 2, categories)
    assert arguments["buckets"] == 16
    for parameter, value in told.items():
        assert pool.parameters[parameter.removeprefix("category_")] == value


def test_an_estimator_of_scikit_learn_must_fit_the_function() -> None:
    assert resolved(algorithm="sklearn")["estimator"] == "SGDClassifier"
    assert resolved(REGRESSOR, algorithm="sklearn", estimator="SGDRegressor")["algorithm"] == "sklearn"
    with pytest.raises(ArgumentError, match="estimator SGDRegressor is made for regression, ONLINE_CLASSIFIER needs"):
        resolved(algorithm="sklearn", estimator="SGDRegressor")
    for wrong in ({"estimator": "Nope"}, {"estimator_parameters": "{"}, {"estimator_parameters": '{"nope": 1}'}):
        with pytest.raises(ArgumentError):
            resolved(algorithm="sklearn", **wrong)


def test_an_unknown_algorithm_is_refused_with_those_there_are() -> None:
    every = ", ".join(re.escape(repr(name)) for name in CLASSIFIER.algorithms())
    with pytest.raises(ArgumentError, match=f"^algorithm must be one of {every}, got 'oaks'$") as caught:
        resolved(algorithm="oaks")
    assert caught.value.arguments == ("algorithm",)
    with pytest.raises(ArgumentError, match="algorithm must be one of"):
        resolved(REGRESSOR, algorithm="logistic")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"aggressiveness": 1.0}, "'logistic' has no aggressiveness; it has .*learning_rate"),
        ({"learning_rate": 0.0}, "learning_rate must be a number"),
        ({"optimizer": "adam"}, "optimizer must be one of 'constant'"),
        ({"averaging": 1}, "averaging must be true or false, got 1"),
        ({"lerning_rate": 1.0}, "there is no argument lerning_rate"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said) as caught:
        resolved(**given)
    assert caught.value.arguments == tuple(given)


def test_types_of_parameters_are_those_of_sql() -> None:
    types = {"learning_rate": "DOUBLE", "category_buckets": "BIGINT", "averaging": "BOOLEAN", "optimizer": "STRING"}
    for name, sql_type in types.items():
        argument = CLASSIFIER.argument(name)
        assert argument is not None and argument.type is ArgumentType[sql_type]
    assert set(types) <= set(CLASSIFIER.argument_names())


def test_features_are_numbers_or_categories() -> None:
    for sql_type in ("INT", "DOUBLE NOT NULL", "FLOAT", "BIGINT"):
        assert feature_refusal(sql_type) is None and not is_category(sql_type)
    for sql_type in ("STRING", "VARCHAR(3) NOT NULL", "CHAR(2)", "BOOLEAN"):
        assert feature_refusal(sql_type) is None and is_category(sql_type)
    assert feature_refusal("DATE") == "a feature is a number, a STRING or a BOOLEAN"
    assert "CAST" in str(feature_refusal("DECIMAL(5, 2)"))


def test_what_can_be_a_label() -> None:
    assert [CLASSIFIER.is_label(value) for value in (0.0, 1.0, 0.5, 2.0, float("nan"))] == [True, True] + [False] * 3
    assert [REGRESSOR.is_label(value) for value in (-7.5, float("nan"), float("inf"))] == [True, False, False]


def test_a_class_is_1_from_one_half_on() -> None:
    outputs = {"kind": ["prediction"] * 4, "prediction": [0.5, 0.49, None, 1.0], "version": [1, 2, None, 4]}
    outputs |= {"label": [None] * 4, "lag_ms": [None] * 4}
    columns = dict(zip([added.name for added in CLASSIFIER.added], CLASSIFIER.present(outputs, (), {}), strict=True))
    assert columns["predicted"] == [1.0, 0.0, None, 1.0]
    assert columns["probability"] == outputs["prediction"] and columns["model_version"] == outputs["version"]
    columns = dict(zip([added.name for added in REGRESSOR.added], REGRESSOR.present(outputs, (), {}), strict=True))
    assert columns["prediction"] == outputs["prediction"]


def test_make_pool_takes_the_label_as_its_last_column() -> None:
    for function in LABELLED:
        pool: Any = function.make_pool(4, resolved(function))
        assert (pool.columns, pool.categories) == (3, 0)
