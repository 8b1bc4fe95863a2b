"""The page on the recommender shows what was measured, and what there is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import recommender_latency, recommender_load
from benchmarks.recommender import PAGE, texts
from benchmarks.recommender_on_cluster import differences
from benchmarks.results import FOLDER, shown
from models.recommend import DEFAULT, RANKINGS
from tests.unit.pages import table


@pytest.mark.parametrize("name", ["prequential", "split", "on-cluster", "recommender"])
def test_the_page_shows_what_was_measured(name: str) -> None:
    found = json.loads((FOLDER / "recommender.json").read_text())
    assert shown(PAGE.read_text(), name) == texts(found)[name] + "\n"


@pytest.mark.parametrize("measured", [recommender_load, recommender_latency])
def test_the_page_shows_what_the_jobs_carried(measured: Any) -> None:
    name = measured.__name__.rpartition(".")[2]
    found = json.loads((FOLDER / f"{name}.json").read_text())
    assert shown(PAGE.read_text(), name.replace("_", "-")) == measured.text(found) + "\n"


def test_lists_from_the_cluster_are_worth_the_same() -> None:
    found = json.loads((FOLDER / "recommender.json").read_text())
    assert not differences(found["rankings"]["prequential"], found["on_cluster"])
    assert found["on_cluster"]["models"].keys() == found["rankings"]["prequential"]["models"].keys()


def test_the_page_lists_every_ranking() -> None:
    assert {name: cells[0] for name, cells in table(PAGE, "Ranking").items()} == {
        name: entry.help for name, entry in RANKINGS.items()
    }
    assert DEFAULT in RANKINGS


def test_the_page_explains_every_figure() -> None:
    found = json.loads((FOLDER / "recommender.json").read_text())
    row = found["rankings"]["prequential"]["models"]["blend"]
    explained = set(table(PAGE, "Figure"))
    assert explained == row.keys() - {"items_shown", "cpu_seconds", "versus", "passes"}


def test_what_the_page_concludes_is_in_its_figures() -> None:
    """The sentences below the tables."""
    found = json.loads((FOLDER / "recommender.json").read_text())
    asked, once = (found["rankings"][protocol]["models"] for protocol in ("prequential", "split"))
    windows = [name for name in asked if name.startswith("popular-window")]
    best = max(windows, key=lambda name: asked[name]["ndcg@10"])
    lead = asked["blend"]["versus"][best]
    assert lead["difference"] > 4 * lead["se"]
    assert asked["blend"]["passes"] and not once["blend"]["passes"]
    assert asked["popular-window"]["ndcg@10"] > 90 * asked["popular-static"]["ndcg@10"]
    assert max(once, key=lambda name: once[name]["ndcg@10"]) in windows
    for models in (asked, once):
        assert models["clusters"]["ndcg@10"] < models["popular-window"]["ndcg@10"] / 2
    assert (
        once["popular-static"]["ndcg@10"] < once["segment-popular"]["ndcg@10"] < once["popular-window"]["ndcg@10"] / 2
    )
