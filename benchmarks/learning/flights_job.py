"""``python -m benchmarks.learning.flights_job``: what `make bench-flights` measures.

The year of flights through Kafka, sql/flights.sql on a real cluster, and Kafka again, once for each time at which
labels may be known. The figures are made from what the job wrote: every flight, with the probability it was given then.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from benchmarks.learning.streams import DELAYS, flights
from benchmarks.own_stack import own_stack
from benchmarks.rcf.rows import aligned
from benchmarks.results import machine, show, write
from feeds.clicks import Impression, records
from feeds.producer import Producer, ensure_topics
from jobs.evaluation import Options, evaluate_rows
from jobs.evaluation.table import Table
from jobs.stack import Stack
from jobs.stack.kafka_read import reader
from jobs.submit import submit

PIPELINE = Path(__file__).parents[2] / "sql" / "flights.sql"
MODELS = {"plain": "columns of the flight", "windows": "and how flights went that have landed"}
#: Each the better of two fixed learning rates with labels at the landing, as the design measured them.
BARS = {"accuracy": 0.7883, "roc_auc": 0.7426, "log_loss": 0.4840}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delays", nargs="+", choices=DELAYS, default=list(DELAYS), help="these; nothing is written")
    parser.add_argument("--flights", type=int, help="the first so many; nothing is written")
    options = parser.parse_args()
    report: dict[str, Any] = {"machine": machine(), "delays": {}}
    for delay in options.delays:
        with own_stack() as stack:
            report["delays"][delay] = through(stack, _first(flights(delay), options.flights))
        print(f"{delay}: {json.dumps(report['delays'][delay])}", flush=True)
    report["machine"]["load_after"] = [round(value, 1) for value in os.getloadavg()]
    print(f"\n{text(report)}")
    if options.flights is None and options.delays == list(DELAYS):
        print(f"written to {write('flights', report)} and {show('flights', text(report))}")


def through(stack: Stack, table: Table) -> dict[str, Any]:
    """Figures of both models from the topic of outcomes, and those of the same learner without Kafka and Flink."""
    topics = {"departures": 1, "landings": 1, "flight-outcomes": 1}
    ensure_topics(stack.settings, topics)
    with Producer(stack.settings) as producer:
        sent = records(_impressions(table), start_ms=0, speed=0, topic="departures", labels_topic="landings")
        for record in sent:
            producer.send(record)
    begun = time.monotonic()
    # the figures do not depend on the interval of packs; of a year's history an hour at a time is quick
    values = {"bounded_mode": "latest-offset", "batch": "3600"}
    submitted = submit(stack.settings, PIPELINE, values, progress=print)
    job = stack.rest.wait_for_end(submitted.job_id, timeout_s=3600)
    if job.state != "FINISHED":
        raise SystemExit(f"flights is {job.state}: {stack.rest.exceptions(job.id)[:1]}")
    seconds = time.monotonic() - begun
    with reader(stack.settings, "flight-outcomes") as found:
        outcomes = [json.loads(record.value) for record in found.all()]
    figures = {model: measured([row for row in outcomes if row["model"] == model], table) for model in MODELS}
    offline = evaluate_rows(table, Options("logistic_mixture", {"encoding": "one_hot"}))
    figures["offline"] = {name: offline[name] for name in ("accuracy", "f1", "roc_auc", "log_loss")}
    return {"flights": int(table.labels.size), "seconds": round(seconds, 1), "figures": figures}


def measured(outcomes: list[dict[str, Any]], table: Table) -> dict[str, float]:
    """Figures of one model; every flight must be there once, with the label it has."""
    numbers = np.array([row["impression_id"] for row in outcomes])
    order = np.argsort(numbers)
    if not np.array_equal(numbers[order], np.arange(table.labels.size)):
        raise SystemExit(f"{numbers.size} outcomes of {table.labels.size} flights, {np.unique(numbers).size} different")
    labels = np.array([row["label"] for row in outcomes])[order]
    if not np.array_equal(labels, table.labels):
        raise SystemExit("an outcome has another label than its flight")
    given = np.array([row["probability"] for row in outcomes])[order]
    decided = given >= 0.5
    return {
        "accuracy": float((decided == labels).mean()),
        "f1": float(f1_score(labels, decided)),
        "roc_auc": float(roc_auc_score(labels, given)),
        "log_loss": float(log_loss(labels, np.clip(given, 1e-6, 1 - 1e-6))),
    }


def _impressions(table: Table) -> Iterator[Impression]:
    """Flights as the feed of recorded streams sends them; where labels come at once they have the flight's time."""
    event = table.event_times if table.event_times is not None else flights(DELAYS[1]).event_times
    assert event is not None
    known = event if table.label_times is None else table.label_times
    for number in range(table.labels.size):
        features: dict[str, Any] = {"distance": float(table.values[number, 0])}
        features |= {name: cells[number] for name, cells in zip(table.texts, table.cells, strict=True)}
        late = max(0, int(known[number] - event[number]))
        yield Impression(number, int(event[number]), "flights", features, int(table.labels[number]), late)


def _first(table: Table, count: int | None) -> Table:
    if count is None:
        return table
    times = [None if column is None else column[:count] for column in (table.event_times, table.label_times)]
    cells = tuple(column[:count] for column in table.cells)
    return Table(table.numbers, table.texts, table.values[:count], cells, table.labels[:count], *times)


def text(report: dict[str, Any]) -> str:
    """The figures as a table."""
    on = report["machine"]
    lines = [("labels ...", "the model knows", "accuracy", "F1", "ROC-AUC", "log loss", "")]
    for delay, found in report["delays"].items():
        for model, words in (*MODELS.items(), ("offline", "columns of the flight, without Kafka and Flink")):
            figures = found["figures"][model]
            cells = (f"{figures[name]:.4f}" for name in ("accuracy", "f1", "roc_auc", "log_loss"))
            lines.append((delay, words, *cells, _verdict(figures) if delay == "at the landing" else ""))
    seconds = " / ".join(f"{found['seconds']:.0f}" for found in report["delays"].values())
    return (
        f"{on['cores']} cores, load {on['load_before'][0]} before and {on['load_after'][0]} after; seconds of a job, "
        f"both models: {seconds}\n\n{aligned(lines)}"
    )


def _verdict(figures: dict[str, float]) -> str:
    better = figures["accuracy"] > BARS["accuracy"] and figures["roc_auc"] > BARS["roc_auc"]
    return "holds" if better and figures["log_loss"] < BARS["log_loss"] else "MISSED"


if __name__ == "__main__":
    main()
