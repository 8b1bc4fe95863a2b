"""Records as they go into Kafka: JSON in UTF-8, times in UTC with milliseconds and Z."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jobs.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record on its way to a topic.

    Attributes
    ----------
    topic, key, value
        Where, and the bytes; `key` None is a record without one.
    due_s
        Seconds after the feed's start at which it may go, or None: at once.
    partition
        Which partition, or None: by Kafka's hash of the key.
    truth
        Whether it says what really happened, beside the data: such records are counted apart.
    """

    topic: str
    key: bytes | None
    value: bytes
    due_s: float | None = None
    partition: int | None = None
    truth: bool = False


def event_time(ms: int) -> str:
    """``2026-03-01T12:00:00.050Z`` for `ms` milliseconds since 1970 (UTC), year 1 to 9999.

    Raises
    ------
    OverflowError
        Outside these years.
    """
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_time(text: str, *, option: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 time which names its zone.

    Raises
    ------
    UsageError
        `text` is no such time; the message names `option`.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"{option}: {text!r} is no ISO 8601 time with a zone, such as 2026-03-01T12:00:00.000Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_json(record: Mapping[str, object]) -> bytes:
    """One compact JSON object in UTF-8, columns in the order of `record`.

    Raises
    ------
    ValueError
        A number is NaN or infinite: JSON has no such number.
    """
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
