"""DRIFT: which arguments belong to which method, the pools it makes, and how results become columns."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from models.drift import ADWINPool, DDMPool, KSWINPool, PageHinkleyPool
from udfs.functions import drift
from udfs.functions.declaration import ArgumentError
from udfs.functions.registry import FUNCTIONS

FUNCTION = FUNCTIONS["DRIFT"]
POOLS: dict[str, Any] = {
    "adwin": ADWINPool, "page_hinkley": PageHinkleyPool, "kswin": KSWINPool, "ddm": DDMPool,
}  # fmt: skip


def arguments(**given: Any) -> dict[str, Any]:
    return FUNCTION.resolve({"on_time": ("ts",), "value": ("x",), **given})


@pytest.mark.parametrize("method", POOLS)
def test_each_method_makes_its_pool_with_its_defaults(method: str) -> None:
    pool = FUNCTION.make_pool(1, arguments(method=method, seed=3))
    assert type(pool) is POOLS[method]
    defaults = {name: p.default for name, p in inspect.signature(POOLS[method]).parameters.items()}
    assert {name: getattr(pool, name) for name in defaults} == defaults | ({"seed": 3} if method == "kswin" else {})
    ours = {"alpha" if method == "page_hinkley" and name == "fading" else name for name in drift.METHODS[method]}
    assert ours <= set(defaults)


@pytest.mark.parametrize(
    ("method", "given", "made"),
    [
        ("adwin", {"delta": 0.1, "clock": 4}, {"delta": 0.1, "clock": 4}),
        ("page_hinkley", {"fading": 0.9, "direction": "up", "threshold": 2}, {"alpha": 0.9, "direction": "up"}),
        ("kswin", {"alpha": 0.01, "window": 60, "recent": 30}, {"alpha": 0.01, "window": 60, "recent": 30}),
        ("ddm", {"threshold": 4, "minimum": 9}, {"threshold": 4.0, "minimum": 9}),
    ],
)
def test_what_is_given_reaches_the_pool(method: str, given: dict[str, Any], made: dict[str, Any]) -> None:
    pool = FUNCTION.make_pool(1, arguments(method=method, **given))
    assert {name: getattr(pool, name) for name in made} == made


def test_every_argument_belongs_to_a_method_and_tells_its_defaults() -> None:
    for argument in drift.OWN[1:]:
        methods = [method for method, names in drift.METHODS.items() if argument.name in names]
        assert methods and argument.nullable and argument.default is None
        assert all(f"for {method}" in str(argument.default_help) for method in methods)


@pytest.mark.parametrize(
    ("given", "says", "whose"),
    [
        ({"method": "cusum"}, "method must be one of 'adwin', 'page_hinkley', 'kswin', 'ddm'", ("method",)),
        ({"delta": 0}, "delta must be above 0 and below 1 with method 'adwin', got 0", ("delta", "method")),
        ({"delta": 1.0}, "delta must be above 0 and below 1 with method 'adwin', got 1", ("delta", "method")),
        ({"window": 100}, "window is no argument of method 'adwin', which has delta, clock", ("window", "method")),
        ({"method": "ddm", "threshold": 1001}, "threshold must be at most 1000", ("threshold", "method")),
        ({"method": "kswin", "recent": 51}, "recent must be at most half of window (100)", ("recent", "window")),
        ({"method": "kswin", "window": 50}, "recent must be at most half of window (50)", ("recent", "window")),
        ({"on_null": "impute"}, "on_null must be one of 'skip', 'error' here", ("on_null",)),
    ],
)
def test_what_is_refused(given: dict[str, Any], says: str, whose: tuple[str, ...]) -> None:
    with pytest.raises(ArgumentError) as caught:
        arguments(**given)
    assert str(caught.value).startswith(says)
    assert caught.value.arguments == whose


@pytest.mark.parametrize("method", POOLS)
def test_edges_that_are_allowed_make_pools(method: str) -> None:
    for argument in drift.OWN[1:]:
        if argument.name not in drift.METHODS[method]:
            continue
        for edge in (argument.low, argument.high):
            given: dict[str, Any] = {argument.name: int(edge) if argument.type.value == "BIGINT" else edge}
            try:
                checked = arguments(method=method, **given)
            except ArgumentError:
                continue  # in the range of another method only
            if edge is not None:
                FUNCTION.make_pool(1, checked)


def test_results_become_columns() -> None:
    outputs = {"drift": np.array([False, True, False]), "statistic": np.array([0.0, 3.5, np.nan])}
    assert FUNCTION.present(outputs, ["x"], arguments()) == ([False, True, None], [0.0, 3.5, None])
    assert [(column.name, column.sql_type) for column in FUNCTION.added] == [
        ("drift", "BOOLEAN"), ("drift_statistic", "DOUBLE"),
    ]  # fmt: skip


def test_booleans_are_watched_too() -> None:
    assert FUNCTION.accepts_type("BOOLEAN") and FUNCTION.accepts_type("INT NOT NULL")
    assert not FUNCTION.accepts_type("STRING") and not FUNCTION.accepts_type("DECIMAL(3, 1)")
