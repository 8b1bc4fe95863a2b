"""Killed workers and TaskManagers change nothing: same records, same scores bit for bit, none missing, none twice."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack
from jobs.submit import submit
from tests.cluster.chaos import RECOVERY_S, Chaos, Watched
from tests.cluster.live_input import LiveInput
from tests.cluster.replay import forest_scores, in_model_order

RATE = 300.0


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
    job = Watched(stack, submitted.job_id, f"{prefix}-scores")
    chaos = Chaos(stack, [job], seed=11)
    try:
        chaos.kill_all()
        source.end()
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
    assert job.replayed_behind_snapshots, f"no kill fell on a log behind a snapshot: {job.replays}"


def _key(value: dict[str, Any]) -> bytes:
    return str(value["device"]).encode()
