"""The JSON objects of a topic, committed ones only."""

from __future__ import annotations

import json
from typing import Any

from jobs.settings import Settings
from jobs.stack.kafka_read import reader


def values(settings: Settings, topic: str) -> list[dict[str, Any]]:
    """Every committed value there is now, partition by partition.

    Raises
    ------
    UsageError
        There is no such topic.
    StackError
        The broker does not answer.
    """
    with reader(settings, topic) as records:
        return [json.loads(record.value) for record in records.all() if record.value is not None]
