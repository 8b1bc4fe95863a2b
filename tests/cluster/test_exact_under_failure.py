"""Killed workers and TaskManagers change nothing: same records, same scores bit for bit, none missing, none twice."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack
from jobs.stack.kafka_read import reader
from jobs.stack.processes import wait_until
from jobs.submit import submit
from tests.cluster.live_input import LiveInput
from tests.cluster.replay import forest_scores, in_model_order

WORKER_KILLS, TASKMANAGER_KILLS = 5, 2
RATE = 300.0

#: A worker that dies while its first bundle is on the way is noticed after three minutes only: docs/guide/operating.md.
RECOVERY_S = 240


class _Chaos:
    """Kills at random moments, and notes what the job had to make up for."""

    def __init__(self, stack: Stack, job_id: str, scores: str, seed: int) -> None:
        self.stack, self.job_id, self.scores, self.random = stack, job_id, scores, random.Random(seed)
        self.replayed: list[int] = []
        self.snapshots_before: list[int] = []

    def metric(self, name: str) -> int:
        """Sum over the job's model operators of a metric of theirs; -1 while there is none."""
        found = -1
        for vertex in self.stack.rest.vertices(self.job_id):
            names = [n for n in self.stack.rest.metric_names(self.job_id, vertex.id) if n.endswith(f".{name}")]
            for value in self.stack.rest.metrics(self.job_id, vertex.id, names).values() if names else ():
                found = max(found, 0) + int(value)
        return found

    def committed(self) -> int:
        """How far the topic of scores goes for who reads what is committed."""
        with reader(self.stack.settings, self.scores) as records:
            return sum(records.bounds()[1].values())

    def wait_until_scoring(self) -> None:
        """The job runs, has completed a checkpoint since its last start, and scores have come out after that.

        Not by the metric of scored rows: it is that of the start before, until it is fetched again.
        """
        assert wait_until(lambda: self.stack.rest.job(self.job_id).state == "RUNNING", RECOVERY_S)
        done = self.stack.rest.checkpoints(self.job_id).completed
        assert wait_until(lambda: self.stack.rest.checkpoints(self.job_id).completed > done, RECOVERY_S)
        before = self.committed()
        assert wait_until(lambda: self.committed() > before, RECOVERY_S), "nothing is scored after a kill"

    def kill(self, what: str) -> None:
        self.wait_until_scoring()
        threading.Event().wait(self.random.uniform(0.0, 3.0))  # the random moment
        self.snapshots_before.append(sum(self.snapshots_before[-1:]) + max(self.metric("snapshots"), 0))
        workers = self.stack.python_workers()
        if what == "worker":
            assert workers, "no Python worker to kill"
            os.kill(self.random.choice(workers), signal.SIGKILL)
        else:
            self.stack.kill_taskmanager()
            self.stack.restart_taskmanager()
        assert wait_until(lambda: set(self.stack.python_workers()).isdisjoint(workers), 60), "no new worker"
        self.wait_until_scoring()
        self.replayed.append(self.metric("replayed_records"))


def test_loudness_is_exact_under_failure(
    stack: Stack,
    tmp_path: Path,
    produce: Callable[..., None],
    new_topic: Callable[..., str],
    read_committed: Callable[..., list[Any]],
) -> None:
    prefix = f"loud-{uuid.uuid4().hex[:6]}"
    text = (PROJECT_ROOT / "sql" / "loudness.sql").read_text().replace("'loudness", f"'{prefix}")
    file = tmp_path / "loudness_killed.sql"
    # small logs, so that kills fall before and after snapshots
    file.write_text("SET 'cutbank.snapshot.records' = '600';\n" + text)
    submitted = submit(stack.settings, file, {})
    source = LiveInput(
        lambda values, partition: produce(prefix, values, key=_key, partition=partition),
        keys=12,
        records=1_000_000,
        rate=RATE,
        seed=7,
    )
    source.start()
    chaos = _Chaos(stack, submitted.job_id, f"{prefix}-scores", seed=11)
    try:
        kills = ["worker"] * WORKER_KILLS + ["taskmanager"] * TASKMANAGER_KILLS
        chaos.random.shuffle(kills)
        for what in kills:
            chaos.kill(what)
        assert source.is_alive(), f"the input ended: {source.error}"
        source.stopped.set()
        source.join(timeout=60)
        assert source.error is None
        rows = in_model_order(read_committed(prefix, at_least=source.sent + 2))
        expected = forest_scores(
            (row for row in rows if row["device"] != "closing"),
            "device", ("volume",), trees=100, sample_size=256, time_decay=100_000, seed=0,
        )  # fmt: skip
        written = read_committed(f"{prefix}-scores", at_least=source.sent, timeout_s=RECOVERY_S)
    finally:
        source.stopped.set()
        stack.rest.cancel(submitted.job_id)
        stack.rest.wait_for_end(submitted.job_id)
    got: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for record in written:
        row = json.loads(record.value)
        got[row["device"]].append((row["event_time"], row["volume"], row["anomaly_score"]))
    got.pop("closing", None)
    assert sum(map(len, got.values())) == source.sent
    for device, scored in expected.items():
        # in the order of the topic too: a key's rows lie in one partition
        assert got[device] == [(row["event_time"], row["volume"], score) for row, score in scored], device
    assert not read_committed(f"{prefix}-late", timeout_s=0)
    replayed_after_snapshot = [
        n for n, snapshots in zip(chaos.replayed, chaos.snapshots_before, strict=True) if n > 0 and snapshots > 0
    ]
    assert replayed_after_snapshot, f"no kill fell on a log behind a snapshot: {chaos.replayed}"


def _key(value: dict[str, Any]) -> bytes:
    return str(value["device"]).encode()
