"""``make bench-gate``: how soon the gate finds a better model, how often a worse one passes, and the rule of 95 %."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from benchmarks.results import machine, show, write
from models.champion import ChampionGatePool, acceptance
from models.champion.kernels import PROMOTE

SEED, RUNS, ROWS, BLOCK = 2011, 400, 50_000, 1_000
#: The champion's error rate.
ERRORS = 0.15
#: Points of accuracy by which the candidate is better.
POINTS = (-5, 0, 1, 2, 5)
#: Shares of rows on which just one of the two is wrong.
DISAGREEING = (0.06, 0.10, 0.20)
#: After so many rows it is counted who has been promoted.
MARKS = (500, 1_000, 2_000, 5_000, 10_000, 50_000)
#: Rows that the rule of 95 % tries a model on.
TRIED = (20, 100, 500, 2_000)


def first_promotions(points: int, disagreeing: float) -> np.ndarray[Any, Any]:
    """Rows until the candidate takes over, one number a run; `ROWS` + 1 where it never does."""
    random = np.random.default_rng([SEED, points + 100, int(1000 * disagreeing)])
    pool = ChampionGatePool(2)
    slots = np.array([pool.open() for _ in range(RUNS)], np.int32)
    first = np.full(RUNS, ROWS + 1)
    only_champion = (disagreeing + points / 100) / 2
    only_other = disagreeing - only_champion
    both = ERRORS - only_champion
    for begin in range(0, ROWS, BLOCK):
        luck = random.random((BLOCK, RUNS))
        champion = luck < both + only_champion
        other = (luck < both) | ((luck >= both + only_champion) & (luck < both + disagreeing))
        losses = np.stack([champion, other], axis=2).astype(np.float64)
        found = pool.process(np.tile(slots, BLOCK), np.zeros(BLOCK * RUNS, np.int64), losses.reshape(-1, 2))
        promoted = found["decision"].reshape(BLOCK, RUNS) == PROMOTE
        rows = np.where(promoted.any(axis=0), begin + promoted.argmax(axis=0) + 1, ROWS + 1)
        first = np.minimum(first, rows)
        assert only_other >= 0 and both >= 0
    return first


def microseconds_a_row(models: int) -> list[float]:
    """Time of a row of one key, in five rounds."""
    losses = np.random.default_rng(SEED).random((200_000, models))
    spent = []
    for _ in range(5):
        pool = ChampionGatePool(models)
        slots = np.full(len(losses), pool.open(), np.int32)
        begin = time.perf_counter()
        pool.process(slots, np.zeros(len(losses), np.int64), losses)
        spent.append(1e6 * (time.perf_counter() - begin) / len(losses))
    return sorted(spent)


def measured() -> dict[str, Any]:
    """The whole report."""
    report: dict[str, Any] = {"machine": machine(), "runs": RUNS, "rows": ROWS, "alpha": ChampionGatePool(2).alpha}
    report["gate"] = []
    for points in POINTS:
        for disagreeing in DISAGREEING:
            first = first_promotions(points, disagreeing)
            report["gate"].append(
                {
                    "points": points,
                    "disagreeing": disagreeing,
                    "promoted": {str(mark): float((first <= mark).mean()) for mark in MARKS},
                    "median_rows": float(np.median(first)) if np.median(first) <= ROWS else None,
                }
            )
    report["rule"] = [
        {
            "points": points,
            "accepted": {str(rows): acceptance(1 - ERRORS + points / 100, 1 - ERRORS, rows) for rows in TRIED},
        }
        for points in POINTS
    ]
    report["microseconds_a_row"] = {str(models): microseconds_a_row(models) for models in (2, 8)}
    report["machine"]["load_after"] = [round(value, 1) for value in os.getloadavg()]
    return report


def table(report: dict[str, Any]) -> str:
    """The figures as text."""
    facts = report["machine"]
    marks = list(report["gate"][0]["promoted"])
    tried = list(report["rule"][0]["accepted"])
    lines = [
        f"{report['runs']} runs of {report['rows']:,} rows, looked at after every row, alpha {report['alpha']:g}; "
        f"{facts['cores']} cores, load {facts['load_before'][0]:g} before and {facts['load_after'][0]:g} after",
        "",
        "gate: points better  rows that differ"
        + "".join(f"{f'by {int(mark):,}':>11}" for mark in marks)
        + "  median rows",
    ]
    for each in report["gate"]:
        shares = "".join(f"{100 * share:>10.1f}%" for share in each["promoted"].values())
        median = "never" if each["median_rows"] is None else f"{each['median_rows']:,.0f}"
        lines.append(f"{each['points']:>19}  {100 * each['disagreeing']:>16.0f}%{shares}  {median:>11}")
    lines += ["", "95 % of the mean: points better" + "".join(f"{f'on {int(rows):,} rows':>16}" for rows in tried)]
    for each in report["rule"]:
        lines.append(f"{each['points']:>31}" + "".join(f"{100 * share:>15.1f}%" for share in each["accepted"].values()))
    lines += ["", "microseconds a row             min / median / max"]
    for models, spent in report["microseconds_a_row"].items():
        low, middle, high = spent[0], spent[len(spent) // 2], spent[-1]
        lines.append(f"  {models} models                     {low:.2f} / {middle:.2f} / {high:.2f}")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write both down."""
    report = measured()
    text = table(report)
    print(text)
    print("written:", write("gate", report), show("gate", text))


if __name__ == "__main__":
    main()
