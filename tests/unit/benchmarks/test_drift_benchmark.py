"""The benchmark of the drift detectors: the page shows what was measured."""

from __future__ import annotations

import json

from benchmarks.drift import CHANGES, POOLS, table
from benchmarks.results import FOLDER, PAGE, shown

REPORT = json.loads((FOLDER / "drift.json").read_text())


def test_the_page_shows_the_figures_that_were_measured() -> None:
    assert shown(PAGE.read_text(), "drift") == table(REPORT) + "\n"


def test_every_method_was_measured_where_it_is_meant_for() -> None:
    assert list(REPORT["changes"]) == [name for name, *_ in CHANGES]
    for name, _, _, _, unfit in CHANGES:
        assert set(REPORT["changes"][name]) == set(POOLS) - unfit
    assert set(REPORT["microseconds"]) == set(POOLS)
