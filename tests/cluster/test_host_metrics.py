"""sql/host_metrics.sql against a forest in plain Python: same scores bit for bit, and each planted column is named."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack
from jobs.stack.processes import wait_until
from jobs.submit import submit
from models.anomaly_detector import AnomalyDetector
from models.random_cut_forest import RandomCutForest
from tests.cluster.replay import iso

#: Columns of the topic, what the model calls them, and what one unit of the model is in the topic.
COLUMNS = {
    "cpu_percent": ("cpu_percent", 1),
    "load_1m": ("load_1m", 1),
    "memory_percent": ("memory_percent", 1),
    "disk_read_bytes": ("disk_read_mb", 1_000_000),
    "disk_write_bytes": ("disk_write_mb", 1_000_000),
    "net_sent_bytes": ("net_sent_mb", 1_000_000),
    "net_received_bytes": ("net_received_mb", 1_000_000),
    "context_switches": ("kilo_switches", 1000),
}
ROWS, WARM, EVERY = 600, 300, 30
THRESHOLD, SENSITIVITY = 2.5, 0.3
START_MS = 1_790_000_040_000  # a whole minute
assert START_MS % 60_000 == 0


def planted(row: int) -> str | None:
    """The column that is unusual in this row: each of them once, when the forest is warm."""
    number, rest = divmod(row - WARM, EVERY)
    return list(COLUMNS)[number] if row >= WARM and rest == 0 and number < len(COLUMNS) else None


def rows_of(host: str, direction: str, seed: int) -> list[dict[str, Any]]:
    """A minute of one host: every column steady but for the planted ones."""
    chance = random.Random(seed)
    made = []
    for row in range(ROWS):
        record: dict[str, Any] = {"host": host, "event_time": iso(START_MS + 100 * row)}
        for column, (_, unit) in COLUMNS.items():
            level = 50.0 if planted(row) != column else {"HIGH": 90.0, "LOW": 10.0}[direction]
            record[column] = round((level + chance.gauss(0.0, 1.0)) * unit, 1)
        made.append(record)
    return made


def expected(rows: list[dict[str, Any]]) -> tuple[list[float], list[dict[str, dict[str, str]]]]:
    """Score and explanation of each row, one after the other."""
    forest = RandomCutForest(dimensions=len(COLUMNS), trees=100, sample_size=256, time_decay=100_000, seed=0)
    scores, explanations = [], []
    for row in rows:
        point = np.array([[row[column] / unit for column, (_, unit) in COLUMNS.items()]])
        parts = forest.attribution(point)[0] if len(scores) >= 256 else np.zeros((len(COLUMNS), 2))
        score = float(forest.process(point)[0])
        scores.append(score)
        explanations.append(
            {
                name: {
                    "DIRECTION": "HIGH" if high > low else "LOW",
                    "STRENGTH": f"{abs(high - low) * score:.4f}",
                    "ATTRIBUTION_SCORE": f"{high + low:.4f}",
                }
                for (name, _), (high, low) in zip(COLUMNS.values(), parts.tolist(), strict=True)
            }
        )
    return scores, explanations


def verdicts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the pipeline says of disturbances: grade, expectation and cause, of a detector in plain Python."""
    detector = AnomalyDetector(columns=len(COLUMNS), sensitivity=SENSITIVITY)
    times = START_MS + 100 * np.arange(len(rows))
    result = detector.process(times, np.array([[row[column] for column in COLUMNS] for row in rows]))
    return [
        {
            "event_time": rows[row]["event_time"],
            "grade": result["grade"][row],
            "expected": result["expected"][row],
            "column": list(COLUMNS)[result["column"][row]],
            "direction": "HIGH" if result["deviation"][row] > 0 else "LOW",
        }
        for row in np.flatnonzero(result["is_anomaly"]).tolist()
    ]


def cause(explanation: dict[str, dict[str, str]]) -> str:
    """The column with the largest share, and its direction."""
    name = max(explanation, key=lambda column: float(explanation[column]["ATTRIBUTION_SCORE"]))
    return f"{name} {explanation[name]['DIRECTION']}"


@pytest.fixture(scope="module")
def written(
    stack: Stack,
    tmp_path_factory: pytest.TempPathFactory,
    produce: Callable[..., None],
    read_committed: Callable[..., list[Any]],
) -> dict[str, list[dict[str, Any]]]:
    """What the pipeline wrote, by topic, about two hosts: one with what is too high, one with what is too low."""
    prefix = f"host-{uuid.uuid4().hex[:6]}"
    file = tmp_path_factory.mktemp("host") / "host_metrics_planted.sql"
    text = (PROJECT_ROOT / "sql" / "host_metrics.sql").read_text()
    file.write_text(text.replace("'host-metrics", f"'{prefix}"))
    both = [row for pair in zip(rows_of("up", "HIGH", 1), rows_of("down", "LOW", 2), strict=True) for row in pair]
    submitted = submit(stack.settings, file, {})
    try:
        produce(prefix, both, partition=0, key=lambda row: row["host"].encode())
        # what closes the minute, in both partitions: one that nobody writes to would hold back the time
        closing = {**both[0], "host": "closing", "event_time": iso(START_MS + 100_000)}
        for partition in (0, 1):
            produce(prefix, [closing], partition=partition)
        found = {
            "scores": read_committed(f"{prefix}-scores", at_least=len(both), timeout_s=120),
            "minutes": read_committed(f"{prefix}-minutes", at_least=2),
            "alerts": read_committed(f"{prefix}-alerts", at_least=2 * len(COLUMNS)),
        }
        # alerts are fewer than scores and of the same packs: complete when the checkpoint after the scores is
        done = stack.rest.checkpoints(submitted.job_id).completed
        assert wait_until(lambda: stack.rest.checkpoints(submitted.job_id).completed >= done + 2, 60)
        found["alerts"] = read_committed(f"{prefix}-alerts")
        found["verdicts"] = read_committed(f"{prefix}-verdicts")
    finally:
        stack.rest.cancel(submitted.job_id)
        stack.rest.wait_for_end(submitted.job_id)
    return {what: [json.loads(record.value) for record in records] for what, records in found.items()}


@pytest.mark.parametrize(("host", "direction", "seed"), [("up", "HIGH", 1), ("down", "LOW", 2)])
def test_scores_explanations_and_causes(
    written: dict[str, list[dict[str, Any]]], host: str, direction: str, seed: int
) -> None:
    rows = rows_of(host, direction, seed)
    scores, explanations = expected(rows)
    got = [row for row in written["scores"] if row["host"] == host]
    assert [row["event_time"] for row in got] == [row["event_time"] for row in rows]
    assert [row["anomaly_score"] for row in got] == scores
    assert [json.loads(row["anomaly_explanation"]) for row in got] == explanations
    assert [{column: row[column] for column in COLUMNS} for row in got] == [
        {column: row[column] for column in COLUMNS} for row in rows
    ]
    high = {
        row["event_time"]: (score, cause(explanation))
        for row, score, explanation in zip(rows, scores, explanations, strict=True)
        if score > THRESHOLD
    }
    alerts = {row["event_time"]: row for row in written["alerts"] if row["host"] == host}
    assert {time: (row["anomaly_score"], row["cause"]) for time, row in alerts.items()} == high
    for number in range(ROWS):
        column = planted(number)
        if column is not None:
            alert = alerts.get(rows[number]["event_time"])
            assert alert is not None, f"{column} was not found, score {scores[number]:.2f}"
            assert alert["cause"] == f"{COLUMNS[column][0]} {direction}"


@pytest.mark.parametrize(("host", "direction", "seed"), [("up", "HIGH", 1), ("down", "LOW", 2)])
def test_verdicts(written: dict[str, list[dict[str, Any]]], host: str, direction: str, seed: int) -> None:
    rows = rows_of(host, direction, seed)
    got = [
        {
            "event_time": row["event_time"],
            "grade": row["anomaly_grade"],
            "expected": row["expected_value"],
            "column": json.loads(row["anomaly_explanation"])["COLUMN"],
            "direction": json.loads(row["anomaly_explanation"])["DIRECTION"],
        }
        for row in written["verdicts"]
        if row["host"] == host
    ]
    assert got == verdicts(rows)
    named = {(row["event_time"], row["column"], row["direction"]) for row in got}
    first = rows[WARM]["event_time"]
    assert (first, planted(WARM), direction) in named, "the first disturbance is announced with its cause"


@pytest.mark.parametrize(("host", "direction", "seed"), [("up", "HIGH", 1), ("down", "LOW", 2)])
def test_minutes(written: dict[str, list[dict[str, Any]]], host: str, direction: str, seed: int) -> None:
    rows = rows_of(host, direction, seed)
    scores, _ = expected(rows)
    [minute] = [row for row in written["minutes"] if row["host"] == host]
    assert minute["window_start"] == iso(START_MS)
    assert minute["records"] == ROWS
    assert minute["mean_cpu_percent"] == pytest.approx(np.mean([row["cpu_percent"] for row in rows]))
    assert minute["max_disk_bytes"] == max(row["disk_read_bytes"] + row["disk_write_bytes"] for row in rows)
    assert minute["max_net_bytes"] == max(row["net_sent_bytes"] + row["net_received_bytes"] for row in rows)
    assert minute["max_score"] == max(scores)
    assert minute["anomalies"] == sum(score > THRESHOLD for score in scores)
