"""The process function that takes the records a source could not use: rejects and late rows, counted and written.

Few records come this way, so it is called for each one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pyflink.common import Row
from pyflink.datastream import ProcessFunction, RuntimeContext

from udfs.record_check import RecordContract, reason

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

REJECTED: Final = 2
LATE: Final = 1

REASONS: Final = (
    "not_utf8", "not_json", "not_an_object", "missing_field", "wrong_type", "not_finite", "time_out_of_range",
    "key_missing", "too_large", "too_deep", "empty", "tombstone",
)  # fmt: skip


@dataclass(frozen=True)
class TapPlan:
    """What the tap of one source has to know.

    Parameters
    ----------
    topic
        The source's topic; rejects carry it.
    contract
        What its records should be.
    """

    topic: str
    contract: RecordContract


class RecordTap(ProcessFunction):
    """Turns ``(status, partition, offset, timestamp in ms, raw)`` into ``(status, bytes to write)``.

    A rejected record becomes the JSON of a reject; a late one leaves as it came. Both are counted: `rejected`,
    `rejected_<reason>` and `late`.
    """

    def __init__(self, plan: TapPlan) -> None:
        self._plan = plan

    def open(self, runtime_context: RuntimeContext) -> None:
        group = runtime_context.get_metrics_group()
        self._late = group.counter("late")
        self._rejected = group.counter("rejected")
        self._by_reason = {name: group.counter(f"rejected_{name}") for name in REASONS}

    def process_element(self, value: Any, ctx: ProcessFunction.Context) -> Iterator[Row]:
        status, partition, offset, timestamp_ms, raw = value
        raw = None if raw is None else bytes(raw)
        if status == LATE:
            self._late.inc()
            yield Row(status, raw)
            return
        why, detail = reason(raw, self._plan.contract)
        self._rejected.inc()
        self._by_reason[why].inc()
        yield Row(status, reject_json(self._plan.topic, partition, offset, timestamp_ms, why, detail, raw))


def reject_json(
    topic: str, partition: int, offset: int, timestamp_ms: int, why: str, detail: str, raw: bytes | None
) -> bytes:
    """The record of a rejects topic: where the bad one lies, why it is bad, and all of its bytes in base64."""
    record = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": _iso(timestamp_ms),
        "reason": why,
        "detail": detail,
        "raw": None if raw is None else base64.b64encode(raw).decode("ascii"),
    }
    return json.dumps(record, ensure_ascii=False).encode()


def _iso(timestamp_ms: int) -> str | None:
    """A Kafka timestamp as records carry times; None for one outside of the years 1 to 9999: producers choose it."""
    try:
        when = _EPOCH + timedelta(milliseconds=timestamp_ms)
    except OverflowError:
        return None
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
