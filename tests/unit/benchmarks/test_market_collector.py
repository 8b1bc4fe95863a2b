"""The benchmark of the collector: its table, and what the page shows of it."""

from __future__ import annotations

import json

from benchmarks.market.collector import TARGET, Run, summary, table
from benchmarks.results import FOLDER, PAGE, shown


def report(*lost: int) -> dict[str, object]:
    runs = {
        "web socket and JSON, nothing kept": [Run(100, 100, 0.5, 0.25)] * 3,
        "collector, records in Kafka": [Run(100_000, 100_000 - each, 4.0, 100_000 / TARGET) for each in lost],
    }
    return {
        "machine": {"cores": 2, "load_before": [0.4]},
        "load_after": [3.1],
        "rounds": 3,
        "contenders": summary(runs),
    }


def test_the_bar_holds_only_without_loss() -> None:
    assert table(report(0, 0, 0)).endswith("none lost: holds")
    assert table(report(0, 7, 0)).endswith("none lost: does not hold")


def test_rates_are_by_the_clock_and_by_processor_time() -> None:
    assert "200 / 200 / 200" in table(report(0)) and "400 / 400 / 400" in table(report(0))


def test_the_page_shows_the_figures_that_were_measured() -> None:
    measured = json.loads((FOLDER / "market_collector.json").read_text())
    assert shown(PAGE.read_text(), "market-collector") == table(measured) + "\n"
