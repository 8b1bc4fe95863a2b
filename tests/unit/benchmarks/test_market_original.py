"""The benchmark of the original market system: its rule for drift, and what the page shows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.market.original import MARKET_PAGE, false_drift, table
from benchmarks.results import FOLDER, shown


def test_the_old_rule_is_applied_to_each_symbol_s_last_hundred() -> None:
    scores, returns = np.ones((300, 1)), np.ones((300, 1))
    returns[100:160] = -1
    # of the windows of a hundred outcomes, those in which more than 55 were wrong: 100..159 lie within from 60 to 100
    wrong = np.array([np.sum((np.arange(first, first + 100) >= 100) & (np.arange(first, first + 100) < 160))
                      for first in range(201)])  # fmt: skip
    assert false_drift(scores, returns) == pytest.approx(np.mean(wrong > 55))
    assert np.mean(wrong > 55) > 0.2
    assert false_drift(scores, np.ones((300, 1))) == 0.0


def test_the_page_shows_the_figures_that_were_measured() -> None:
    measured = json.loads((FOLDER / "market_original.json").read_text())
    assert shown(MARKET_PAGE.read_text(), "market-original") == table(measured) + "\n"
    walk = measured["markets"]["a walk without memory"]
    for who in ("original", "cutbank"):  # nobody knows where a walk without memory goes
        assert abs(walk[who]["accuracy"] - 0.5) < 1.5 * walk[who]["error"], who
    assert walk["original"]["signals"] == 0
