"""The page on drift, metrics and the gate: its figures were measured, its examples run."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from jobs.settings import PROJECT_ROOT
from models.champion import acceptance
from models.drift import ADWINPool, DDMPool, KSWINPool, PageHinkleyPool
from tests.unit.pages import blocks

PAGE = PROJECT_ROOT / "docs" / "guide" / "drift_and_metrics.md"
TEXT = " ".join(PAGE.read_text().split())
RESULTS = PROJECT_ROOT / "benchmarks" / "results"


def test_figures_of_the_gate() -> None:
    report = json.loads((RESULTS / "gate.json").read_text())
    rows = {each["points"]: each["median_rows"] for each in report["gate"] if each["disagreeing"] == 0.10}
    said = re.search(r"after some ([\d,]+) rows, with two points after ([\d,]+), with one after ([\d,]+)", TEXT)
    assert said is not None
    assert list(said.groups()) == [f"{rows[points]:,.0f}" for points in (5, 2, 1)]
    wrong = max(each["promoted"]["50000"] for each in report["gate"] if each["points"] <= 0)
    assert "at most 2 of 100 were ever promoted in 50,000 rows" in TEXT and 0.01 < wrong <= 0.02
    assert report["runs"] == 400
    assert "on 35 tries of 100 and lets one that is five points worse in on 41" in TEXT
    assert (round(100 * (1 - acceptance(0.85, 0.85, 20))), round(100 * acceptance(0.80, 0.85, 20))) == (35, 41)


def test_figures_of_the_original() -> None:
    runs: dict[str, list[dict[str, Any]]] = json.loads((RESULTS / "original_gate.json").read_text())["runs"]
    written = runs.pop("as written")
    assert [round(each["honest"]["accuracy"], 2) for each in written] == [0.5] * 3
    assert all(0.795 < each["f1_last"] < 0.825 and 8.5 < each["log_loss"] < 9.6 for each in written)
    assert all(round(each["honest"]["log_loss"], 2) == 0.69 for each in written)
    assert round(100 * np.mean([each["accepted"] for each in written])) == 8
    over = [100 * (each["f1_mean"] - each["honest"]["f1"]) for found in runs.values() for each in found]
    said = re.search(r"(\d) to (\d) points better than what is true", TEXT)
    assert said is not None and list(said.groups()) == [f"{min(over):.0f}", f"{max(over):.0f}"]

    def accuracy(name: str) -> np.ndarray:
        return np.array([each["honest"]["accuracy"] for each in runs[name]])

    assert (accuracy("one concept, deep copy") < accuracy("one concept, gate as written")).all()
    gained = accuracy("one concept, deep copy, rate 0.01") - accuracy("one concept, gate as written")
    assert (gained > 0).all()


def test_figures_of_the_detectors() -> None:
    changes = json.loads((RESULTS / "drift.json").read_text())["changes"]
    errors, mean, spread = changes.values()
    alarms = {
        method: [round(kind[method]["alarms"]) for kind in changes.values() if method in kind] for method in errors
    }
    assert alarms == {"adwin": [0, 0, 0], "page_hinkley": [3, 63, 63], "kswin": [0, 128, 129], "ddm": [0]}
    assert "| 0 | 3, or 63 where values spread more | 128 on numbers | 0 |" in TEXT
    assert [f"{errors[method]['rows']:.0f}" for method in ("adwin", "page_hinkley", "ddm")] == ["336", "517", "317"]
    assert errors["kswin"]["found"] < 0.05 and min(errors[method]["found"] for method in ("adwin", "ddm")) > 0.95
    assert "become 20 % | 336 | 517 | hardly ever seen | 317 |" in TEXT
    assert [f"{mean[method]['rows']:.0f}" for method in ("adwin", "page_hinkley", "kswin")] == ["112", "75", "108"]
    assert "half a deviation | 112 | 75 | 108 | |" in TEXT
    assert spread["kswin"]["found"] > 0.99 > 0.5 > spread["adwin"]["found"], "a spread is for kswin to see"


def test_memory_of_the_detectors() -> None:
    sizes = [pool().slot_bytes for pool in (ADWINPool, PageHinkleyPool, KSWINPool, DDMPool)]
    assert sizes == [3392, 56, 1632, 48]
    assert "| memory of a key | 3.4 KB | 56 bytes | 1.6 KB with 100 rows | 48 bytes |" in PAGE.read_text()


def test_examples_run() -> None:
    examples = [block for block in blocks("python") if block.page == PAGE]
    assert len(examples) == 3
    for block in examples:
        exec(compile(block.text, block.id, "exec"), {})
