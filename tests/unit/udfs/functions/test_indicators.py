"""INDICATORS: its arguments, the pools it makes, and how results become columns."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from models.indicators import NAMES, IndicatorsPool, Periods
from udfs.functions import indicators
from udfs.functions.declaration import ArgumentError
from udfs.functions.registry import FUNCTIONS

FUNCTION = FUNCTIONS["INDICATORS"]


def arguments(**given: Any) -> dict[str, Any]:
    return FUNCTION.resolve({"on_time": ("ts",), "price": ("p",), "volume": ("v",), **given})


def test_names_are_kept_to_the_letter() -> None:
    own = [argument.name for argument in FUNCTION.arguments if not argument.common]
    assert own == ["price", "volume", "periods"]
    assert tuple(column.name for column in FUNCTION.added) == NAMES
    assert {column.sql_type for column in FUNCTION.added} == {"DOUBLE"}
    assert FUNCTION.reads == ("price", "volume")


@pytest.mark.parametrize("name", ["price", "volume"])
def test_both_columns_have_to_be_named(name: str) -> None:
    both = {"price": ("p",), "volume": ("v",)}
    with pytest.raises(ArgumentError, match=f"{name} is missing"):
        FUNCTION.resolve({"on_time": ("ts",)} | {key: value for key, value in both.items() if key != name})


def test_the_default_shown_is_the_default() -> None:
    shown = json.loads((indicators.PERIODS.default_help or "").strip("'"))
    assert Periods.of(shown) == Periods()


def test_the_pool_has_the_periods() -> None:
    pool = FUNCTION.make_pool(2, arguments(periods='{"macd": [5, 35, 5], "bollinger": [10, 1.5]}'))
    assert isinstance(pool, IndicatorsPool)
    expected = Periods(macd_fast=5, macd_slow=35, macd_signal=5, bollinger=10, bollinger_deviations=1.5)
    assert pool.periods == expected


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"periods": "14"}, "periods must be a JSON object, got '14'"),
        ({"periods": "{"}, "periods must be a JSON object, got '{'"),
        ({"periods": '{"rsi": 0}'}, "periods: rsi must be in 2..1000, got 0"),
        ({"periods": '{"macd": [1, 2]}'}, "periods: period 'macd' must be a list of 3"),
        ({"periods": '{"roc": 3}'}, "periods: there is no period 'roc'"),
        ({"on_null": "impute"}, "on_null must be one of 'skip', 'error' here, got 'impute'"),
    ],
)
def test_what_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        arguments(**given)
    assert str(caught.value).startswith(says)
    assert caught.value.arguments == (next(iter(given)),)


def test_what_is_not_known_yet_is_null() -> None:
    given = arguments(periods='{"momentum": 1}')
    pool = FUNCTION.make_pool(2, given)
    slots = np.full(3, pool.open(), np.int32)
    outputs = pool.process(slots, np.arange(3), np.array([[1.0, 2.0], [3.0, 2.0], [2.0, 2.0]]))
    columns = dict(zip(NAMES, FUNCTION.present(outputs, ("p", "v"), given), strict=True))
    assert columns["momentum"] == [None, 2.0, -1.0]
    assert columns["rsi"] == [None] * 3
