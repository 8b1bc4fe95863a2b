"""What a source sends when it wakes is answered, or late in a topic where one can see it: nothing is lost silently."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.stack import Stack
from jobs.submit import submit
from tests.cluster.replay import iso, milliseconds

START_MS, SECOND_MS = 1_790_000_000_000, 1_000

PIPELINE = """
SET 'table.exec.source.idle-timeout' = '2 s';
CREATE TABLE asked (
    name STRING NOT NULL, event_time TIMESTAMP_LTZ(3) NOT NULL, x DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH ({kafka}, 'topic' = '{prefix}-asked', {source});
CREATE TABLE seen (
    name STRING NOT NULL, event_time TIMESTAMP_LTZ(3) NOT NULL, x DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH ({kafka}, 'topic' = '{prefix}-seen', {source});
CREATE VIEW both_of_them AS
SELECT name, event_time, x FROM asked UNION ALL SELECT name, event_time, x FROM seen;
CREATE TABLE scores (name STRING, event_time STRING) WITH ({kafka}, 'topic' = '{prefix}-scores', 'format' = 'json');
INSERT INTO scores SELECT name, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''')
FROM RANDOM_CUT_FOREST(input => TABLE both_of_them PARTITION BY name, on_time => DESCRIPTOR(event_time),
    columns => DESCRIPTOR(x), trees => 5, sample_size => 16, uid => 'scored');
"""
KAFKA = "'connector' = 'kafka', 'properties.bootstrap.servers' = '${bootstrap_servers}'"
SOURCE = "'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'"


def test_what_a_woken_source_sends_is_scored_or_late(
    stack: Stack, tmp_path: Path, produce: Callable[..., None], read_committed: Callable[..., list[Any]]
) -> None:
    prefix = f"woken-{uuid.uuid4().hex[:6]}"
    file = tmp_path / "woken.sql"
    file.write_text(PIPELINE.format(kafka=KAFKA, source=SOURCE, prefix=prefix))
    settings = stack.settings.model_copy(update={"parallelism": 2})
    job = submit(settings, file, {}, name=prefix, fresh=True).job_id

    def send(topic: str, name: str, second: int, partition: int = 0) -> None:
        row = {"name": name, "event_time": iso(START_MS + second * SECOND_MS), "x": 1.0}
        produce(f"{prefix}-{topic}", [row], partition=partition)

    def scored(at_least: int) -> set[str]:
        return {json.loads(r.value)["name"] for r in read_committed(f"{prefix}-scores", at_least=at_least)}

    def late(at_least: int) -> list[dict[str, Any]]:
        return [json.loads(r.value) for r in read_committed(f"{prefix}-scored-late", at_least=at_least)]

    try:
        # every partition has said something, and then all but one fall silent
        for partition in (0, 1):
            send("asked", f"first-{partition}", 0, partition)
            send("seen", f"also-{partition}", 0, partition)
        expected = {"first-0", "first-1", "also-0", "also-1"}
        # of the two tasks one reads the partition that wakes; it reads one of those that drive time, and not the other
        for driving in (0, 1):
            second = 60 * (driving + 1)
            send("seen", f"drives-{driving}", second, driving)
            send("seen", f"pushes-{driving}", second + 5, driving)
            expected.add(f"drives-{driving}")
            assert scored(len(expected)) == expected
            send("asked", f"woken-{driving}", second - 30)
            (row,) = late(driving + 1)[driving:]
            assert milliseconds(row.pop("event_time")) == START_MS + (second - 30) * SECOND_MS
            assert row == {"name": f"woken-{driving}", "x": 1.0}
            expected.add(f"pushes-{driving}")
        send("asked", "in-time", 180)
        send("seen", "end", 200)
        expected.add("in-time")
        assert scored(len(expected)) == expected
        assert len(late(2)) == 2
        for topic in ("asked", "seen"):
            assert not read_committed(f"{prefix}-{topic}-late", timeout_s=0)
    finally:
        stack.rest.cancel(job)
        stack.rest.wait_for_end(job)
