"""``python -m benchmarks.rcf``: what `make bench-rcf` measures.

Prints the table of speed and size, with the bar of each row and whether it holds, and writes it as JSON.
"""

from __future__ import annotations

import argparse
import os
import statistics
from dataclasses import asdict
from typing import Any

from benchmarks.rcf import size, speed
from benchmarks.rcf.contenders import Parameters
from benchmarks.rcf.rows import Row, aligned, number, spread, table
from benchmarks.results import machine, show, write

PARTS = ("scoring", "keyed", "attribution", "snapshots", "memory", "first-call", "threads")
DIMENSIONS = (1, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="these parts; nothing is written")
    parser.add_argument("--no-slow-peers", action="store_true", help="without rrcf and river; nothing is written")
    options = parser.parse_args()
    report = measure(Parameters(), options.rounds, options.only, not options.no_slow_peers)
    print(f"\n{text(report)}")
    if set(options.only) == set(PARTS) and not options.no_slow_peers:
        print(f"\nwritten to {write('rcf', report)} and {show('rcf', text(report))}")


def measure(parameters: Parameters, rounds: int, parts: tuple[str, ...], slow_peers: bool) -> dict[str, Any]:
    """All figures, with the machine they were measured on."""
    before, rows, peers = machine(), list[Row](), dict[str, Any]()
    snapshot_peers, memories, calls = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    for part in PARTS:
        for dimensions in DIMENSIONS:
            if part not in parts or (part in ("first-call", "threads") and dimensions == 1):
                continue
            print(f"{part}, d = {dimensions}", flush=True)
            if part == "scoring":
                more, rates = speed.scoring(parameters, dimensions, rounds, slow_peers, _say)
                peers[f"d = {dimensions}"] = {name: asdict(rate) for name, rate in rates.items()}
            elif part == "snapshots":
                more, its_peers = size.snapshots(parameters, dimensions, 3 * rounds)
                snapshot_peers += its_peers
            elif part == "memory":
                more, held = size.memory(dimensions)
                memories.append(held)
            elif part == "first-call":
                more, calls = size.first_call(dimensions, rounds)
            else:
                measured = {"keyed": speed.keyed, "attribution": speed.attribution, "threads": speed.threads}[part]
                more = measured(parameters, dimensions, rounds, _say)
            rows += more
    return {
        "machine": {**before, "load_after": [round(value, 1) for value in os.getloadavg()]},
        "parameters": asdict(parameters),
        "rounds": rounds,
        "rows": [row.report() for row in rows],
        "score_and_update": peers,
        "snapshots_of_peers": snapshot_peers,
        "live_memory": memories,
        "first_call": calls,
    }


def text(report: dict[str, Any]) -> str:
    """The tables that a reader sees; from the report alone, so that a file of it can be shown again."""
    p, m = report["parameters"], report["machine"]
    parts = [
        f"{p['trees']} trees x {p['sample_size']}, time decay {p['time_decay']:,}, one thread, {report['rounds']} "
        f"rounds; {m['cores']} cores, load {m['load_before'][0]} before and {m['load_after'][0]} after",
        table([Row.of(row) for row in report["rows"]]),
    ]
    for title, rates in report["score_and_update"].items():
        lines = [(f"score + update, {title}, points/s", "min / median / max", "by CPU", "ours over it, by CPU")]
        ours = statistics.median(rates["ours, batches of 256"]["cpu"])
        for name, rate in rates.items():
            cpu = statistics.median(rate["cpu"])
            lines.append((name, spread(rate["wall"]), number(cpu), f"{number(ours / cpu)} x"))
        parts.append(aligned(lines))
    return "\n\n".join([*parts, *size.tables(report["snapshots_of_peers"], report["live_memory"])])


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
