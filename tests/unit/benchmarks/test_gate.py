"""The benchmark of the gate: what the page shows of it, and what must hold of any run."""

from __future__ import annotations

import json

import pytest

from benchmarks.gate import DISAGREEING, POINTS, TRIED, table
from benchmarks.results import FOLDER, PAGE, shown

REPORT = json.loads((FOLDER / "gate.json").read_text())


def test_the_page_shows_the_figures_that_were_measured() -> None:
    assert shown(PAGE.read_text(), "gate") == table(REPORT) + "\n"


def test_every_case_was_measured() -> None:
    assert [(each["points"], each["disagreeing"]) for each in REPORT["gate"]] == [
        (points, share) for points in POINTS for share in DISAGREEING
    ]
    for each in REPORT["gate"]:
        shares = list(each["promoted"].values())
        assert shares == sorted(shares)
        if each["points"] <= 0:
            assert shares[-1] <= REPORT["alpha"], "a promotion of a model that is no better"
        if each["points"] == 5:
            assert each["promoted"]["5000"] > 0.95


def test_the_rule_of_95_per_cent_beside_it() -> None:
    accepted = {each["points"]: each["accepted"] for each in REPORT["rule"]}
    assert [1 - accepted[0][str(rows)] for rows in TRIED] == pytest.approx([0.35, 0.11, 0.005, 0.0], abs=0.0051)
    assert [accepted[-5][str(rows)] for rows in TRIED] == pytest.approx([0.41, 0.46, 0.35, 0.19], abs=0.0051)
