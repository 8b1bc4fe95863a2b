"""Pictures of what the detector said of each labelled series: values, expectation, verdicts and labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates as dates
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

if TYPE_CHECKING:
    from benchmarks.accuracy import Benchmark, Series

VALUE, EXPECTED, FOUND, OUTSIDE, WINDOW = "#3b4252", "#7aa2c8", "#2e7d32", "#c62828", "#f3d9a4"

#: The series of docs/images/verdicts.png: what it finds, and what it is bad at.
CHOSEN = [
    "artificialWithAnomaly/art_daily_nojump.csv",
    "realAWSCloudwatch/rds_cpu_utilization_cc0c53.csv",
    "realAWSCloudwatch/grok_asg_anomaly.csv",
    "realKnownCause/nyc_taxi.csv",
    "realTraffic/occupancy_t4013.csv",
    "realTweets/Twitter_volume_IBM.csv",
]


def panel(axes: Axes, benchmark: Benchmark, one: Series, verdict: Mapping[str, Any]) -> None:
    """One series on one pair of axes."""
    moments = one.times_ms.astype("datetime64[ms]")
    axes.plot(moments, verdict["expected"], color=EXPECTED, linewidth=0.7, label="expected")
    axes.plot(moments, one.values, color=VALUE, linewidth=0.6, label="value")
    inside = benchmark.in_window(one)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], inside.astype(int), [0]))))
    for first, end in edges.reshape(-1, 2):
        axes.axvspan(moments[first], moments[end - 1], color=WINDOW, linewidth=0, zorder=0)
    alarms = verdict["is_anomaly"] & benchmark.scored(one)
    for chosen, colour, label in ((alarms & inside, FOUND, "in a window"), (alarms & ~inside, OUTSIDE, "outside")):
        axes.plot(moments[chosen], one.values[chosen], "o", color=colour, markersize=4, label=label)
    axes.set_title(one.name, fontsize=8, loc="left")
    axes.tick_params(labelsize=7)
    axes.margins(x=0.01)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(dates.AutoDateLocator()))
    axes.spines[["top", "right"]].set_visible(False)


def draw(benchmark: Benchmark, verdicts: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """A file a series, and one with all of them."""
    for one in benchmark.series:
        figure, (above, below) = plt.subplots(
            2, 1, figsize=(11, 4.4), sharex=True, height_ratios=(3, 1), layout="constrained"
        )
        panel(above, benchmark, one, verdicts[one.name])
        above.legend(fontsize=7, ncols=4, frameon=False, loc="upper right", bbox_to_anchor=(1.0, 1.12))
        below.plot(one.times_ms.astype("datetime64[ms]"), verdicts[one.name]["grade"], color=VALUE, linewidth=0.7)
        below.set_ylim(0, 1.05)
        below.set_title("anomaly_grade", fontsize=8, loc="left")
        below.tick_params(labelsize=7)
        below.spines[["top", "right"]].set_visible(False)
        file = folder / one.name.replace(".csv", ".png")
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, dpi=110)
        plt.close(figure)
    overview(benchmark, [one.name for one in benchmark.series], verdicts, folder / "overview.png")
    overview(benchmark, CHOSEN, verdicts, folder / "verdicts.png")


def overview(benchmark: Benchmark, names: list[str], verdicts: Mapping[str, Mapping[str, Any]], file: Path) -> None:
    """Several series in one picture, two a line."""
    chosen = [one for one in benchmark.series if one.name in names]
    lines = (len(chosen) + 1) // 2
    figure, axes = plt.subplots(lines, 2, figsize=(13, 1.75 * lines), layout="constrained", squeeze=False)
    for place in axes.flat[len(chosen) :]:
        place.set_visible(False)
    for place, one in zip(axes.flat, chosen, strict=False):
        panel(place, benchmark, one, verdicts[one.name])
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=90)
    plt.close(figure)
