"""An application of Kinesis SQL is exact under failure: ROWTIME, scores and order are those of an undisturbed run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from jobs.kinesis.application import compile_file
from jobs.kinesis.sources import parse_sources
from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack
from jobs.submit import submit
from tests.cluster.chaos import RECOVERY_S, Chaos, Watched
from tests.cluster.live_input import LiveInput
from tests.cluster.replay import forest_scores, in_model_order
from tests.cluster.test_exact_under_failure import RATE, _key

SOURCES = """
[sources."SOURCE_SQL_STREAM_001"]
topic = "{topic}"
rowtime = "event_time"
columns = [{{ name = "device", type = "VARCHAR(32)" }}, {{ name = "volume", type = "DOUBLE" }}]

[destinations."DESTINATION_SQL_STREAM"]
topic = "{topic}-sorted"
"""


@pytest.mark.kills
def test_a_compiled_application_is_exact_under_failure(
    stack: Stack,
    tmp_path: Path,
    produce: Callable[..., None],
    new_topic: Callable[..., str],
    read_committed: Callable[..., list[Any]],
) -> None:
    topic = f"kinesis-{uuid.uuid4().hex[:6]}"
    application = tmp_path / "loudness_by_second.sql"
    application.write_bytes((PROJECT_ROOT / "sql" / "kinesis" / "loudness.sql").read_bytes())
    compiled = compile_file(application, parse_sources(SOURCES.format(topic=topic)))
    pipeline = tmp_path / "compiled" / "loudness_by_second.sql"
    pipeline.parent.mkdir()
    # small logs, so that kills fall before and after snapshots
    pipeline.write_text("SET 'cutbank.snapshot.records' = '600';\n" + compiled.text)
    submitted = submit(stack.settings, pipeline, {})
    source = LiveInput(
        lambda values, partition: produce(topic, values, key=_key, partition=partition),
        keys=3,
        records=1_000_000,
        rate=RATE,
        seed=5,
    )
    source.start()
    job = Watched(stack, submitted.job_id, f"{topic}-sorted")
    chaos = Chaos(stack, [job], seed=3)
    try:
        chaos.kill_all()
        source.end()
        rows = in_model_order(read_committed(topic, at_least=source.sent + 2))
        written = read_committed(f"{topic}-sorted", at_least=source.sent, timeout_s=RECOVERY_S)
    finally:
        source.stopped.set()
        stack.rest.cancel(submitted.job_id)
        stack.rest.wait_for_end(submitted.job_id)
    # one model for all rows, in the order of ROWTIME; the two that close the windows come last and stay inside
    (scored,) = forest_scores(
        ({**row, "all": 1} for row in rows), "all", ("volume",), trees=100, sample_size=10, time_decay=100, seed=0
    ).values()
    expected: list[tuple[float, int]] = []
    for _, second in groupby(scored[:-2], key=lambda each: each[0]["event_time"][:19]):
        expected += sorted(((score, int(row["volume"])) for row, score in second), key=lambda each: -each[0])
    assert {record.partition for record in written} == {0}, "one partition holds the order"
    values = [json.loads(record.value) for record in written]
    assert [value["ANOMALY_SCORE"] for value in values] == [score for score, _ in expected]
    assert sorted((v["ANOMALY_SCORE"], v["volume"]) for v in values) == sorted(expected)
    assert job.replayed_behind_snapshots, f"no kill fell on a log behind a snapshot: {job.replays}"
    assert not read_committed(f"{topic}-late", timeout_s=0)
    assert not read_committed("loudness-by-second-errors", timeout_s=0)
