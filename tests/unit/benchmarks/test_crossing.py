"""The benchmark of the crossing: its table, what the page shows of it, and the queries it compares."""

from __future__ import annotations

import json

from benchmarks.crossing import KINDS, table
from benchmarks.results import FOLDER, PAGE, shown


def test_the_table_gives_spreads_and_ratios_by_round() -> None:
    rates = {kind: [60_000.0, 90_000.0, 70_000.0] for kind in KINDS} | {"per_record": [10_000.0, 30_000.0, 20_000.0]}
    report = {
        "machine": {"cores": 2, "load_before": [0.4, 0, 0], "load_after": [3.1, 0, 0]},
        "records": 1_000,
        "records_per_second": rates,
    }
    told = [" ".join(line.split()) for line in table(report).splitlines()]
    assert told[0].endswith("2 cores, load 0.4 before and 3.1 after")
    assert f"{KINDS['packed']} 60,000 / 70,000 / 90,000 3.00 / 3.50 / 6.00" in told
    assert f"{KINDS['per_record']} 10,000 / 20,000 / 30,000 1.00 / 1.00 / 1.00" in told


def test_the_page_shows_the_figures_that_were_measured() -> None:
    report = json.loads((FOLDER / "crossing.json").read_text())
    assert shown(PAGE.read_text(), "crossing") == table(report) + "\n"
    assert set(report["records_per_second"]) == set(KINDS)
