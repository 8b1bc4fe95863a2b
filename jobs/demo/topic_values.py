"""The records of a pipeline's topics, committed ones only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from jobs.demo.attribution import Attribution
from jobs.demo.pipelines import DemoPipeline
from jobs.settings import Settings
from jobs.stack.kafka_read import Record, reader


def records(settings: Settings, topic: str) -> Iterator[Record]:
    """Every committed record there is now, partition by partition.

    Raises
    ------
    UsageError
        There is no such topic.
    StackError
        The broker does not answer.
    """
    with reader(settings, topic) as read:
        yield from read.all()


def scores(settings: Settings, pipeline: DemoPipeline) -> Iterator[Record]:
    """What a pipeline scored; where it writes no times, with those of its input.

    A row that no input belongs to stays as it is, so that it is counted.
    """
    written = records(settings, pipeline.of("scores"))
    if pipeline.threshold is None:
        return written
    rows, attribution = list(written), Attribution()
    attribution.read(record.value for record in records(settings, pipeline.topic))
    dated = attribution.written(record.value for record in rows)
    return (
        replace(row, value=value) for row, value in zip(rows, [*dated, *([b"{}"] * attribution.astray)], strict=True)
    )


def alerts(settings: Settings, pipeline: DemoPipeline) -> list[dict[str, Any]]:
    """A pipeline's alerts: a topic of their own, or the scores above its threshold."""
    threshold = pipeline.threshold
    if threshold is None:
        return values(settings, pipeline.of("alerts"))
    found = [json.loads(record.value or b"{}") for record in scores(settings, pipeline)]
    return [value for value in found if value.get("anomaly_score", 0.0) > threshold]


def values(settings: Settings, topic: str) -> list[dict[str, Any]]:
    """The JSON objects of `records`."""
    return [json.loads(record.value) for record in records(settings, topic) if record.value is not None]
