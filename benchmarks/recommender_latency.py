"""From a request's append to Kafka until a consumer has its answer, at a steady rate, part by part.

A producer appends requests and clicks by the clock; a consumer of the answers notes when each came. Both are in this
process, so there is one clock. Every part of the way is slowed down alone, beside what `sql/recommender.sql` sets.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.own_stack import own_stack
from benchmarks.recommender import PAGE
from benchmarks.results import machine, show, write
from feeds.records import event_time, to_json
from jobs.settings import PROJECT_ROOT, Settings
from jobs.stack import Stack, kafka_admin
from jobs.stack.processes import wait_until
from jobs.submit import submit

PIPELINE = PROJECT_ROOT / "sql" / "recommender.sql"
TOPICS = ("media-requests", "media-clicks", "recommender-answers")
#: What is changed for each measurement, by its name: lines of the pipeline and what they become.
PARTS: dict[str, dict[str, str]] = {
    "as shipped": {},
    "pack interval 0.2 s": {"${batch:-0.05}": "0.2"},
    "pack interval 1 s": {"${batch:-0.05}": "1"},
    "watermarks every 200 ms": {"= '20 ms'": "= '200 ms'"},
    "Python bundles of 100 ms": {"bundle.time' = '10'": "bundle.time' = '100'"},
    "disorder of 0.5 s": {"${disorder:-0.05}": "0.5"},
}
WARM_UP_S = 20.0
#: The newest answers wait for a later event to move time; how long the others may take behind the last request.
UNMEASURED_S, SETTLE_S = 2.0, 20.0
USERS, ITEMS = 5_000, 1_000


def main() -> None:
    """Measure, print, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--part", action="append", choices=sorted(PARTS), help="measure only these")
    options = parser.parse_args()
    parts = {name: PARTS[name] for name in options.part or PARTS}
    found = measured(options.rate, options.seconds, parts)
    print(text(found))
    print(f"written to {write('recommender_latency', found)} and {show('recommender-latency', text(found), PAGE)}")


def measured(rate: float, seconds: float, parts: Mapping[str, Mapping[str, str]] = PARTS) -> dict[str, Any]:
    """Latencies by part, on a stack of the benchmark's own."""
    found: dict[str, Any] = {"machine": machine(), "requests_per_second": rate, "seconds": seconds, "parts": {}}
    with own_stack() as stack, tempfile.TemporaryDirectory() as folder:
        for number, (name, changes) in enumerate(parts.items()):
            found["parts"][name] = _one(stack, Path(folder, f"part{number}.sql"), changes, rate, seconds)
            print(name, found["parts"][name], file=sys.stderr)
    found["load_after"] = machine()["load_before"][0]
    return found


def _one(stack: Stack, file: Path, changes: Mapping[str, str], rate: float, seconds: float) -> dict[str, Any]:
    settings = stack.settings
    pipeline = PIPELINE.read_text()
    for line, changed in changes.items():
        if line not in pipeline:
            raise SystemExit(f"{PIPELINE.name} has no {line}")
        pipeline = pipeline.replace(line, changed)
    topics = {topic: f"{file.stem}-{topic}" for topic in TOPICS}
    for topic, own in topics.items():
        pipeline = pipeline.replace(f"'{topic}'", f"'{own}'")
    file.write_text(pipeline)
    kafka_admin.create_topics(settings, dict.fromkeys(topics.values(), 1))
    requests, clicks, answers = topics.values()
    job = submit(settings, file, {}, fresh=True).job_id
    came: dict[str, float] = {}
    sent: dict[str, float] = {}
    done = threading.Event()
    reading = threading.Thread(target=_read, args=(settings, answers, came, done), daemon=True)
    reading.start()
    try:
        _send(settings, (requests, clicks), rate, WARM_UP_S + seconds, sent, came)
        times = _measured(sent)
        wait_until(lambda: all(name in came for name, _ in times), SETTLE_S)
    finally:
        done.set()
        reading.join()
        stack.rest.cancel(job)
        stack.rest.wait_for_end(job)
    latencies = 1000 * np.array([came[name] - at for name, at in times if name in came])
    if not latencies.size:
        raise SystemExit(f"none of {len(times)} requests was answered: {stack.rest.exceptions(job)[:1]}")
    p50, p90, p99 = np.percentile(latencies, [50, 90, 99])
    return {
        "asked": len(times), "answered": int(latencies.size), "p50_ms": round(float(p50)), "p90_ms": round(float(p90)),
        "p99_ms": round(float(p99)), "max_ms": round(float(latencies.max(initial=0))),
    }  # fmt: skip


def _measured(sent: Mapping[str, float]) -> list[tuple[str, float]]:
    """Requests that count, each with its time."""
    first, last = min(sent.values()) + WARM_UP_S, max(sent.values()) - UNMEASURED_S
    return [(name, at) for name, at in sent.items() if first <= at <= last]


def _send(
    settings: Settings, topics: tuple[str, str], rate: float, seconds: float, sent: dict[str, float],
    came: Mapping[str, float],
) -> None:  # fmt: skip
    """Requests by the clock, and a click for every second one; the time counts from the first answer on."""
    producer = KafkaProducer(**settings.kafka_client(), acks="all", linger_ms=0)
    random = np.random.default_rng(1)
    started = begun = time.monotonic()
    number = 0
    answered = False
    while time.monotonic() - begun < seconds:
        if not answered and came:
            answered, begun, started, number = True, time.monotonic(), time.monotonic(), 0
            sent.clear()
        if not answered and time.monotonic() - started > 240:
            raise SystemExit("no answer within 240 s")
        due = started + number / rate
        if (left := due - time.monotonic()) > 0:
            time.sleep(left)
        now_ms, user = time.time_ns() // 1_000_000, int(random.integers(USERS))
        request = f"{'r' if answered else 'w'}{number}"
        wish = {"request_id": request, "event_time": event_time(now_ms), "user_id": user, "wanted": 10}
        sent[request] = time.monotonic()
        producer.send(topics[0], to_json(wish))
        if number % 2 == 0:
            item = int(ITEMS * random.random() ** 2)
            click = {"event_time": event_time(now_ms), "user_id": user, "item_id": item, "request_id": None}
            producer.send(topics[1], to_json({**click, "position": None}))
        number += 1
        begun = begun if answered else time.monotonic()
    producer.flush()
    producer.close()


def _read(settings: Settings, topic: str, came: dict[str, float], done: threading.Event) -> None:
    consumer = KafkaConsumer(**settings.kafka_client(), enable_auto_commit=False, fetch_max_wait_ms=5)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    while not done.is_set():
        for messages in consumer.poll(20).values():
            now = time.monotonic()
            for message in messages:
                came.setdefault(json.loads(message.value)["request_id"], now)
    consumer.close()


def text(found: Mapping[str, Any]) -> str:
    """The latencies as a table."""
    told = found["machine"]
    lines = [
        f"{told['cores']} cores, shared, load {told['load_before'][0]} before and {found['load_after']} after; "
        f"{found['requests_per_second']:g} requests a second",
        "",
        f"{'':26s}{'p50 ms':>8s}{'p90 ms':>8s}{'p99 ms':>8s}{'max ms':>8s}{'answered':>16s}",
    ]
    for name, row in found["parts"].items():
        part = f"{row['answered']:,} of {row['asked']:,}"
        lines.append(f"{name:26s}{row['p50_ms']:8,}{row['p90_ms']:8,}{row['p99_ms']:8,}{row['max_ms']:8,}{part:>16s}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
