"""The job of one's own: right scores, also when its worker is killed in the middle."""

from __future__ import annotations

import json
import os
import signal
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack, kafka_admin
from jobs.stack.processes import wait_until
from tests.cluster.live_input import LiveInput
from tests.cluster.replay import forest_scores


def test_each_record_is_scored_once(
    stack: Stack,
    flink_run: Callable[..., str],
    new_topic: Callable[..., str],
    produce: Callable[..., None],
    read_committed: Callable[..., list[Any]],
) -> None:
    topic = new_topic("each", partitions=1)  # one partition: the order of arrival is the order of offsets
    kafka_admin.create_topics(stack.settings, {f"{topic}-custom-scores": 1})
    source = LiveInput(lambda values, _: produce(topic, values, partition=0), keys=3, records=2_000, rate=0, seed=2)
    source.run()
    job = flink_run(
        "-py", str(PROJECT_ROOT / "jobs" / "custom_scoring.py"), "--bootstrap-servers",
        stack.settings.bootstrap_servers, "--topic", topic, "--snapshot-records", "300",
    )  # fmt: skip
    produce(topic, [b"not a record"], partition=0)
    assert len(read_committed(f"{topic}-rejects", at_least=1)) == 1
    total = 2_000 + 2
    assert len(read_committed(f"{topic}-custom-scores", at_least=total)) == total
    worker = stack.python_workers()[-1]
    completed = stack.rest.checkpoints(job).completed
    assert wait_until(lambda: stack.rest.checkpoints(job).completed > completed, 30)
    os.kill(worker, signal.SIGKILL)
    again = LiveInput(lambda values, _: produce(topic, values, partition=0), keys=3, records=1_000, rate=0, seed=3)
    again.run()
    total += 1_000 + 2
    written = read_committed(f"{topic}-custom-scores", at_least=total, timeout_s=120)
    records = sorted(read_committed(topic), key=lambda record: record.offset)
    read = [json.loads(record.value) for record in records if record.value != b"not a record"]
    expected = forest_scores(read, "device", ("volume",), trees=100, sample_size=256, seed=0)
    got: dict[str, list[Any]] = defaultdict(list)
    for record in sorted(written, key=lambda r: r.offset):
        row = json.loads(record.value)
        got[row["device"]].append([row["event_time"], row["volume"], row["anomaly_score"]])
    assert len(written) == total
    for device, scored in expected.items():
        assert got[device] == [[row["event_time"], row["volume"], score] for row, score in scored], device
