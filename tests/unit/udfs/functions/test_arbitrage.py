"""ARBITRAGE: its arguments, the pools it makes, and how results become columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import arbitrage as model
from models.arbitrage.pool import MOST_VENUES
from udfs.functions import arbitrage
from udfs.functions.declaration import ArgumentError
from udfs.functions.registry import FUNCTIONS

FUNCTION = FUNCTIONS["ARBITRAGE"]
COLUMNS = {"venue": ("v",), "bid": ("b",), "bid_size": ("bs",), "ask": ("a",), "ask_size": ("asz",)}


def arguments(**given: Any) -> dict[str, Any]:
    return FUNCTION.resolve({"on_time": ("ts",), **COLUMNS, "fees": "[0.001, 0]", **given})


def test_the_declaration_is_that_of_the_model() -> None:
    assert (arbitrage.MOST_VENUES, arbitrage.EVENTS) == (MOST_VENUES, model.EVENTS)
    assert FUNCTION.reads == tuple(COLUMNS)


def test_the_pool_has_the_arguments() -> None:
    pool = FUNCTION.make_pool(5, arguments(threshold=0.5, max_age=3000, max_skew=200, min_size=2.0))
    assert isinstance(pool, model.ArbitragePool)
    assert pool.fees.tolist() == [0.001, 0.0]
    assert (pool.threshold, pool.max_age_ms, pool.max_skew_ms, pool.min_size) == (0.5, 3000, 200, 2.0)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"fees": "0.001"}, "fees must be a JSON list of 2 to 32 shares"),
        ({"fees": "[0.001]"}, "fees must be a JSON list of 2 to 32 shares"),
        ({"fees": "[0.001, 1]"}, "fees must be a JSON list of 2 to 32 shares"),
        ({"fees": "[0.001, NaN]"}, "fees must be a JSON list of 2 to 32 shares"),
        ({"fees": "[true, 0]"}, "fees must be a JSON list of 2 to 32 shares"),
        ({"fees": "[0.001,"}, "fees must be a JSON list of numbers, got '[0.001,'"),
        ({"threshold": 11}, "threshold must be in -1..10, got 11"),
        ({"min_size": -1}, "min_size must be >= 0, got -1"),
        ({"on_null": "impute"}, "on_null must be one of 'skip', 'error' here, got 'impute'"),
    ],
)
def test_what_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        arguments(**given)
    assert str(caught.value).startswith(says)
    assert caught.value.arguments == (next(iter(given)),)


def test_results_become_columns() -> None:
    given = arguments(fees="[0, 0]")
    pool = FUNCTION.make_pool(5, given)
    rows = np.array([[0, 99, 5, 100, 5], [1, 101, 2, 102, 5], [1, 99, 5, 104, 5]], np.float64)
    outputs = pool.process(np.full(3, pool.open(), np.int32), np.array([0, 10, 20]), rows)
    table = list(zip(*FUNCTION.present(outputs, tuple(COLUMNS), given), strict=True))
    assert len(table[0]) == len(FUNCTION.added)
    assert table[0] == (None,) * 8
    assert table[1] == ("open", 0, 1, pytest.approx(0.01), 2.0, 1, 0, pytest.approx(0.01))
    assert (table[2][0], table[2][5:7]) == ("close", (1, 10))
