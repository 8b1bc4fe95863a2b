"""``make bench-accuracy``: DETECT_ANOMALIES on the labelled series of the Numenta Anomaly Benchmark (NAB).

Reads the folder ``nab`` of the recorded data (CUTBANK_DATA) and scores with the ``score_nab.py`` beside it. NAB rewards
the first detection in a labelled window, the earlier the more, and charges every detection outside; 0 is a detector
that says nothing, 100 one that finds every window at its first record. One threshold holds for all series.

Beside the detector, in the same run: the forest alone at the setting published for NAB, and two controls without a
model. "Threshold of the other categories" is the score of each category at the threshold that is best for the rest:
what to expect of series that were not there when a threshold was chosen.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import FOLDER, machine, write
from jobs.settings import load_settings
from models.anomaly_detector import AnomalyDetector
from models.random_cut_forest import RandomCutForest

PROFILES = {"standard": "standard", "reward_low_FP_rate": "low FP", "reward_low_FN_rate": "low FN"}
SEEDS = (0, 1, 2)
DIAL = (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9)
#: Records between two alarms of the blind control.
BLIND = 600
PLOTS = Path("build/accuracy")


@dataclass(frozen=True)
class Series:
    """One labelled series."""

    name: str
    stamps: list[str]
    times_ms: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]

    @property
    def category(self) -> str:
        """The folder it is in."""
        return self.name.split("/")[0]


Scores = dict[str, np.ndarray[Any, Any]]


class Benchmark:
    """The series, their windows and NAB's way to score."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "score_nab.py").is_file():
            raise SystemExit(f"{folder} holds no score_nab.py: set CUTBANK_DATA to the folder of the recorded data")
        spec = importlib.util.spec_from_file_location("score_nab", folder / "score_nab.py")
        assert spec is not None and spec.loader is not None
        self._scorer: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._scorer)
        self.windows: dict[str, list[list[str]]] = json.loads((folder / "combined_windows.json").read_text())
        self.series = [read_series(folder / "data", name) for name in sorted(self.windows)]
        self._items = {
            one.name: self._scorer.credit([self._scorer._stamp(stamp) for stamp in one.stamps], self.windows[one.name])
            for one in self.series
        }

    def scored(self, one: Series) -> np.ndarray[Any, Any]:
        """Which records count: not those of the probation."""
        return np.array([item is not None for item in self._items[one.name]])

    def in_window(self, one: Series) -> np.ndarray[Any, Any]:
        """Which records lie in a labelled window."""
        return np.array([item is not None and item[0] is not None for item in self._items[one.name]])

    def evaluate(self, scores: Scores, threshold: float | None = None) -> dict[str, dict[str, float]]:
        """Score and threshold by profile; the best threshold of each unless one is given."""
        files = {one.name: (one.stamps, scores[one.name].tolist()) for one in self.series if one.name in scores}
        fixed = None if threshold is None else dict.fromkeys(PROFILES, threshold)
        found: dict[str, dict[str, float]] = self._scorer.evaluate(files, self.windows, fixed)
        return found

    def by_other_categories(self, scores: Scores) -> float:
        """Standard score when each category is scored at the threshold that is best for all others."""
        raw, windows = 0.0, 0
        for category in sorted({one.category for one in self.series}):
            inside = {one.name: scores[one.name] for one in self.series if one.category == category}
            outside = {name: values for name, values in scores.items() if name not in inside}
            threshold = self.evaluate(outside)["standard"]["threshold"]
            raw += self.evaluate(inside, threshold)["standard"]["raw"]
            windows += sum(len(self.windows[name]) for name in inside)
        return 100.0 * (raw + windows) / (2 * windows)

    def found(self, one: Series, alarms: np.ndarray[Any, Any]) -> dict[str, int]:
        """Windows found and missed, and detections outside, of one series."""
        items = [item for item, alarm in zip(self._items[one.name], alarms.tolist(), strict=True) if alarm and item]
        hit = len({window for window, _ in items if window is not None})
        windows = len(self.windows[one.name])
        return {"windows": windows, "found": hit, "outside": sum(window is None for window, _ in items)}


def read_series(folder: Path, name: str) -> Series:
    """A series of the benchmark; its times are taken as UTC."""
    with open(folder / name, newline="") as handle:
        rows = list(csv.DictReader(handle))
    stamps = [row["timestamp"] for row in rows]
    times = [round(datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp() * 1000) for stamp in stamps]
    return Series(name, stamps, np.array(times, np.int64), np.array([float(row["value"]) for row in rows]))


# ---------------------------------------------------------------- what is compared
def plain_forest(one: Series, seed: int) -> np.ndarray[Any, Any]:
    """The forest alone, at the setting published for NAB."""
    return RandomCutForest(1, trees=100, sample_size=256, time_decay=100_000, seed=seed).process(one.values)


def outside_range(one: Series) -> np.ndarray[Any, Any]:
    """Control: how far the value is outside all earlier ones, in their range."""
    low, high = np.minimum.accumulate(one.values)[:-1], np.maximum.accumulate(one.values)[:-1]
    beyond = np.maximum(0.0, np.maximum(low - one.values[1:], one.values[1:] - high))
    return np.concatenate(([0.0], beyond / np.where(high > low, high - low, 1.0)))


def blind(one: Series) -> np.ndarray[Any, Any]:
    """Control: an alarm every 600 records."""
    return (np.arange(one.values.size) % BLIND == 0).astype(float)


def summary(results: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """By profile: the scores of all seeds, and their median."""
    rows: dict[str, Any] = {}
    for profile, name in PROFILES.items():
        scores = [round(result[profile]["score"], 2) for result in results]
        rows[name] = {"median": round(statistics.median(scores), 2), "scores": scores}
    return rows


def dial(benchmark: Benchmark, grades: Scores, sensitivity: float) -> dict[str, float]:
    """What a setting of the dial finds: windows, and alarms outside of them in 1,000 records."""
    found = [benchmark.found(one, grades[one.name] >= 1.0 - sensitivity) for one in benchmark.series]
    ordinary = sum(int((benchmark.scored(one) & ~benchmark.in_window(one)).sum()) for one in benchmark.series)
    return {
        "found": sum(each["found"] for each in found),
        "false_alarms_in_1000": round(1000 * sum(each["outside"] for each in found) / ordinary, 2),
    }


def measure(benchmark: Benchmark) -> tuple[dict[str, Any], Mapping[str, dict[str, Any]]]:
    """The report, and what the detector with the first seed says of each series."""
    verdicts: dict[int, dict[str, dict[str, Any]]] = {}
    warm = benchmark.series[0]
    AnomalyDetector().process(warm.times_ms[:200], warm.values[:200])  # kernels are loaded before the clock starts
    records = sum(one.values.size for one in benchmark.series)
    rates = []
    for seed in SEEDS:
        begin = time.perf_counter()
        verdicts[seed] = {
            one.name: AnomalyDetector(seed=seed).process(one.times_ms, one.values) for one in benchmark.series
        }
        rates.append(round(records / (time.perf_counter() - begin)))

    def of(field: str, seed: int) -> Scores:
        return {name: verdict[field].astype(float) for name, verdict in verdicts[seed].items()}

    def of_all(function: Callable[[Series], np.ndarray[Any, Any]]) -> Scores:
        return {one.name: function(one) for one in benchmark.series}

    grades = [benchmark.evaluate(of("grade", seed)) for seed in SEEDS]
    rows = {
        "grade, best threshold": summary(grades),
        "is_anomaly, as it comes": summary([benchmark.evaluate(of("is_anomaly", seed), 1.0) for seed in SEEDS]),
        "anomaly_score alone": summary([benchmark.evaluate(of("score", seed)) for seed in SEEDS]),
        "plain forest, 100 x 256": summary(
            [benchmark.evaluate(of_all(lambda one, s=seed: plain_forest(one, s))) for seed in SEEDS]  # type: ignore[misc]
        ),
        "control: outside the range so far": summary([benchmark.evaluate(of_all(outside_range))]),
        f"control: an alarm every {BLIND} records": summary([benchmark.evaluate(of_all(blind))]),
    }
    others = [round(benchmark.by_other_categories(of("grade", seed)), 2) for seed in SEEDS]
    first = verdicts[SEEDS[0]]
    report = {
        "dial": {str(sensitivity): dial(benchmark, of("grade", SEEDS[0]), sensitivity) for sensitivity in DIAL},
        "machine": machine(),
        "series": len(benchmark.series),
        "records": records,
        "windows": sum(map(len, benchmark.windows.values())),
        "seeds": list(SEEDS),
        "rows": rows,
        "thresholds of the grade": {
            name: [round(result[profile]["threshold"], 3) for result in grades] for profile, name in PROFILES.items()
        },
        "threshold of the other categories": {"standard": {"median": statistics.median(others), "scores": others}},
        "records_per_second": {"min": min(rates), "median": round(statistics.median(rates)), "max": max(rates)},
        "by_series": {
            one.name: benchmark.found(one, first[one.name]["is_anomaly"]) | {"records": int(one.values.size)}
            for one in benchmark.series
        },
    }
    return report, first


def table(report: dict[str, Any]) -> str:
    """The report as text."""
    seeds = ", ".join(map(str, report["seeds"]))
    lines = [
        f"NAB, {report['series']} series, {report['records']:,} records, {report['windows']} windows; "
        f"median of seeds {seeds} (least .. most of standard)",
        "",
        f"{'':38}{'standard':>10}{'low FP':>10}{'low FN':>10}",
    ]
    for name, row in report["rows"].items():
        scores = row["standard"]["scores"]
        span = f"   ({min(scores):.1f} .. {max(scores):.1f})" if len(scores) > 1 else ""
        lines.append(f"{name:38}" + "".join(f"{row[p]['median']:10.1f}" for p in PROFILES.values()) + span)
    others = report["threshold of the other categories"]["standard"]
    lines.append(
        f"{'grade, threshold of other categories':38}{others['median']:10.1f}{'':20}"
        f"   ({min(others['scores']):.1f} .. {max(others['scores']):.1f})"
    )
    rate = report["records_per_second"]
    lines += [
        "",
        f"detector, one series a call: {rate['min']:,} .. {rate['max']:,} records/s",
        "",
        f"sensitivity, windows found of {report['windows']}, alarms outside in 1,000; seed {report['seeds'][0]}:",
        *(f"  {at:10}{each['found']:8}{each['false_alarms_in_1000']:10.2f}" for at, each in report["dial"].items()),
        "",
        f"is_anomaly, seed {report['seeds'][0]}, by series:    windows  found  outside  records",
    ]
    for name, row in report["by_series"].items():
        lines.append(f"  {name:58}{row['windows']:4}{row['found']:6}{row['outside']:8}{row['records']:9}")
    return "\n".join(lines)


def pages(report: dict[str, Any]) -> tuple[str, str]:
    """The two tables of the page on anomalies: the dial, and the scores."""
    dials = ["| `sensitivity` | disturbances found | false alarms in 1,000 rows |", "|---|---|---|"]
    for sensitivity, each in report["dial"].items():
        dials.append(f"| {sensitivity} | {each['found']} of {report['windows']} | {each['false_alarms_in_1000']:.1f} |")
    scores = ["| One threshold for all series, three seeds | standard | low FP | low FN |", "|---|---|---|---|"]
    for name, row in report["rows"].items():
        scores.append(f"| {name} | " + " | ".join(f"{row[p]['median']:.1f}" for p in PROFILES.values()) + " |")
    others = report["threshold of the other categories"]["standard"]["median"]
    scores.append(f"| grade, each category at the threshold that is best for the others | {others:.1f} | | |")
    return "\n".join(dials), "\n".join(scores)


def main() -> None:
    """Measure, print the table, write it, and draw each series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-plots", action="store_true", help="the table only")
    options = parser.parse_args()
    benchmark = Benchmark(load_settings().data / "nab")
    report, verdicts = measure(benchmark)
    text = table(report)
    print(text)
    print(f"\nwritten to {write('accuracy', report)}")
    (FOLDER / "accuracy.txt").write_text(text + "\n")
    if not options.no_plots:
        from benchmarks.accuracy_plots import draw

        draw(benchmark, verdicts, PLOTS)
        print(f"plots in {PLOTS}/")


if __name__ == "__main__":
    main()
