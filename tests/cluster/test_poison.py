"""Records of every bad kind among good ones: each refused with its reason, the job alive, good rows scored."""

from __future__ import annotations

import base64
import json
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack
from jobs.stack.processes import wait_until
from jobs.submit import submit
from models.random_cut_forest import RandomCutForest
from tests.cluster.poison import NOW_MS, all_poison, text
from tests.cluster.replay import iso

ROUNDS = 3
FOREST = {"trees": 100, "sample_size": 256, "time_decay": 100_000, "seed": 0}


def test_poison_is_refused_and_good_records_are_scored(
    stack: Stack,
    tmp_path: Path,
    new_topic: Callable[..., str],
    read_committed: Callable[..., list[Any]],
) -> None:
    topic = new_topic("poison", partitions=2)
    prefix = f"poison-{uuid.uuid4().hex[:6]}"
    sql = (PROJECT_ROOT / "sql" / "loudness.sql").read_text()
    assert sql.count("'topic' = 'loudness'") == 1
    sql = sql.replace("'topic' = 'loudness'", f"'topic' = '{topic}'").replace("'loudness-", f"'{prefix}-")
    file = tmp_path / "loudness_poisoned.sql"
    file.write_text(sql)
    kinds = all_poison()
    where, good = _send(stack, topic, kinds)
    submitted = submit(stack.settings, file, {})
    try:
        rejects = read_committed(f"{topic}-rejects", at_least=len(where), timeout_s=120)
        scores = read_committed(f"{prefix}-scores", at_least=len(good), timeout_s=120)
        assert wait_until(lambda: stack.rest.job(submitted.job_id).state == "RUNNING", 10)
        assert stack.rest.exceptions(submitted.job_id) == [], "the job failed on the way"
        metrics = _counts(stack, submitted.job_id)
        assert read_committed(f"{topic}-late", timeout_s=0) == []
        tardy = _send_late(stack, topic)
        late = read_committed(f"{topic}-late", at_least=2, timeout_s=60)
        assert [record.value for record in late] == tardy, "late rows are to be told as they came"
        assert len(read_committed(f"{prefix}-scores", timeout_s=0)) == len(scores), "late rows take part in nothing"
    finally:
        stack.rest.cancel(submitted.job_id)
        stack.rest.wait_for_end(submitted.job_id)
    found = {}
    for record in rejects:
        reject = json.loads(record.value)
        found[reject["partition"], reject["offset"]] = reject
    assert len(found) == len(rejects), "a reject was written twice"
    for place, kind in where.items():
        reject = found.pop(place)
        assert reject["reason"] == kind.reason, (kind.name, reject["reason"], reject["detail"])
        assert (reject["topic"], reject["timestamp"]) == (topic, iso(NOW_MS)), kind.name
        raw = None if reject["raw"] is None else base64.b64decode(reject["raw"], validate=True)
        assert raw == kind.value, kind.name
        assert reject["detail"] and len(reject["detail"]) < 500, kind.name
    assert not found, "good records were refused"
    got = sorted((row["device"], row["volume"], row["anomaly_score"]) for row in map(_row, scores))
    assert got == sorted(_scored(good))
    reasons = Counter(kind.reason for kind in where.values())
    assert metrics == {"rejected": len(where), **{f"rejected_{why}": count for why, count in reasons.items()}}
    # read = refused + scored, but for the two last, which wait for a later watermark
    assert len(where) + len(good) == len(rejects) + len(scores)


def _row(record: Any) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(record.value)
    return row


def _send(stack: Stack, topic: str, kinds: list[Any]) -> tuple[dict[tuple[int, int], Any], list[tuple[str, float]]]:
    """Send all kinds some times; the place of each bad record, and the good ones in model order."""
    producer = KafkaProducer(**stack.settings.kafka_client(), acks="all", max_request_size=8_000_000)
    sent = []
    for round_number in range(ROUNDS):
        for number, kind in enumerate(kinds):
            partition = (round_number + number) % 2
            sent.append((kind, producer.send(topic, kind.value, key=b"k", partition=partition, timestamp_ms=NOW_MS)))
    placed = []
    for kind, future in sent:
        metadata = future.get(timeout=60)
        placed.append((metadata.partition, metadata.offset, kind))
    # the watermark passes all of it, and the last packs come out; the sender's own pace is past these
    for partition in (0, 1):
        last = text(device="closing", event_time=iso(NOW_MS + 3_600_000)).encode()
        producer.send(topic, last, partition=partition, timestamp_ms=NOW_MS).get(timeout=60)
    producer.close()
    bad = {(partition, offset): kind for partition, offset, kind in placed if kind.reason is not None}
    good = [kind.expected for _, _, kind in sorted(placed, key=lambda each: each[:2]) if kind.reason is None]
    assert len(bad) + len(good) == ROUNDS * len(kinds)
    return bad, good


def _send_late(stack: Stack, topic: str) -> list[bytes]:
    """Good records, but of a time that all watermarks have passed."""
    producer = KafkaProducer(**stack.settings.kafka_client(), acks="all")
    values = [text(device=device, event_time=iso(NOW_MS)).encode() for device in ("closing", "never seen")]
    for value in values:
        producer.send(topic, value, partition=0, timestamp_ms=NOW_MS).get(timeout=60)
    producer.close()
    return values


def _scored(good: list[tuple[str, float]]) -> list[tuple[str, float, float]]:
    """The oracle: all good records have one event time, so a key's rows go by partition and offset."""
    forests: dict[str, RandomCutForest] = {}
    scored = []
    for device, volume in good:
        forest = forests.setdefault(device, RandomCutForest(dimensions=1, **FOREST))
        scored.append((device, volume, float(forest.process([[volume]])[0])))
    return scored


def _counts(stack: Stack, job_id: str) -> dict[str, int]:
    """Counters of refused records, those that are not 0, once they are reported in full."""
    found: Counter[str] = Counter()

    def read() -> bool:
        found.clear()
        for vertex in stack.rest.vertices(job_id):
            names = [n for n in stack.rest.metric_names(job_id, vertex.id) if ".rejected" in n]
            for name, value in stack.rest.metrics(job_id, vertex.id, names).items() if names else ():
                found[name.rpartition(".")[2]] += int(value)
        return sum(found.values()) > 0 and sum(found.values()) == 2 * found["rejected"]

    wait_until(read, 60)
    return {name: count for name, count in found.items() if count}
