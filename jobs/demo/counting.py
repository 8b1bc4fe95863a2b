"""Every record accounted for: read = scored + rejected + late + pending, each counted from its own topic."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from jobs.demo.findings import time_ms
from jobs.demo.pipelines import BATCH_MS, DemoPipeline
from jobs.demo.topic_values import records, scores
from jobs.settings import Settings
from jobs.stack.kafka_read import Record


@dataclass(frozen=True)
class Counts:
    """What became of the records of a pipeline's input topic.

    Attributes
    ----------
    read
        Records of the input topic.
    scored, rejected, late
        Committed records of the topics they go to.
    pending
        Records of the input topic whose event time lies behind the last scored pack, and that are neither
        among the rejects nor among the late ones. Counted, not computed from the others.
    scored_until_ms
        End of the last scored pack; 0 where nothing was scored.
    """

    read: int
    scored: int
    rejected: int
    late: int
    pending: int
    scored_until_ms: int

    @property
    def accounted(self) -> int:
        """Records whose whereabouts are known."""
        return self.scored + self.rejected + self.late + self.pending

    @property
    def consistent(self) -> bool:
        """Whether every record that was read is somewhere, once."""
        return self.read == self.accounted


def count(settings: Settings, pipeline: DemoPipeline, *, batch_ms: int = BATCH_MS) -> Counts:
    """Count a pipeline's records, with a consumer of its own for each topic.

    Raises
    ------
    StackError
        The broker does not answer.
    """
    return counts(
        records(settings, pipeline.topic),
        scores=scores(settings, pipeline),
        rejects=records(settings, pipeline.of("rejects")),
        late=records(settings, pipeline.of("late")),
        batch_ms=batch_ms,
    )


def counts(
    read: Iterable[Record],
    *,
    scores: Iterable[Record],
    rejects: Iterable[Record],
    late: Iterable[Record],
    batch_ms: int,
) -> Counts:
    """The counts of a pipeline from the records of its topics; each is gone through once.

    Parameters
    ----------
    read
        The input topic.
    scores, rejects, late
        The committed records of these topics.
    batch_ms
        The pack interval: a pack is scored as a whole.
    """
    scored, newest_ms = 0, -1
    for record in scores:
        scored += 1
        newest_ms = max(newest_ms, _event_time(record))
    until_ms = (newest_ms // batch_ms + 1) * batch_ms if scored else 0
    rejected = 0
    refused: set[tuple[int, int]] = set()
    # a late record comes as it came in, without its place: known by its bytes
    elsewhere = Counter(_digest(record.value) for record in late)
    late_count = elsewhere.total()
    for record in rejects:
        rejected += 1
        reject = json.loads(record.value or b"null")
        if "DATA_ROW" in reject:  # the error stream of an application knows no places either
            elsewhere[_digest(bytes.fromhex(reject["DATA_ROW"]))] += 1
        else:
            refused.add((reject["partition"], reject["offset"]))
    total = pending = 0
    for record in read:
        total += 1
        if (record.partition, record.offset) in refused or _event_time(record) < until_ms:
            continue
        digest = _digest(record.value)
        if elsewhere[digest]:
            elsewhere[digest] -= 1
            continue
        pending += 1
    return Counts(total, scored, rejected, late_count, pending, until_ms)


def _event_time(record: Record) -> int:
    """A record's event time; -1 where it has none that can be read, which is before every pack."""
    try:
        return time_ms(json.loads(record.value or b"null")["event_time"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return -1


def _digest(value: bytes | None) -> bytes:
    return hashlib.blake2b(value or b"", digest_size=16).digest()
