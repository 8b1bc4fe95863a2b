"""The oracle of the cluster tests: what a pipeline must have written, computed from its input topic in plain Python.

It knows nothing of packs, buckets or Flink: rows in the order (event time, partition, offset), one forest a key.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from jobs.stack.kafka_read import Record
from models.random_cut_forest import RandomCutForest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(milliseconds: int) -> str:
    """Event time as records carry it."""
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


def in_model_order(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Values of good records in the order models see them."""
    ordered = sorted(
        (json.loads(record.value)["event_time"], record.partition, record.offset, record.value) for record in records
    )
    return [json.loads(value) for *_, value in ordered]


def forest_scores(
    rows: Iterable[dict[str, Any]], key: str, columns: tuple[str, ...], **parameters: Any
) -> dict[str, list[tuple[dict[str, Any], float]]]:
    """For each key its rows in order, each with its score."""
    by_key: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_key[row[key]].append(row)
    scored = {}
    for name, own in by_key.items():
        forest = RandomCutForest(dimensions=len(columns), **parameters)
        scores = forest.process(np.array([[row[column] for column in columns] for row in own], dtype=np.float64))
        scored[name] = list(zip(own, scores.tolist(), strict=True))
    return scored


def milliseconds(text: str) -> int:
    """The event time of a record, in milliseconds since the epoch."""
    return round((datetime.fromisoformat(text) - EPOCH).total_seconds() * 1000)
