"""PREQUENTIAL_METRICS: its arguments, the pools it makes, and how results become columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.metrics import PrequentialMetrics, PrequentialMetricsPool
from models.metrics import pool as model
from udfs.functions import prequential_metrics
from udfs.functions.declaration import ArgumentError
from udfs.functions.registry import FUNCTIONS

FUNCTION = FUNCTIONS["PREQUENTIAL_METRICS"]


def arguments(**given: Any) -> dict[str, Any]:
    return FUNCTION.resolve({"on_time": ("ts",), **given})


def test_the_columns_are_those_of_an_outcome_by_default() -> None:
    given = arguments()
    assert (given["label"], given["probability"]) == (("label",), ("probability",))
    assert FUNCTION.reads == ("label", "probability")


def test_added_columns_are_the_results_of_the_model() -> None:
    assert tuple(column.name for column in FUNCTION.added) == model.NAMES
    assert [column.sql_type for column in FUNCTION.added] == ["DOUBLE"] * 11 + ["BIGINT"]


def test_ranges_are_those_of_the_model() -> None:
    window, span = prequential_metrics.WINDOW, prequential_metrics.SPAN
    assert (window.low, window.high, span.high) == (1, model.LARGEST_WINDOW, model.LONGEST_SPAN_MS)
    for edge in ({"window": 1}, {"fading": 1}, {"fading": 0.0001}, {"span": 1}, {"threshold": 0}, {"threshold": 1}):
        FUNCTION.make_pool(2, arguments(**edge))


@pytest.mark.parametrize(
    ("given", "made"),
    [({}, (1000, 0, 0.0, 0.5)), ({"window": 5, "threshold": 0.2}, (5, 0, 0.0, 0.2)),
     ({"fading": 1}, (1000, 0, 1.0, 0.5)), ({"span": 60_000}, (1000, 60_000, 0.0, 0.5))],
)  # fmt: skip
def test_the_pool_has_the_arguments(given: dict[str, Any], made: tuple[Any, ...]) -> None:
    pool = FUNCTION.make_pool(2, arguments(**given))
    assert isinstance(pool, PrequentialMetricsPool)
    assert (pool.window, pool.span_ms, pool.fading, pool.threshold) == made


@pytest.mark.parametrize(
    ("given", "says", "whose"),
    [
        ({"label": ("p",), "probability": ("p",)}, "probability must be another column", ("probability", "label")),
        ({"span": 1000, "fading": 0.9}, "fading counts rows: leave it out, or span", ("fading", "span")),
        ({"on_null": "impute"}, "on_null must be one of 'skip', 'error' here", ("on_null",)),
        ({"fading": 0}, "fading must be in 0.0001..1, got 0", ("fading",)),
    ],
)
def test_what_is_refused(given: dict[str, Any], says: str, whose: tuple[str, ...]) -> None:
    with pytest.raises(ArgumentError) as caught:
        arguments(**given)
    assert str(caught.value).startswith(says)
    assert caught.value.arguments == whose


def test_what_the_model_gives_is_presented() -> None:
    results = PrequentialMetrics(window=2).process([1, 0, 1], [0.75, 0.25, 0.5])
    columns = dict(zip(model.NAMES, FUNCTION.present(results, ["label", "probability"], arguments()), strict=True))
    assert columns["accuracy"] == [1.0, 1.0, 1.0]
    assert columns["roc_auc"] == [None, 1.0, 1.0]
    assert columns["n"] == [1, 2, 2] and all(type(n) is int for n in columns["n"])
    nothing = {name: np.array([np.nan]) for name in model.NAMES}
    assert FUNCTION.present(nothing, ["label", "probability"], arguments()) == ([None],) * 12
