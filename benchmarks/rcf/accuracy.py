"""``python -m benchmarks.rcf.accuracy``: does the forest tell anomalies from ordinary points as well as its peers do.

ROC-AUC and average precision of the scores against the labels of each stream, over seeds. Ours and AWS's Java run with
the same parameters on the same points; they differ by noise alone if the interval of the difference of their means
holds 0. Points that fall into the warm-up count for nobody.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from benchmarks.rcf.contenders import Parameters, krcf_peer, river_peer, rrcf_peer
from benchmarks.rcf.java_peer import JavaPeer
from benchmarks.rcf.rows import aligned
from benchmarks.rcf.streams import Stream, correlated_columns, nab, two_levels
from benchmarks.results import machine, show, write
from jobs.settings import load_settings
from models.random_cut_forest import RandomCutForest

Scorer = Callable[[Parameters, Stream], npt.NDArray[np.float64]]
#: Named as scikit-learn's functions are, without their "_score".
METRICS = ("roc_auc", "average_precision")
#: Chance that equal forests are told apart in one of all comparisons, by mistake.
LEVEL = 0.05
SLOW, POINTS_FOR_SLOW = ("river", "rrcf"), 2_000


def ours(parameters: Parameters, stream: Stream) -> npt.NDArray[np.float64]:
    """Scores of our forest."""
    forest = RandomCutForest(stream.points.shape[1], **parameters.options())
    return forest.process(stream.points.astype(np.float64))


def one_by_one(make: Callable[..., Any]) -> Scorer:
    """Scores of a peer in Python."""
    return lambda parameters, stream: np.array(make(parameters, stream.points).scores(0, len(stream.points)))


def groups(data: Path) -> Iterator[tuple[str, list[Stream]]]:
    """Streams that are reported as one figure, the mean over them."""
    made = {"levels, d = 1": two_levels(10_000, seed=1), "columns, d = 8": correlated_columns(10_000, seed=2)}
    for name, stream in made.items():
        yield name, [stream]
    for name, stream in made.items():
        yield f"{name}, first {POINTS_FOR_SLOW:,}", [stream.head(POINTS_FOR_SLOW)]
    if (data / "nab").is_dir():
        series = nab(data / "nab")
        yield f"NAB, {len(series)} series", series
    else:
        print(f"no folder {data / 'nab'}: NAB is left out; set CUTBANK_DATA to the folder of recorded data sets")


def figures(streams: Sequence[Stream], scores: Sequence[npt.NDArray[np.float64]], warm_up: int) -> dict[str, float]:
    """Each metric, mean over the streams that have an anomaly after the warm-up."""
    from sklearn import metrics

    both = [(stream.labels[warm_up:], its[warm_up:]) for stream, its in zip(streams, scores, strict=True)]
    return {
        name: float(np.mean([getattr(metrics, f"{name}_score")(*one) for one in both if one[0].any()]))
        for name in METRICS
    }


def difference(a: Sequence[float], b: Sequence[float], level: float) -> dict[str, Any]:
    """Mean of a minus mean of b, with Welch's interval at a level, and whether that holds 0."""
    found = stats.ttest_ind(a, b, equal_var=False)
    low, high = found.confidence_interval(1 - level)
    return {
        "difference": float(np.mean(a) - np.mean(b)),
        "interval": [float(low), float(high)],
        "within_noise": bool(low <= 0 <= high),
    }


def compare(data: Path, seeds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Figures of everybody on every group of streams, by seed, and ours against Java."""
    parameters, results = Parameters(), dict[str, dict[str, Any]]()
    before, everything = machine(), list(groups(data))
    level = LEVEL / (len(everything) * len(METRICS))
    with JavaPeer(parameters, everything[0][1][0].points) as java:

        def by_java(its: Parameters, stream: Stream) -> npt.NDArray[np.float64]:
            java.give(stream.points)
            java.open(its.seed)
            return java.scores(len(stream.points))

        for title, streams in everything:
            fast: dict[str, tuple[Scorer, int]] = {
                "ours": (ours, seeds), "Java": (by_java, seeds), "krcf": (one_by_one(krcf_peer), min(3, seeds)),
            }  # fmt: skip
            if max(len(stream.points) for stream in streams) <= POINTS_FOR_SLOW:
                fast |= {"river": (one_by_one(river_peer), 3), "rrcf": (one_by_one(rrcf_peer), 1)}
            by_peer: dict[str, dict[str, list[float]]] = {}
            for name, (scorer, count) in fast.items():
                runs = []
                for seed in range(1, count + 1):
                    its = replace(parameters, seed=seed)
                    runs.append(figures(streams, [scorer(its, one) for one in streams], its.sample_size))
                by_peer[name] = {metric: [run[metric] for run in runs] for metric in METRICS}
                say(f"{title}: {name}, ROC-AUC {np.mean(by_peer[name]['roc_auc']):.4f}")
            against = {m: difference(by_peer["ours"][m], by_peer["Java"][m], level) for m in METRICS}
            results[title] = {"by_seed": by_peer, "ours_minus_java": against}
    return {
        "machine": before, "parameters": asdict(parameters), "seeds": seeds, "level": level, "streams": results
    }  # fmt: skip


def text(report: dict[str, Any]) -> str:
    """The figures as tables; from the report alone."""
    lines: list[tuple[str, ...]] = [("mean +- sd over the seeds", "seeds", "ROC-AUC", "average precision")]
    verdicts = [("ours minus Java", "metric", "difference", f"interval of {1 - report['level']:.1%}", "")]
    for title, result in report["streams"].items():
        for name, by_metric in result["by_seed"].items():
            cells = [_mean_and_sd(by_metric[metric]) for metric in METRICS]
            lines.append((f"{title}: {name}", str(len(by_metric["roc_auc"])), *cells))
        for metric, found in result["ours_minus_java"].items():
            low, high = found["interval"]
            verdict = "within noise" if found["within_noise"] else "DIFFERS"
            verdicts.append((title, metric, f"{found['difference']:+.4f}", f"{low:+.4f} .. {high:+.4f}", verdict))
    return f"{aligned(lines)}\n\n{aligned(verdicts)}"


def _mean_and_sd(values: Sequence[float]) -> str:
    spread = f" +- {np.std(values, ddof=1):.4f}" if len(values) > 1 else " " * 10
    return f"{np.mean(values):.4f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    report = compare(load_settings().data, options.seeds, lambda line: print(line, flush=True))
    print(f"\n{text(report)}\n\nwritten to {write('rcf_accuracy', report)} and {show('rcf_accuracy', text(report))}")


if __name__ == "__main__":
    main()
