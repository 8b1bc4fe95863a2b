"""``make bench-original``: the original clickstream system replayed, what it records and what is true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import machine, show, write
from feeds.clicks import original_rows
from models.metrics import PrequentialMetrics
from models.original_gate import Consumer, replay

MESSAGES, SEEDS = 2_000, (0, 1, 2)
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "original_gate.png"
#: What is replayed: one concept, a working copy, learning rate.
RUNS: dict[str, tuple[bool, bool, float]] = {
    "as written": (False, False, 0.001),
    "one concept, gate as written": (True, False, 0.001),
    "one concept, deep copy": (True, True, 0.001),
    "one concept, deep copy, rate 0.01": (True, True, 0.01),
}


def measured() -> dict[str, Any]:
    """The whole report."""
    report: dict[str, Any] = {"machine": machine(), "messages": MESSAGES, "seeds": list(SEEDS), "runs": {}}
    for name, (one_concept, copies, rate) in RUNS.items():
        found = []
        for seed in SEEDS:
            stream = original_rows(messages=MESSAGES, rows_seed=seed, one_concept=one_concept)
            result = replay(Consumer(copies, rate), stream)
            honest = result.pop("honest")
            found.append({**result, "honest": {key: honest[key] for key in ("accuracy", "f1", "log_loss", "roc_auc")}})
        report["runs"][name] = found
    return report


def table(report: dict[str, Any]) -> str:
    """The figures as text, one line a seed."""
    lines = [
        f"{report['messages']:,} messages a run, rows with three seeds",
        "",
        f"{'':<36}{'what it records: accepted messages only':<52}{'all rows, predicted before learned':<34}",
        f"{'':<36}{'accepted':>9}{'F1 first':>10}{'F1 mean':>9}{'F1 last':>9}{'log loss':>10}     "
        f"{'accuracy':>9}{'F1':>7}{'ROC-AUC':>9}{'log loss':>10}",
    ]
    for name, found in report["runs"].items():
        for number, each in enumerate(found):
            honest = each["honest"]
            lines.append(
                f"{name if number == 0 else '':<36}{100 * each['accepted']:>8.1f}%{each['f1_first']:>10.3f}"
                f"{each['f1_mean']:>9.3f}{each['f1_last']:>9.3f}{each['log_loss']:>10.2f}     "
                f"{honest['accuracy']:>9.3f}{honest['f1']:>7.3f}{honest['roc_auc']:>9.3f}{honest['log_loss']:>10.3f}"
            )
    return "\n".join(lines)


def draw() -> None:
    """Both curves of the run as written: recorded F1 by accepted messages, honest F1 and accuracy by all rows."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    consumer, labels, given = Consumer(), [], []
    for features, truth in original_rows(messages=MESSAGES, rows_seed=0):
        given.append(consumer.probabilities(features))
        labels.append(truth)
        consumer.consume(features, truth)
    ends = np.cumsum([len(each) for each in labels]) - 1
    honest = PrequentialMetrics(window=5_000).process(np.concatenate(labels), np.concatenate(given))
    f1 = np.array([each.f1 for each in consumer.accepted])
    moving = np.convolve(f1, np.full(10, 0.1), "valid")
    when = np.array([each.message for each in consumer.accepted])[9:]
    figure, axes = pyplot.subplots(figsize=(9, 4))
    axes.plot(when, moving, color="tab:red", label="F1 as the system records it: accepted messages, mean of 10")
    axes.plot(np.arange(MESSAGES), honest["f1"][ends], color="tab:blue", label="F1 of all rows, last 5,000")
    axes.plot(np.arange(MESSAGES), honest["accuracy"][ends], color="black", label="accuracy of all rows, last 5,000")
    axes.axhline(0.5, color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="message", ylim=(0, 1.1))
    axes.legend(loc="upper left", fontsize=8)
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})


def main() -> None:
    """Measure, print, draw, and write both down."""
    report = measured()
    text = table(report)
    print(text)
    draw()
    print("written:", write("original_gate", report), show("original_gate", text), f"docs/images/{PICTURE.name}")


if __name__ == "__main__":
    main()
