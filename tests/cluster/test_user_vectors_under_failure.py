"""User vectors are exact under failure: worker and TaskManager are killed, and every vector equals a recomputation."""

from __future__ import annotations

import json
import random
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.stack import Stack
from jobs.submit import submit
from tests.cluster.chaos import RECOVERY_S, Chaos, Watched
from tests.cluster.live_input import LiveInput
from tests.cluster.replay import iso, milliseconds

ITEMS, LAST = 40, 5

PIPELINE = """
SET 'cutbank.snapshot.records' = '300';
CREATE TABLE read_items (user_id STRING NOT NULL, item_id BIGINT NOT NULL, event_time TIMESTAMP_LTZ(3) NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND) WITH ({kafka}, 'topic' = '{prefix}-reads');
CREATE TABLE item_vectors (item_id BIGINT, version BIGINT, vector ARRAY<FLOAT>, event_time TIMESTAMP_LTZ(3) NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND) WITH ({kafka}, 'topic' = '{prefix}-vectors');
CREATE TABLE out_rows (user_id STRING, item_id BIGINT, at_ms BIGINT, vector ARRAY<FLOAT>, items BIGINT, version BIGINT)
WITH ('connector' = 'kafka', 'topic' = '{prefix}-rows',
    'properties.bootstrap.servers' = '${{bootstrap_servers:-localhost:19092}}', 'key.format' = 'raw',
    'key.fields' = 'user_id', 'value.format' = 'json', 'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = '{prefix}-rows', 'properties.transaction.timeout.ms' = '900000');
INSERT INTO out_rows
SELECT user_id, item_id, EXTRACT(EPOCH FROM event_time) * 1000 + EXTRACT(MILLISECOND FROM event_time), user_vector,
    items_read, vectors_version
FROM USER_VECTOR(input => TABLE read_items PARTITION BY user_id, vectors => TABLE item_vectors,
    on_time => DESCRIPTOR(event_time), item => DESCRIPTOR(item_id), last => 5, buckets => 3);
"""

KAFKA = (
    "'connector' = 'kafka', 'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}', "
    "'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'"
)


class _Reads(LiveInput):
    """Reads at a steady pace; now and then all vectors anew, as the next version, and single ones between."""

    def __init__(self, send: Callable[[str, list[dict[str, Any]], int], None], **given: Any) -> None:
        super().__init__(self._with_vectors, **given)
        self._send, self._dice, self.version, self._next_ms = send, random.Random(3), 0, self.start_ms

    def record(self, i: int) -> dict[str, Any]:
        base = super().record(i)
        item = self._dice.randrange(ITEMS)
        return {"user_id": base["device"], "item_id": item, "event_time": base["event_time"]}

    def _row(self, item: int | None, at: int) -> dict[str, Any]:
        vector = None if item is None else [round(self._dice.gauss(0, 1), 3) for _ in range(4)]
        return {"item_id": item, "version": self.version, "vector": vector, "event_time": iso(at)}

    def _with_vectors(self, values: list[dict[str, Any]], partition: int) -> None:
        if values and "device" in values[0]:  # the last record of each partition
            at = milliseconds(values[0]["event_time"])
            self._send("reads", [{"user_id": "closing", "item_id": 0, "event_time": iso(at)}], partition)
            self._send("vectors", [{"item_id": None, "version": None, "vector": None, "event_time": iso(at)}], 0)
            self._send("vectors", [{"item_id": None, "version": None, "vector": None, "event_time": iso(at)}], 1)
            return
        self._send("reads", values, partition)
        newest = self.start_ms + self.sent * self.spread_ms
        if newest >= self._next_ms:
            self._next_ms = newest + 6_000
            self.version += 1
            # not of a time that reads have, so that their order is plain
            rows = [self._row(item, newest + 7) for item in range(ITEMS - 4)]
            self._send("vectors", [*rows, self._row(None, newest + 9)], 0)
        elif self.version:
            self._send("vectors", [self._row(self._dice.randrange(ITEMS), newest + 11)], 0)
        self._send("vectors", [{"item_id": None, "version": None, "vector": None, "event_time": iso(newest)}], 1)


def _wanted(reads: list[dict[str, Any]], vectors: list[dict[str, Any]]) -> dict[str, list[tuple[Any, ...]]]:
    """Each user's rows, from all reads and vectors in the order of their times."""
    events = [(row["at"], 0, row["order"], row) for row in vectors]
    events += [(row["at"], 1, row["order"], row) for row in reads]
    tables: dict[int, dict[int, list[float]]] = defaultdict(dict)
    held: dict[str, list[int]] = defaultdict(list)
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    version = None
    for at, kind, _, row in sorted(events, key=lambda event: event[:3]):
        if kind == 0:
            if row["item_id"] is not None:
                tables[row["version"]][row["item_id"]] = row["vector"]
            elif (row["version"] or 0) > (version or 0):
                version = row["version"]
            continue
        items = held[row["user_id"]] = [
            row["item_id"], *(item for item in held[row["user_id"]] if item != row["item_id"])
        ][:LAST]  # fmt: skip
        known = [np.array(tables[version][item], np.float32) for item in items if version and item in tables[version]]
        mean = np.mean(np.array(known, np.float64), axis=0).astype(np.float32).tolist() if known else [0.0] * 4
        found[row["user_id"]].append((at, row["item_id"], None if version is None else mean, len(items), version))
    return found


@pytest.mark.kills
def test_user_vectors_are_exact_under_failure(
    stack: Stack, tmp_path: Path, produce: Callable[..., None], read_committed: Callable[..., list[Any]]
) -> None:
    prefix = f"vectors-{uuid.uuid4().hex[:6]}"
    file = tmp_path / "user_vectors.sql"
    file.write_text(PIPELINE.format(kafka=KAFKA, prefix=prefix))
    submitted = submit(stack.settings, file, {})
    source = _Reads(
        lambda topic, values, partition: produce(f"{prefix}-{topic}", values, partition=partition),
        keys=12, records=1_000_000, rate=200.0, seed=3, spread_ms=8,
    )  # fmt: skip
    source.start()
    job = Watched(stack, submitted.job_id, f"{prefix}-rows")
    chaos = Chaos(stack, [job], seed=5)
    try:
        chaos.kill_all()
        source.end()

        def rows(topic: str, at_least: int) -> list[dict[str, Any]]:
            records = read_committed(f"{prefix}-{topic}", at_least=at_least)
            parsed = [(json.loads(record.value), record) for record in records]
            return [
                {**row, "at": milliseconds(row["event_time"]), "order": record.partition * 2**48 + record.offset}
                for row, record in parsed
            ]

        reads = [row for row in rows("reads", source.sent + 2) if row["user_id"] != "closing"]
        wanted = _wanted(reads, rows("vectors", source.version))
        written = read_committed(f"{prefix}-rows", at_least=len(reads), timeout_s=RECOVERY_S)
    finally:
        source.stopped.set()
        stack.rest.cancel(submitted.job_id)
        stack.rest.wait_for_end(submitted.job_id)
    got: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for record in written:
        row = json.loads(record.value)
        got[row["user_id"]].append((row["at_ms"], row["item_id"], row.get("vector"), row["items"], row.get("version")))
    got.pop("closing", None)
    assert got.keys() == wanted.keys()
    for user, expected in wanted.items():
        assert len(got[user]) == len(expected), user
        for ours, theirs in zip(got[user], expected, strict=True):
            assert (ours[:2], ours[3:]) == (theirs[:2], theirs[3:]), user
            assert ours[2] == (None if theirs[2] is None else pytest.approx(theirs[2], rel=1e-6, abs=1e-6)), user
    versions = {row[4] for rows_ in got.values() for row in rows_}
    assert len(versions) > 3, versions
    for topic in ("reads", "vectors"):
        assert not read_committed(f"{prefix}-{topic}-late", timeout_s=0)
    assert job.replayed_behind_snapshots, f"no kill fell on a log behind a snapshot: {job.replays}"
