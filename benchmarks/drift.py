"""``make bench-drift``: false alarms, delay and speed of the drift detectors, with river's in the same run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from river import drift as river

from benchmarks.results import machine, show, write
from models.drift import ADWINPool, DDMPool, KSWINPool, PageHinkleyPool

SEED = 2011
#: Rows without a change, and streams with one after so many rows.
QUIET, STREAMS, BEFORE, BEHIND = 1_000_000, 500, 2_000, 4_000
#: Rows that river is timed on, and rounds.
TIMED, ROUNDS = 5_000, 3

POOLS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "adwin": (ADWINPool, river.ADWIN),
    "page_hinkley": (PageHinkleyPool, river.PageHinkley),
    "kswin": (KSWINPool, lambda: river.KSWIN(seed=SEED)),
    "ddm": (DDMPool, river.binary.DDM),
}
#: What is watched: rows (streams, n) without a change, and with one after `BEFORE` rows.
Rows = np.ndarray[Any, np.dtype[np.float64]]


def errors(random: np.random.Generator, streams: int, rows: int, later: float) -> Rows:
    """Errors of a model, 10 % of the rows, and from `BEFORE` on another share."""
    share = np.where(np.arange(rows) < BEFORE, 0.1, later)
    return np.asarray(random.random((streams, rows)) < share, np.float64)


def numbers(random: np.random.Generator, streams: int, rows: int, later: float) -> Rows:
    """Standard normal numbers, from `BEFORE` on with another mean."""
    return random.normal(np.where(np.arange(rows) < BEFORE, 0.0, later), 1.0, (streams, rows))


def spread(random: np.random.Generator, streams: int, rows: int, later: float) -> Rows:
    """Normal numbers around 0, from `BEFORE` on with another deviation."""
    return random.normal(0.0, np.where(np.arange(rows) < BEFORE, 1.0, later), (streams, rows))


#: Name, rows, their parameter without and with a change, and who is not meant for them.
CHANGES: tuple[tuple[str, Callable[..., Rows], float, float, frozenset[str]], ...] = (
    ("errors 10 % -> 20 %", errors, 0.1, 0.2, frozenset()),
    ("mean 0 -> 0.5, deviation 1", numbers, 0.0, 0.5, frozenset({"ddm"})),
    ("deviation 1 -> 2, mean 0", spread, 1.0, 2.0, frozenset({"ddm"})),
)


def found(pool: Any, rows: Rows) -> np.ndarray[Any, Any]:
    """(streams, n) where each stream, with a slot of its own, has a change."""
    streams, n = rows.shape
    slots = np.repeat(np.array([pool.open() for _ in range(streams)], np.int32), n)
    drift = pool.process(slots, np.zeros(slots.size, np.int64), rows.reshape(-1, 1))["drift"]
    return np.asarray(drift).reshape(streams, n)


def accuracy(method: str, make: Callable[..., Rows], quiet: float, later: float) -> dict[str, float | None]:
    """False alarms in 100,000 rows without a change, and how soon a change is found."""
    random = np.random.default_rng([SEED, int(1000 * later)])
    alarms = found(POOLS[method][0](), make(random, 1, QUIET, quiet)).sum() / QUIET * 100_000
    after = found(POOLS[method][0](), make(random, STREAMS, BEFORE + BEHIND, later))[:, BEFORE:]
    seen = after.any(axis=1)
    delay = float(np.median(after[seen].argmax(axis=1) + 1)) if seen.any() else None
    return {"alarms": float(alarms), "found": float(seen.mean()), "rows": delay}


def speed(method: str) -> dict[str, list[float]]:
    """Microseconds of processor time a row, ours and river's, round by round."""
    rows = errors(np.random.default_rng(SEED), 1, TIMED, 0.1)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        begin = time.process_time()
        found(POOLS[method][0](), rows)
        ours.append(1e6 * (time.process_time() - begin) / TIMED)
        peer, values = POOLS[method][1](), rows[0].tolist()
        begin = time.process_time()
        for value in values:
            peer.update(value)
        theirs.append(1e6 * (time.process_time() - begin) / TIMED)
    return {"ours": ours, "river": theirs}


def measured() -> dict[str, Any]:
    """The whole report."""
    report: dict[str, Any] = {"machine": machine(), "quiet_rows": QUIET, "streams": STREAMS, "before": BEFORE}
    report["changes"] = {
        name: {method: accuracy(method, make, quiet, later) for method in POOLS if method not in unfit}
        for name, make, quiet, later, unfit in CHANGES
    }
    report["microseconds"] = {method: speed(method) for method in POOLS}
    report["machine"]["load_after"] = [round(value, 1) for value in os.getloadavg()]
    return report


def table(report: dict[str, Any]) -> str:
    """The figures as text."""
    facts = report["machine"]
    lines = [
        f"defaults of each method; {facts['cores']} cores, load {facts['load_before'][0]:g} before and "
        f"{facts['load_after'][0]:g} after",
        "",
        f"{'':<30}{'method':<14}{'false alarms in':>16}{'changes':>10}{'rows until':>12}",
        f"{'':<30}{'':<14}{'100,000 rows':>16}{'found':>10}{'found':>12}",
    ]
    for name, methods in report["changes"].items():
        for number, (method, each) in enumerate(methods.items()):
            rows = "never" if each["rows"] is None else f"{each['rows']:,.0f}"
            what, share = name if number == 0 else "", f"{100 * each['found']:.0f}%"
            lines.append(f"{what:<30}{method:<14}{each['alarms']:>16.1f}{share:>10}{rows:>12}")
    lines += ["", f"{'processor time, microseconds':<30}{'min / median / max':<24}{'river':<32}over river, by round"]
    for method, each in report["microseconds"].items():
        ours, theirs = sorted(each["ours"]), sorted(each["river"])
        ratios = sorted(b / a for a, b in zip(each["ours"], each["river"], strict=True))
        spread_of = [f"{v[0]:.2f} / {v[len(v) // 2]:.2f} / {v[-1]:.2f}" for v in (ours, theirs)]
        lines.append(
            f"  {method:<28}{spread_of[0]:<24}{spread_of[1]:<32}"
            f"{ratios[0]:.0f} / {ratios[len(ratios) // 2]:.0f} / {ratios[-1]:.0f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write both down."""
    report = measured()
    text = table(report)
    print(text)
    print("written:", write("drift", report), show("drift", text))


if __name__ == "__main__":
    main()
